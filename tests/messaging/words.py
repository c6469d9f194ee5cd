"""What tests of the words that a phone sends share: who is texted, what came of it, what was answered."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import select, update

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import by_user, possible
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.inbound import CarrierSays, receive_text
from tests.world import World, new_number


def inbox_of(number: str) -> Inbox:
    return db.session.scalars(select(Inbox).where(Inbox.number == number)).one()


def replies(world: World, conversation_id: int) -> list[tuple[str, str]]:
    """The kind and state of what was answered, oldest first."""
    return [(m.kind, m.state) for m in world.messages(conversation_id) if m.direction == "outbound"]


def opt_out_by_hand(world: World, contact_id: int) -> None:
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        by_user.set_by_user(agent, contact_id, world.team_id, Status.OPTED_OUT)
        db.session.commit()


def both_teams(world: World) -> tuple[str, int]:
    """Somebody who is opted in to both teams: their number, and the contact's id."""
    number = new_number()
    for inbox in (world.shared, world.other_shared):
        world.text(number, "hello", inbox)
    return number, world.contact_id(number)


def statuses(world: World, contact_id: int) -> tuple[str | None, str | None]:
    """In the first team, and in the other."""
    return world.status(contact_id), world.status(contact_id, world.other_team_id)


def flagged(world: World, contact_id: int, team_id: int | None = None) -> bool:
    with world.session():
        return possible.open_flag(contact_id, team_id or world.team_id) is not None


def by_carrier(world: World, number: str, body: str, acted: Meaning) -> None:
    """A text on which the carrier has acted already."""
    with world.app.app_context():
        inbox_id = -1
        with world.session():
            inbox_id = db.session.scalars(select(Inbox.id).where(Inbox.number == world.shared)).one()
        receive_text(
            world.shared,
            number,
            body,
            str(uuid.uuid4()),
            datetime.now(UTC),
            carrier=CarrierSays(acted, inbox_ids=(inbox_id,)),
        )


def set_policy(world: World, **values: object) -> None:
    with world.session():
        db.session.execute(update(Tenant).where(Tenant.id == world.tenant_id).values(**values))
        db.session.commit()
