"""What became of a campaign: each outcome's one condition, which its figure and its list share, and how far
it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnClause, ColumnElement, Interval, and_, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from cadence_app.campaigns.answers import COUNTS_FOR
from cadence_app.campaigns.models import Campaign, Recipient, RecipientState
from cadence_app.consent.models import CARRIED_SOURCES, OptOutChange, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.models import Message


class Outcome(StrEnum):
    """What can be asked of those a campaign is for, by its name in addresses. Each of them waits, was sent
    the text or was not; of those sent some answered, some opted out, some never had it (failed)."""

    EVERYONE = "everyone"
    SENT = "sent"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    FAILED = "failed"
    OPTED_OUT = "opted-out-after"
    WAITING = "waiting"
    NOT_SENT = "not-sent"


_STATES = {
    Outcome.EVERYONE: tuple(each for each in RecipientState if each != RecipientState.LEFT_OUT),
    Outcome.SENT: (RecipientState.SENT, RecipientState.DELIVERED, RecipientState.FAILED),
    Outcome.DELIVERED: (RecipientState.DELIVERED,),
    Outcome.FAILED: (RecipientState.FAILED,),
    Outcome.WAITING: (RecipientState.WAITING, RecipientState.SENDING),
    Outcome.NOT_SENT: (RecipientState.SUPPRESSED, RecipientState.CANCELLED),
}


# COUNTS_FOR in hours, for a timedelta reaches PostgreSQL in days, of which one may be 23 or 25 hours long.
_WEEK: ColumnClause[timedelta] = literal_column("interval '168 hours'", Interval())
# A text that was on its way when its campaign was cancelled is settled soon after.
_SETTLED = timedelta(days=1)


@dataclass(frozen=True)
class Progress:
    """How many recipients are in each state; those left out do not count."""

    counts: dict[RecipientState, int] = field(default_factory=dict)

    def of(self, outcome: Outcome) -> int:
        """Of one that a state decides."""
        return sum(self.counts.get(state, 0) for state in _STATES[outcome])

    @property
    def total(self) -> int:
        return self.of(Outcome.EVERYONE)

    @property
    def sent(self) -> int:
        """Handed to the carrier."""
        return self.of(Outcome.SENT)

    @property
    def waiting(self) -> int:
        return self.of(Outcome.WAITING)

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
    return {each: Progress(found) for each, found in counts.items()}


def figures_of(campaign: Campaign) -> dict[Outcome, int]:
    """How many there are of each outcome, by two statements: a page asks every two seconds."""
    progress = progress_of([campaign.id])[campaign.id]
    others = (Outcome.ANSWERED, Outcome.OPTED_OUT)
    counted = (
        select(func.count()).select_from(Recipient).where(*condition(campaign, each)).scalar_subquery()
        for each in others
    )
    found = dict(zip(others, db.session.execute(select(*counted)).one(), strict=True))
    return {outcome: found[outcome] if outcome in found else progress.of(outcome) for outcome in Outcome}


def condition(campaign: Campaign, outcome: Outcome) -> tuple[ColumnElement[bool], ...]:
    """The conditions on Recipient by which one is among these of a campaign."""
    mine = Recipient.campaign_id == campaign.id
    if outcome == Outcome.ANSWERED:
        return mine, Recipient.answered_at.is_not(None)
    if outcome == Outcome.OPTED_OUT:
        return mine, Recipient.state.in_(_STATES[Outcome.SENT]), _opted_out_after(campaign)
    return mine, Recipient.state.in_(_STATES[outcome])


def _opted_out_after(campaign: Campaign) -> ColumnElement[bool]:
    """The condition on Recipient that the contact opted out of the team within seven days of the text, and
    that no later campaign of the team had texted them by then: each opt out counts for one campaign. It
    counts by whatever way it came, but for what follows from a merge or a change of number. Who was merged
    since is found under both records.

    Read from the opt outs of those days, which are few, and not from the recipients, who may be many.
    """
    texted, text, later, since = aliased(Recipient), aliased(Message), aliased(Recipient), aliased(Campaign)
    texted_later = (
        select(later.id)
        .join(since, since.id == later.campaign_id)
        .where(
            later.contact_id == texted.contact_id,
            later.message_id > texted.message_id,
            since.team_id == campaign.team_id,
            later.sent_at < OptOutChange.changed_at,
        )
    )
    begun = campaign.started_at or datetime.now(UTC)
    over = (campaign.finished_at or datetime.now(UTC)) + _SETTLED + COUNTS_FOR
    went = (
        select(texted.id)
        .select_from(OptOutChange)
        .join(Contact, Contact.id == OptOutChange.contact_id)
        .join(
            texted,
            and_(
                texted.campaign_id == campaign.id,
                or_(texted.contact_id == Contact.id, texted.contact_id == Contact.merged_into_id),
            ),
        )
        .join(text, text.id == texted.message_id)
        .where(
            OptOutChange.tenant_id == campaign.tenant_id,
            OptOutChange.changed_at.between(begun, over),
            OptOutChange.team_id == campaign.team_id,
            OptOutChange.status == Status.OPTED_OUT,
            OptOutChange.source.not_in(CARRIED_SOURCES),
            # A STOP may come before the carrier's receipt of the text that it answers.
            OptOutChange.changed_at > text.created_at,
            OptOutChange.changed_at <= texted.sent_at + _WEEK,
            ~texted_later.exists(),
        )
    )
    return Recipient.id.in_(went)
