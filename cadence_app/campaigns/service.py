"""Making, sending, pausing and cancelling campaigns, and who may.

A team's agents send to their team; admins to every team. Each of these commits.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import joinedload

from cadence_app.accounts import audit
from cadence_app.accounts.models import Team, TeamMember, User
from cadence_app.campaigns import checklist, recipients, sending
from cadence_app.campaigns.models import Campaign, CampaignState, Recipient, RecipientState
from cadence_app.campaigns.segments import Segment
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox, InboxKind

PAGE = 25


class Refused(ValueError):
    """What was asked can't be done in the state that the campaign is in by now; says so in words."""


def visible_to(user: User) -> ColumnElement[bool]:
    """The condition on Campaign for those a user may see and send."""
    if user.is_admin:
        return Campaign.tenant_id == user.tenant_id
    teams = select(TeamMember.team_id).where(TeamMember.user_id == user.id)
    return Campaign.team_id.in_(teams)


def inboxes_for(user: User) -> list[Inbox]:
    """The shared inboxes a user may send from, by team and name."""
    query = (
        select(Inbox).join(Inbox.team).where(Inbox.kind == InboxKind.SHARED).options(joinedload(Inbox.team))
    )
    if not user.is_admin:
        query = query.where(Inbox.team_id.in_([team.id for team in user.teams]))
    return list(db.session.scalars(query.order_by(Team.name, Inbox.name)))


def campaigns_of(user: User, page: int) -> tuple[list[Campaign], bool]:
    """A page of a user's campaigns, the newest first, and whether there are more."""
    query = (
        select(Campaign)
        .where(visible_to(user))
        .options(joinedload(Campaign.team), joinedload(Campaign.inbox), joinedload(Campaign.user))
        .order_by(Campaign.id.desc())
    )
    rows = db.session.scalars(query.limit(PAGE + 1).offset((page - 1) * PAGE)).all()
    return list(rows[:PAGE]), len(rows) > PAGE


def find(user: User, campaign_id: int) -> Campaign | None:
    return db.session.scalars(
        select(Campaign).where(Campaign.id == campaign_id, visible_to(user))
    ).one_or_none()


def save(
    user: User, campaign: Campaign | None, inbox: Inbox, name: str, body: str, segment: Segment
) -> Campaign:
    """A new draft, or one that is changed and thereby a draft again, with its recipients worked out. Errors:
    Refused for a campaign that has begun."""
    if campaign is None:
        campaign = Campaign(tenant_id=user.tenant_id)
    else:
        campaign = _locked(campaign)
        _check(campaign.editable, "It has begun by now, so it can't be changed.")
        if campaign.state == CampaignState.SCHEDULED:
            _note(user, "campaign.unscheduled", campaign)
    campaign.team_id, campaign.inbox_id, campaign.user_id = inbox.team_id, inbox.id, user.id
    campaign.name, campaign.body, campaign.segment = name, body, segment.stored
    campaign.state, campaign.send_at, campaign.wake_at = CampaignState.DRAFT, None, None
    campaign.checked = None
    # Only now, for what is asked above would write it half filled in.
    db.session.add(campaign)
    db.session.flush()
    recipients.work_out(campaign)
    db.session.commit()
    return campaign


def send_now(user: User, campaign: Campaign) -> None:
    """Errors: Refused for one that has begun, and where nobody is left to text."""
    campaign = _locked(campaign)
    _check(campaign.editable, "It has begun already.")
    campaign.user_id = user.id
    sending.begin(campaign, datetime.now(UTC))
    _check_somebody(campaign)
    campaign.checked = checklist.kept(campaign)
    _note(user, "campaign.sent", campaign)
    db.session.commit()


def schedule(user: User, campaign: Campaign, send_at: datetime) -> None:
    """Sets the time (UTC) at which it begins by itself. Errors: Refused."""
    campaign = _locked(campaign)
    _check(campaign.editable, "It has begun already.")
    _check_somebody(campaign)
    before = campaign.send_at
    campaign.user_id = user.id
    campaign.state, campaign.send_at, campaign.wake_at = CampaignState.SCHEDULED, send_at, send_at
    campaign.checked = checklist.kept(campaign)
    _note(user, "campaign.scheduled", campaign, send_at=(before, send_at))
    db.session.commit()


def pause(user: User, campaign: Campaign) -> None:
    """At most the one text that is on its way still goes. Errors: Refused."""
    campaign = _locked(campaign)
    _check(campaign.state == CampaignState.SENDING, "It is not being sent.")
    campaign.state, campaign.wake_at = CampaignState.PAUSED, None
    _note(user, "campaign.paused", campaign)
    db.session.commit()


def resume(user: User, campaign: Campaign) -> None:
    """Errors: Refused."""
    campaign = _locked(campaign)
    _check(campaign.state == CampaignState.PAUSED, "It is not paused.")
    campaign.state, campaign.wake_at = CampaignState.SENDING, datetime.now(UTC)
    _note(user, "campaign.resumed", campaign)
    db.session.commit()


def cancel(user: User, campaign: Campaign) -> None:
    """Stops it for good: what was sent stays, nobody else gets it. Errors: Refused."""
    campaign = _locked(campaign)
    stoppable = (
        *(CampaignState.SCHEDULED, CampaignState.MISSED),
        *(CampaignState.SENDING, CampaignState.PAUSED),
    )
    _check(campaign.state in stoppable, "There is nothing to cancel.")
    # A worker that died on it may have left a text behind, which is to be seen to.
    campaign.state = CampaignState.CANCELLED
    campaign.wake_at = campaign.finished_at = datetime.now(UTC)
    db.session.execute(
        update(Recipient)
        .where(Recipient.campaign_id == campaign.id, Recipient.state == RecipientState.WAITING)
        .values(state=RecipientState.CANCELLED)
    )
    _note(user, "campaign.cancelled", campaign)
    db.session.commit()


def discard(campaign: Campaign) -> None:
    """Deletes a draft. Errors: Refused."""
    campaign = _locked(campaign)
    _check(campaign.state == CampaignState.DRAFT, "Only a draft can be deleted.")
    db.session.execute(delete(Recipient).where(Recipient.campaign_id == campaign.id))
    db.session.delete(campaign)
    db.session.commit()


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        db.session.rollback()
        raise Refused(otherwise)


def _check_somebody(campaign: Campaign) -> None:
    waiting = select(Recipient.id).where(
        Recipient.campaign_id == campaign.id, Recipient.state == RecipientState.WAITING
    )
    _check(db.session.scalar(waiting.limit(1)) is not None, "Nobody is left to text. Change who gets it.")


def _note(user: User, action: str, campaign: Campaign, **changes: tuple[object, object]) -> None:
    audit.record(user, action, f"{campaign.name} ({campaign.team.name})", **changes)


def _locked(campaign: Campaign) -> Campaign:
    return db.session.scalars(
        select(Campaign)
        .where(Campaign.id == campaign.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
