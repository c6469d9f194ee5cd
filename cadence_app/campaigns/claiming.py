"""Taking the next recipients of a campaign: their texts are written, decided about and gone in one commit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from cadence_app.campaigns.following import follow_texts
from cadence_app.campaigns.models import Campaign, CampaignState, Recipient, RecipientState
from cadence_app.consent.contact_rows import lock_free
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import pace
from cadence_app.messaging.calling import Leaving
from cadence_app.messaging.conversations import add_automated, conversations_with
from cadence_app.messaging.leaving import leave, sender_free
from cadence_app.messaging.merge_fields import Fields
from cadence_app.messaging.models import (
    ConversationState,
    Direction,
    Message,
    MessageKind,
    MessageState,
    Unsent,
)
from cadence_app.messaging.quiet_hours import Hours
from cadence_app.messaging.sending import MAX_BODY_LENGTH

# A worker that is alive says so more often than this.
LOST_AFTER = timedelta(seconds=15)
# Texts that are taken in one transaction.
_OF_ONE_LOOK = 64


def claim(
    campaign_id: int, hours: Hours, fields: Fields, most: int, others_under_way: bool = False
) -> list[Leaving] | None:
    """Takes the next recipients who have a slot, and commits: their texts are gone, each is to be handed over
    at its time. None where nobody is left for now: it is paused, or all that wait are asleep, or all have had
    it; not as long as it is open what becomes of others of this worker."""
    campaign = locked(campaign_id)
    if campaign is None or campaign.state != CampaignState.SENDING:
        db.session.rollback()
        return None
    now = datetime.now(UTC)
    waiting = _zones_waiting(campaign_id)
    open_now = [zones for zones in waiting if hours.open(zones, now)]
    _pass_over_removed(campaign_id)
    inbox, slots = campaign.inbox, pace.slots_of(campaign.inbox_id, pace.CAMPAIGNS_AHEAD)
    if slots is None or not sender_free(inbox):
        db.session.rollback()
        return []
    following = _next_of(campaign_id, open_now, max(1, min(slots.free, most, _OF_ONE_LOOK)))
    if not following:
        if others_under_way:
            # It is over once it is known of these what became of them.
            db.session.rollback()
            return []
        wakes = [hours.opens_at(zones, now) for zones in waiting]
        if unsettled(campaign_id):
            wakes.append(now + LOST_AFTER)
        _rest(campaign, wakes)
        db.session.commit()
        return None
    if not slots.free:
        # Others of the inbox go first; or its carrier holds it up, which may be for long.
        held_up = slots.begins > now + LOST_AFTER
        if held_up:
            campaign.wake_at = slots.begins
        db.session.commit()
        return None if held_up else []
    free = lock_free([each.contact_id for each in following if each.contact_id])
    chosen = [each for each in following if each.contact_id in free]
    texts = leave(inbox, _written(campaign, inbox, chosen, fields))
    texts = [replace(text, at=at) for text, at in zip(texts, slots.take(len(texts)), strict=True)]
    db.session.commit()
    return texts


def _next_of(campaign_id: int, zones: list[str], most: int) -> list[Recipient]:
    """The next ones who wait in these zones, locked."""
    query = (
        select(Recipient)
        .where(
            Recipient.campaign_id == campaign_id,
            Recipient.state == RecipientState.WAITING,
            Recipient.zones.in_(zones),
        )
        .options(joinedload(Recipient.contact))
        .order_by(Recipient.zones, Recipient.id)
        .limit(most)
        .with_for_update(of=Recipient, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(query))


def _pass_over_removed(campaign_id: int) -> None:
    """Whoever waits and was erased or removed since has no contact any more, and is texted by nobody."""
    db.session.execute(
        update(Recipient)
        .where(
            Recipient.campaign_id == campaign_id,
            Recipient.state == RecipientState.WAITING,
            Recipient.contact_id.is_(None),
        )
        .values(state=RecipientState.CANCELLED)
    )


def _zones_waiting(campaign_id: int) -> list[str]:
    """The zones of those who wait, each once. One step through the index for each, however many wait."""
    waiting = select(Recipient.zones).where(
        Recipient.campaign_id == campaign_id, Recipient.state == RecipientState.WAITING
    )
    found: list[str] = []
    zones = db.session.scalar(waiting.order_by(Recipient.zones).limit(1))
    while zones is not None:
        found.append(zones)
        zones = db.session.scalar(waiting.where(Recipient.zones > zones).order_by(Recipient.zones).limit(1))
    return found


def unsettled(campaign_id: int) -> bool:
    """Whether it is open for some text whether it goes: its carrier is busy, or gave no answer."""
    query = select(Recipient.id).where(
        Recipient.campaign_id == campaign_id, Recipient.state == RecipientState.SENDING
    )
    return db.session.scalar(query.limit(1)) is not None


def _rest(campaign: Campaign, wakes: list[datetime]) -> None:
    """Nobody may be texted just now: until somebody's quiet hours end, or a carrier is asked again, or for
    good."""
    if wakes:
        campaign.wake_at = min(wakes)
    else:
        campaign.state, campaign.wake_at = CampaignState.FINISHED, None
        campaign.finished_at = func.now()


def _written(campaign: Campaign, inbox: Inbox, chosen: list[Recipient], fields: Fields) -> list[Message]:
    """The texts of these recipients, whose fate is open from now on; those that say nothing have failed, and
    are not among them."""
    contacts = [each.contact for each in chosen if each.contact]
    if not contacts:
        return []
    # It is work once they answer.
    talks = conversations_with(inbox, [each.id for each in contacts], ConversationState.DONE)
    texts = [_text(campaign, contact, fields) for contact in contacts]
    add_automated([(talks[contact.id], text) for contact, text in zip(contacts, texts, strict=True)])
    for recipient, text in zip(chosen, texts, strict=True):
        recipient.message_id, recipient.state = text.id, RecipientState.SENDING
    db.session.flush()
    follow_texts([text for text in texts if text.state == MessageState.FAILED])
    return [text for text in texts if text.state == MessageState.QUEUED]


def _text(campaign: Campaign, contact: Contact, fields: Fields) -> Message:
    body = fields.render(campaign.body, contact)
    why_not = "With this contact's values the text is too long." if len(body) > MAX_BODY_LENGTH else ""
    why_not = why_not if body else "With this contact's values the text is empty."
    return Message(
        direction=Direction.OUTBOUND,
        kind=MessageKind.PERSON,
        body=body,
        user_id=campaign.user_id,
        campaign_id=campaign.id,
        by_hand=False,
        attempts=0,
        state=MessageState.FAILED if why_not else MessageState.QUEUED,
        detail=why_not,
        unsent_reason=Unsent.NO_TEXT if why_not else None,
    )


def locked(campaign_id: int) -> Campaign | None:
    """A campaign as it is now, held."""
    return db.session.scalars(
        select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
