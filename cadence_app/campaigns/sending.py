"""Sending a campaign, each recipient exactly once whatever is killed when.

Some recipients at a time go from `waiting` to `sending` together with their messages, each with a key of its
own, and that is committed before the carrier is called, many at once. Only one worker works on a campaign at
a time (work/leases.py); what it finds in `sending` was left behind by one that died, and the carrier is asked
what became of it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial

from flask import current_app
from sqlalchemy import func, select, update

from cadence_app.campaigns import recipients
from cadence_app.campaigns.claiming import LOST_AFTER, claim, locked, unsettled
from cadence_app.campaigns.following import follow_texts
from cadence_app.campaigns.models import Campaign, CampaignState, Recipient, RecipientState
from cadence_app.extensions import db
from cadence_app.messaging import outcomes, pace
from cadence_app.messaging import sending as texts
from cadence_app.messaging.calling import Calls
from cadence_app.messaging.carriers import gaps
from cadence_app.messaging.merge_fields import tenant_fields
from cadence_app.messaging.models import (
    Message,
    MessageState,
)
from cadence_app.messaging.quiet_hours import hours_of
from cadence_app.work.leases import Lease, held

# How late a campaign may begin by itself; past it a person decides.
LATEST_START = timedelta(days=1)
# A worker gives way to other campaigns after this long; one that is alive says so more often than LOST_AFTER.
_SLICE_SECONDS = 30
_ALIVE_EVERY = 5
_LOOK_AGAIN = timedelta(seconds=10)
# Carriers that are asked at once, and texts under way.
_AT_ONCE, _MOST = 64, 256
_LOOK_SECONDS = 0.05
_PAUSE_SECONDS = 2.0
_CANCELLED = "The campaign was cancelled before it went."


def work(campaign_id: int) -> bool:
    """Takes a campaign as far as a slice of time allows; whether there is more to do at once. Running it
    twice at once does no harm."""
    with held(f"campaign {campaign_id}") as mine:
        if not mine:
            return False
        state = _brought_up_to_date(campaign_id)
        if state == CampaignState.CANCELLED:
            _settle(campaign_id, cancelled=True)
            again = func.now() + LOST_AFTER if unsettled(campaign_id) else None
            db.session.execute(update(Campaign).where(Campaign.id == campaign_id).values(wake_at=again))
            db.session.commit()
        if state != CampaignState.SENDING or _held_back(campaign_id):
            return False
        _settle(campaign_id)
        return _send_slice(campaign_id, mine)


def _brought_up_to_date(campaign_id: int) -> str | None:
    """The state of a campaign after beginning, or giving up on, one that is due. Commits."""
    campaign = locked(campaign_id)
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
    hours, fields = hours_of(campaign.user.tenant), tenant_fields()
    until, alive_until = time.monotonic() + _SLICE_SECONDS, 0.0
    calls, taking, again = Calls(_AT_ONCE, _MOST), True, False
    try:
        while taking or calls.under_way:
            if time.monotonic() > alive_until:
                if taking and _held_back(campaign_id):
                    taking = False
                else:
                    _say_alive(campaign_id)
                alive_until = time.monotonic() + _ALIVE_EVERY
            claimed = 0
            if taking and calls.room > 0:
                lease.confirm()
                taken = claim(campaign_id, hours, fields, calls.room, calls.under_way > 0)
                calls.give(taken or [])
                taking, claimed = taken is not None, len(taken or [])
            if calls.write(0.0 if claimed else _LOOK_SECONDS, outcomes.note) and calls.busy:
                # The carrier asks us to wait: nobody else's turn comes meanwhile.
                taking = False
            if taking and time.monotonic() >= until:
                taking, again = False, True
    finally:
        _finish(calls)
    return again and not calls.busy


def _finish(calls: Calls) -> None:
    """What is under way goes, whatever ended the slice, and is written: only its worker knows what becomes of
    it. What the slice had begun to write and not committed is not."""
    db.session.rollback()
    try:
        while calls.under_way:
            try:
                calls.write(_LOOK_SECONDS, outcomes.note)
            except Exception:
                # As while the database restarts.
                current_app.logger.exception("what came of a campaign's texts could not be written yet")
                db.session.rollback()
                time.sleep(_PAUSE_SECONDS)
    finally:
        calls.close()


def _settle(campaign_id: int, cancelled: bool = False) -> None:
    """Deals with the texts that a carrier was too busy to take, and with those whose worker died: the carrier
    is asked, and one that did not go goes now, in the hours of its contact's day, unless the campaign is
    `cancelled`, or was paused or cancelled meanwhile. Whoever asks has the campaign's lease."""
    campaign = db.session.get_one(Campaign, campaign_id)
    hours, inbox_id = hours_of(campaign.user.tenant), campaign.inbox_id
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
            if not pace.turn(inbox_id):
                return
            if not _goes_on(campaign_id):
                db.session.rollback()
                return
            texts.deliver(message_id)
        elif state == MessageState.SENDING and may_go:
            current_app.logger.warning("campaign %s: what became of text %s?", campaign_id, message_id)
            goes_on = partial(_goes_on, campaign_id)
            texts.hand_over_again(message_id, _CANCELLED if cancelled else "", goes_on)
        elif state not in (MessageState.QUEUED, MessageState.SENDING):
            follow_texts([db.session.get_one(Message, message_id, populate_existing=True)])
            db.session.commit()


def _goes_on(campaign_id: int) -> bool:
    """Whether a campaign is being sent; nobody pauses or cancels it before the transaction ends."""
    campaign = locked(campaign_id)
    return campaign is not None and campaign.state == CampaignState.SENDING


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
