"""Sending a campaign, one recipient at a time, so that each is texted exactly once whatever is killed when.

A recipient goes from `waiting` to `sending` together with its message, which has a key of its own, and that
is committed before the carrier is called. Only one worker works on a campaign at a time (work/leases.py);
what it finds in `sending` was left behind by one that died, and the carrier is asked what became of it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from flask import current_app
from sqlalchemy import func, select, update

from cadence_app.campaigns import pace, recipients
from cadence_app.campaigns.models import Campaign, CampaignState, Recipient, RecipientState
from cadence_app.extensions import db
from cadence_app.messaging import sending as texts
from cadence_app.messaging.carriers import gaps
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.merge_fields import Fields, tenant_fields
from cadence_app.messaging.models import SENT_STATES, ConversationState, Message, MessageState
from cadence_app.messaging.quiet_hours import Hours, hours_of
from cadence_app.work.leases import Lease, held

# How late a campaign may begin by itself; past it a person decides.
LATEST_START = timedelta(days=1)
# A worker gives way to other campaigns after this long; one that is alive says so more often than LOST_AFTER.
_SLICE_SECONDS = 30
LOST_AFTER = timedelta(seconds=15)
_ALIVE_EVERY = 5
_LOOK_AGAIN = timedelta(seconds=10)
_CANCELLED = "The campaign was cancelled before it went."

_BECAME = {
    MessageState.SENT: RecipientState.SENT,
    MessageState.DELIVERED: RecipientState.DELIVERED,
    MessageState.FAILED: RecipientState.FAILED,
    MessageState.SUPPRESSED: RecipientState.SUPPRESSED,
    MessageState.DROPPED: RecipientState.FAILED,
}
# What a text may yet become something else from: a receipt may come for one that was given up.
_OPEN = (RecipientState.SENDING, RecipientState.SENT, RecipientState.FAILED)


def work(campaign_id: int) -> bool:
    """Takes a campaign as far as a slice of time allows; whether there is more to do at once. Running it
    twice at once does no harm."""
    with held(f"campaign {campaign_id}") as mine:
        if not mine:
            return False
        state = _brought_up_to_date(campaign_id)
        if state == CampaignState.CANCELLED:
            _settle(campaign_id, cancelled=True)
            again = func.now() + LOST_AFTER if _unsettled(campaign_id) else None
            db.session.execute(update(Campaign).where(Campaign.id == campaign_id).values(wake_at=again))
            db.session.commit()
        if state != CampaignState.SENDING or _held_back(campaign_id):
            return False
        _settle(campaign_id)
        return _send_slice(campaign_id, mine)


def _brought_up_to_date(campaign_id: int) -> str | None:
    """The state of a campaign after beginning, or giving up on, one that is due. Commits."""
    campaign = _locked(campaign_id)
    now = datetime.now(UTC)
    if (
        campaign
        and campaign.state == CampaignState.SCHEDULED
        and campaign.send_at
        and campaign.send_at <= now
    ):
        if campaign.send_at < now - LATEST_START:
            campaign.state, campaign.wake_at = CampaignState.MISSED, None
        else:
            begin(campaign, now)
    state = campaign.state if campaign else None
    db.session.commit()
    return state


def begin(campaign: Campaign, now: datetime) -> None:
    """Works out once more who gets it, by what consent says now, and starts. The caller commits."""
    recipients.work_out(campaign)
    campaign.state, campaign.started_at, campaign.wake_at = CampaignState.SENDING, now, now


def _send_slice(campaign_id: int, lease: Lease) -> bool:
    campaign = db.session.get_one(Campaign, campaign_id)
    hours, fields, inbox_id = hours_of(campaign.user.tenant), tenant_fields(), campaign.inbox_id
    until, alive_until = time.monotonic() + _SLICE_SECONDS, 0.0
    while True:
        if time.monotonic() > alive_until:
            if _held_back(campaign_id):
                return False
            _say_alive(campaign_id)
            alive_until = time.monotonic() + _ALIVE_EVERY
        pace.wait_for_turn(inbox_id)
        lease.confirm()
        message_id = _claim(campaign_id, hours, fields)
        if message_id is None:
            return False
        message = texts.hand_over(message_id)
        busy = message is not None and message.state == MessageState.QUEUED
        _note_outcome(message, message_id)
        if busy:
            # The carrier asks us to wait: nobody else's turn comes meanwhile.
            return False
        if time.monotonic() >= until:
            return True


def _claim(campaign_id: int, hours: Hours, fields: Fields) -> int | None:
    """The text of the next recipient, whose fate is open from now on; commits. None where nobody is left for
    now: it is paused, or all that wait are asleep, or all have had it."""
    campaign = _locked(campaign_id)
    if campaign is None or campaign.state != CampaignState.SENDING:
        db.session.rollback()
        return None
    now = datetime.now(UTC)
    waiting = _zones_waiting(campaign_id)
    open_now = [zones for zones in waiting if hours.open(zones, now)]
    recipient = _next_of(campaign_id, open_now)
    while recipient and recipient.contact_id is None:
        _pass_over_removed(campaign_id)
        recipient = _next_of(campaign_id, open_now)
    if recipient is None:
        wakes = [hours.opens_at(zones, now) for zones in waiting]
        if _unsettled(campaign_id):
            wakes.append(now + LOST_AFTER)
        _rest(campaign, wakes)
        db.session.commit()
        return None
    message = _written(campaign, recipient, fields)
    recipient.message_id = message.id
    recipient.state = RecipientState.SENDING
    db.session.commit()
    return message.id


def _next_of(campaign_id: int, zones: list[str]) -> Recipient | None:
    """The next one who waits in these zones, locked."""
    return db.session.scalars(
        select(Recipient)
        .where(
            Recipient.campaign_id == campaign_id,
            Recipient.state == RecipientState.WAITING,
            Recipient.zones.in_(zones),
        )
        .order_by(Recipient.zones, Recipient.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


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


def _unsettled(campaign_id: int) -> bool:
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


def _written(campaign: Campaign, recipient: Recipient, fields: Fields) -> Message:
    contact = recipient.contact
    if contact is None:
        raise ValueError(f"recipient {recipient.id} has no contact")
    body = fields.render(campaign.body, contact)
    too_long = len(body) > texts.MAX_BODY_LENGTH
    why_not = "With this contact's values the text is too long." if too_long else ""
    why_not = why_not if body else "With this contact's values the text is empty."
    # It is work once they answer.
    conversation = conversation_with(campaign.inbox, contact.id, ConversationState.DONE)
    return texts.claim_text(conversation, body, campaign.user_id, campaign.id, why_not)


def _settle(campaign_id: int, cancelled: bool = False) -> None:
    """Deals with the texts that a carrier was too busy to take, and with those whose worker died: the carrier
    is asked, and one that did not go goes now, in the hours of its contact's day, unless the campaign is
    `cancelled`. Whoever asks holds the campaign."""
    hours = hours_of(db.session.get_one(Campaign, campaign_id).user.tenant)
    claimed = (
        select(Message.id, Message.state, Recipient.zones)
        .join(Recipient, Recipient.message_id == Message.id)
        .where(Recipient.campaign_id == campaign_id, Recipient.state == RecipientState.SENDING)
        .order_by(Recipient.id)
    )
    for message_id, state, zones in db.session.execute(claimed).all():
        may_go = cancelled or hours.open(zones, datetime.now(UTC))
        if state == MessageState.QUEUED and cancelled:
            texts.take_back(message_id, _CANCELLED)
            db.session.commit()
        elif state == MessageState.QUEUED and may_go:
            texts.deliver(message_id)
        elif state == MessageState.SENDING and may_go:
            current_app.logger.warning("campaign %s: what became of text %s?", campaign_id, message_id)
            _note_outcome(texts.hand_over_again(message_id, _CANCELLED if cancelled else ""), message_id)
        elif state not in (MessageState.QUEUED, MessageState.SENDING):
            _note_outcome(None, message_id)


def _note_outcome(message: Message | None, message_id: int) -> None:
    """Notes at its recipient what became of a text, in the transaction that dealt with it, and commits."""
    follow_text(message or db.session.get_one(Message, message_id, populate_existing=True))
    db.session.commit()


def follow_text(message: Message) -> None:
    """Notes at the recipient of a campaign's text what has become of it. The caller commits."""
    if message.campaign_id is None or message.state not in _BECAME:
        return
    handed = message.state in SENT_STATES
    db.session.execute(
        update(Recipient)
        .where(Recipient.message_id == message.id, Recipient.state.in_(_OPEN))
        .values(
            state=_BECAME[message.state],
            sent_at=func.coalesce(Recipient.sent_at, func.clock_timestamp()) if handed else None,
        )
    )


def _held_back(campaign_id: int) -> bool:
    """Whether it must wait for texts that may be a STOP (messaging/carriers/gaps.py); it is then looked at
    again soon. Commits."""
    held_back = gaps.held_back(db.session.get_one(Campaign, campaign_id).inbox)
    if held_back:
        again = func.clock_timestamp() + _LOOK_AGAIN
        sending = Campaign.id == campaign_id, Campaign.state == CampaignState.SENDING
        db.session.execute(update(Campaign).where(*sending).values(wake_at=again))
    db.session.commit()
    return held_back is not None


def _say_alive(campaign_id: int) -> None:
    db.session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state == CampaignState.SENDING)
        .values(wake_at=func.clock_timestamp() + LOST_AFTER)
    )
    db.session.commit()


def _locked(campaign_id: int) -> Campaign | None:
    return db.session.scalars(
        select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
