"""What became of a campaign: how far it is, and how it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnClause, ColumnElement, Interval, and_, exists, func, literal_column, select

from cadence_app.campaigns.models import Campaign, Recipient, RecipientState
from cadence_app.consent.models import OptOutChange, Status
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Direction, Message

HANDED_OVER = (RecipientState.SENT, RecipientState.DELIVERED, RecipientState.FAILED)
# An opt out this long after the text is counted as one after the campaign.
_LATER_THAN: ColumnClause[timedelta] = literal_column("interval '7 days'", Interval())
# Not timedelta(hours=24), which reaches PostgreSQL as one day: that may be 23 or 25 hours long.
_REPLY_WITHIN: ColumnClause[timedelta] = literal_column("interval '24 hours'", Interval())


@dataclass(frozen=True)
class Progress:
    """How many recipients are in each state; those left out do not count."""

    counts: dict[RecipientState, int] = field(default_factory=dict)

    def of(self, *states: RecipientState) -> int:
        return sum(self.counts.get(state, 0) for state in states)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def sent(self) -> int:
        """Handed to the carrier."""
        return self.of(*HANDED_OVER)

    @property
    def waiting(self) -> int:
        return self.of(RecipientState.WAITING, RecipientState.SENDING)

    @property
    def done(self) -> int:
        return self.total - self.waiting


def progress_of(campaign_ids: list[int]) -> dict[int, Progress]:
    query = (
        select(Recipient.campaign_id, Recipient.state, func.count())
        .where(Recipient.campaign_id.in_(campaign_ids), Recipient.state != RecipientState.LEFT_OUT)
        .group_by(Recipient.campaign_id, Recipient.state)
    )
    counts: dict[int, dict[RecipientState, int]] = {each: {} for each in campaign_ids}
    for campaign_id, state, count in db.session.execute(query):
        counts[campaign_id][state] = count
    return {campaign_id: Progress(found) for campaign_id, found in counts.items()}


def replied(campaign: Campaign) -> ColumnElement[bool]:
    """The condition on Recipient that the contact texted the inbox within 24 hours of the text."""
    said = (
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.inbox_id == campaign.inbox_id,
            Conversation.contact_id == Recipient.contact_id,
            Message.direction == Direction.INBOUND,
            Message.created_at > Recipient.sent_at,
            Message.created_at <= Recipient.sent_at + _REPLY_WITHIN,
        )
    )
    return and_(Recipient.state.in_(HANDED_OVER), said.exists())


def opted_out_after(campaign: Campaign) -> ColumnElement[bool]:
    """The condition on Recipient that the contact opted out of the team within seven days of the text."""
    went = exists().where(
        OptOutChange.contact_id == Recipient.contact_id,
        OptOutChange.team_id == campaign.team_id,
        OptOutChange.status == Status.OPTED_OUT,
        OptOutChange.changed_at > Recipient.sent_at,
        OptOutChange.changed_at <= Recipient.sent_at + _LATER_THAN,
    )
    return and_(Recipient.state.in_(HANDED_OVER), went)


def answers_to(campaign: Campaign) -> tuple[int, int]:
    """How many replied, and how many opted out after it."""
    query = select(
        func.count().filter(replied(campaign)), func.count().filter(opted_out_after(campaign))
    ).where(Recipient.campaign_id == campaign.id)
    return tuple(db.session.execute(query).one())  # type: ignore[return-value]
