"""What tests of standing things do: give somebody some, take their right away, let time pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import select, update

from cadence_app.accounts.models import AuditEntry, Role, User
from cadence_app.api import tokens
from cadence_app.api.models import ApiToken, Scope
from cadence_app.extensions import db
from cadence_app.mails.models import OutgoingMail
from cadence_app.reports import schedule_runs
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Format
from cadence_app.reports.schedules import Every, Period, Timing
from cadence_app.standing.jobs import sweep_standing
from cadence_app.vault import decrypt
from tests.api.conftest import Api
from tests.world import World, make_user, new_number

NOW = timedelta(0)


def add_admin(world: World, name: str = "Second Admin") -> int:
    with world.session():
        user = make_user(world.tenant_id, Role.ADMIN, name)
        db.session.commit()
        return user.id


def token_of(world: World, user_id: int, used: timedelta | None = NOW) -> Api:
    """A token with every scope, last used so long ago; None for never."""
    with world.session():
        name = f"Records {new_number()}"
        token, text = tokens.create_token(db.session.get_one(User, user_id), name, list(Scope))
        token.last_used_at = None if used is None else datetime.now(UTC) - used
        db.session.commit()
        return Api(world, text, token.id, name)


def schedule_of(world: World, user_id: int, *to: int) -> int:
    """A daily schedule of the opt out history, for its owner where nobody is named."""
    with world.session():
        owner = db.session.get_one(User, user_id)
        people = [db.session.get_one(User, each) for each in to] or [owner]
        timing = Timing(Every.DAY, 0, 1, 6)
        plan = schedule_runs.Plan(Filters(), (), Format.CSV, Period.DAY, timing, people)
        return schedule_runs.add_schedule(owner, OPT_OUT_HISTORY, plan).id


def take_right(world: World, user_id: int, **columns: Any) -> None:
    """Behind everybody's back, as a directory would: no code of ours runs."""
    columns = columns or {"active": False}
    url = str(world.app.config["SUPERUSER_URL"]).replace("+psycopg", "")
    sets = ", ".join(f"{name} = %s" for name in columns)
    with psycopg.connect(url) as connection:
        connection.execute(f"UPDATE users SET {sets} WHERE id = %s", [*columns.values(), user_id])


def sweep(world: World) -> None:
    with world.app.app_context():
        sweep_standing()


def pass_days(world: World, api: Api, days: float) -> None:
    """Lets the days pass that a token waits for a decision."""
    with world.session():
        token = db.session.get_one(ApiToken, api.token_id)
        gone_at, remind_at = token.gone_at, token.remind_at
        assert gone_at
        assert remind_at
        ago = timedelta(days=days)
        moved: dict[str, datetime | None] = {"gone_at": gone_at - ago, "remind_at": remind_at - ago}
        moved["last_used_at"] = token.last_used_at - ago if token.last_used_at else None
        db.session.execute(update(ApiToken).where(ApiToken.id == api.token_id).values(moved))
        db.session.commit()


def token_row(api: Api) -> ApiToken:
    """Detached."""
    with api.world.session():
        token = db.session.get_one(ApiToken, api.token_id)
        db.session.expunge(token)
        return token


def mailed(world: World, kind: str) -> list[tuple[str, str, str]]:
    """The mails of a kind, oldest first: to whom, about what, and the text."""
    with world.session():
        query = select(OutgoingMail).where(OutgoingMail.kind == kind).order_by(OutgoingMail.id)
        return [(mail.recipient, mail.subject, decrypt(mail.text)) for mail in db.session.scalars(query)]


def logged(world: World, area: str) -> list[tuple[str, str, str]]:
    """The audit log's entries of an area, oldest first: who, what, about what."""
    with world.session():
        query = select(AuditEntry).where(AuditEntry.action.startswith(f"{area}.")).order_by(AuditEntry.id)
        return [(entry.user_name, entry.action, entry.subject) for entry in db.session.scalars(query)]


def address_of(world: World, user_id: int) -> str:
    with world.session():
        return db.session.get_one(User, user_id).email
