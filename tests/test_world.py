"""The small organisation of tests is as the product makes one."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import select

from cadence_app.accounts import service as accounts
from cadence_app.accounts.models import Navigation, Role, Team, TeamMember, User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import create_inbox
from tests.world import World, make_user, new_number

# Of each row its own.
_OWN = {"id", "tenant_id", "team_id", "user_id", "number", "email", "code", "name"}


def _rows() -> list[list[dict[str, Any]]]:
    """All but what is each row's own."""
    found = []
    for table in (Team, User, TeamMember, Inbox):
        query = select(table.__table__).order_by(*table.__table__.primary_key)
        rows = db.session.execute(query).mappings()
        found.append([{key: _plain(key, row[key]) for key in row if key not in _OWN} for row in rows])
    return found


def _plain(column: str, value: Any) -> Any:
    """Of a moment only that there is one; of a hash nothing, for each is salted."""
    return value is not None if column.endswith(("_at", "_hash")) else value


def test_a_world_is_made_as_the_services_make_an_organisation(app: Flask, world: World) -> None:
    with app.app_context():
        accounts.create_tenant(f"{world.name} again", Navigation.TEAMS, "America/New_York")
        team, other = accounts.create_team("Admissions", "ADM"), accounts.create_team("Aid", "AID")
        admin, agent = (make_user(team.tenant_id, role, "Person") for role in (Role.ADMIN, Role.AGENT))
        for each, user in ((team, admin), (other, admin), (team, agent)):
            db.session.add(TeamMember(tenant_id=team.tenant_id, team_id=each.id, user_id=user.id))
        db.session.flush()
        for each, owner in ((team, None), (other, None), (team, agent), (other, admin), (team, None)):
            create_inbox(each, new_number(), "Line", owner and owner.email)
        db.session.commit()
        made = _rows()
    with world.session():
        assert _rows() == made
