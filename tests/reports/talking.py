"""What tests of message activity share: texts at moments of their own, and the figures that come of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.models import Direction, Message, MessageKind, MessageState
from cadence_app.reports.activity import Activity, Figures, Line, activity_of
from cadence_app.reports.activity_periods import Period
from tests.world import World

DAYS = Period(date(2026, 6, 1), date(2026, 6, 10))
NOON = datetime(2026, 6, 5, 16, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)


class Talk:
    """A conversation of a new contact with an inbox, into which a test puts texts at moments of its own."""

    def __init__(self, world: World, number: str | None = None) -> None:
        self.world = world
        contact_id = world.add_contact()
        with world.session():
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == (number or world.shared))).one()
            self.id, self.inbox_id = conversation_with(inbox, contact_id).id, inbox.id
            db.session.commit()

    def sent(
        self,
        at: datetime,
        user_id: int | None = None,
        state: MessageState = MessageState.DELIVERED,
        kind: MessageKind = MessageKind.PERSON,
    ) -> int:
        person = kind == MessageKind.PERSON
        author = (user_id or self.world.agent_id) if person else None
        return self._add(direction=Direction.OUTBOUND, kind=kind, state=state, user_id=author, created_at=at)

    def received(self, at: datetime) -> int:
        return self._add(direction=Direction.INBOUND, state=MessageState.RECEIVED, created_at=at)

    def _add(self, **values: object) -> int:
        with self.world.session():
            message = Message(
                tenant_id=self.world.tenant_id,
                conversation_id=self.id,
                inbox_id=self.inbox_id,
                body="x",
                **values,
            )
            db.session.add(message)
            db.session.commit()
            return message.id


def activity(
    world: World, role: str = "admin", period: Period = DAYS, team_ids: Iterable[int] | None = None
) -> Activity:
    """What somebody of the world sees, by default of all the teams they are in."""
    with world.session():
        viewer = db.session.get_one(User, world.admin_id if role == "admin" else world.agent_id)
        wanted = [team for team in viewer.teams if team_ids is None or team.id in team_ids]
        return activity_of(viewer, wanted, period)


def by_name(lines: list[Line]) -> dict[str, Figures]:
    assert len({line.name for line in lines}) == len(lines)
    return {line.name: line.figures for line in lines}
