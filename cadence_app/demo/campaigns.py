"""The demo's campaigns: two that went out yesterday, one that is set for tomorrow, and saved texts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from cadence_app.accounts.models import Tenant, User
from cadence_app.campaigns import recipients
from cadence_app.campaigns.models import Campaign, CampaignState, Reason, Recipient, RecipientState
from cadence_app.campaigns.segments import Segment
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Consent, Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.auto_replies import KINDS, text_of
from cadence_app.messaging.merge_fields import tenant_fields
from cadence_app.messaging.models import (
    Conversation,
    ConversationState,
    Direction,
    Message,
    MessageKind,
    MessageState,
    ScheduledText,
    TextTemplate,
)

_WENT = (
    (
        "Open house on Saturday",
        "Hi {first_name|there}, our open house is this Saturday, 10 to 2. Tours leave every half hour. Will you come?",
        time(10, 5),
        0.11,
        0.006,
    ),
    (
        "Registration reminder",
        "Hi {first_name|there}, registration for spring opens Monday at 7 AM. Reply if you would like help with your schedule.",
        time(15, 30),
        0.07,
        0.011,
    ),
)
_TOMORROW = (
    "Housing applications open",
    "Hi {first_name|there}, housing applications open on the 1st. Returning students choose their rooms first.",
)
_ANSWERS = (
    "Yes, thank you!",
    "I'll be there",
    "Can I bring my parents?",
    "ok thanks",
    "What time should I come?",
    "Not this time, sorry",
    "Sounds good 👍",
    "Do I need to sign up?",
)
_TEMPLATES = (
    ("Office hours", "We are here Monday to Friday, 9 to 5, in Hall 108. No appointment needed."),
    (
        "Missing documents",
        "Hi {first_name|there}, your file still misses a document. Reply and I will tell you which.",
    ),
    ("Thank you", "Thank you, {first_name|and have a good day}. Text us any time."),
)
_FAILS = 0.02
# How many of those who answered still wait for a reply.
_WAIT = 0.15


@dataclass
class _Sent:
    """What a campaign's text to one contact leads to: its row, and those that answer it."""

    recipient: dict[str, Any]
    conversation_id: int
    texts: list[dict[str, Any]]
    stop_at: datetime | None = None

    @property
    def answered_at(self) -> datetime | None:
        """When they answered, by the desk's rule: a STOP is none."""
        return self.texts[1]["created_at"] if len(self.texts) > 1 and not self.stop_at else None


def load_campaigns(
    tenant: Tenant, changes: list[Change], inboxes: list[Inbox], agent: User, chance: random.Random
) -> None:
    """Makes them for the first two teams. `changes` are all of the contacts who do not talk otherwise."""
    desks = [next(box for box in inboxes if box.team_id == team.id) for team in agent.teams]
    yesterday = (datetime.now(tenant.zone) - timedelta(days=1)).date()
    for desk, (name, body, at, replies, stops) in zip(desks, _WENT, strict=False):
        begun = datetime.combine(yesterday, at, tenant.zone).astimezone(UTC)
        campaign = _campaign(desk, agent, name, body, CampaignState.FINISHED, begun)
        _load_sent(campaign, changes, replies, stops, chance)
    tomorrow = datetime.combine(yesterday + timedelta(days=2), time(10), tenant.zone).astimezone(UTC)
    planned = _campaign(desks[0], agent, *_TOMORROW, CampaignState.SCHEDULED, None)
    planned.send_at = planned.wake_at = tomorrow
    recipients.work_out(planned)
    for name, body in _TEMPLATES:
        db.session.add(TextTemplate(tenant_id=tenant.id, team_id=desks[0].team_id, name=name, body=body))
    _load_later(desks[0], agent, tomorrow)


def _campaign(
    desk: Inbox, agent: User, name: str, body: str, state: CampaignState, begun: datetime | None
) -> Campaign:
    campaign = Campaign(
        tenant_id=desk.tenant_id,
        team_id=desk.team_id,
        inbox_id=desk.id,
        user_id=agent.id,
        name=name,
        body=body,
        segment=Segment().stored,
        state=state,
        started_at=begun,
    )
    db.session.add(campaign)
    db.session.flush()
    return campaign


def _load_sent(
    campaign: Campaign, changes: list[Change], replies: float, stops: float, chance: random.Random
) -> None:
    begun = campaign.started_at or datetime.now(UTC)
    latest = {change.contact_id: change for change in changes if change.team_id == campaign.team_id}
    talks = dict(
        db.session.execute(
            select(Conversation.contact_id, Conversation.id).where(Conversation.inbox_id == campaign.inbox_id)
        ).all()
    )
    contacts = {each.id: each for each in db.session.scalars(select(Contact).where(Contact.id.in_(latest)))}
    fields = tenant_fields()
    sent, left_out, moment = [], [], begun
    for contact_id, change in latest.items():
        if change.at is None or change.at >= begun or contact_id not in talks:
            continue
        row = {"campaign_id": campaign.id, "tenant_id": campaign.tenant_id, "contact_id": contact_id}
        if change.status == Status.OPTED_OUT:
            left_out.append(row | {"state": RecipientState.LEFT_OUT, "reason": Reason.OPTED_OUT})
            continue
        moment += timedelta(milliseconds=200)
        body = fields.render(campaign.body, contacts[contact_id])
        each = _Sent(row, talks[contact_id], [_text(campaign, body, moment, chance)])
        _answer(campaign, each, moment, replies, stops, chance)
        sent.append(each)
    campaign.finished_at = moment
    _store(campaign, sent, left_out, chance)


def _text(campaign: Campaign, body: str, moment: datetime, chance: random.Random) -> dict[str, Any]:
    failed = chance.random() < _FAILS
    return {
        "direction": Direction.OUTBOUND,
        "kind": MessageKind.PERSON,
        "body": body,
        "state": MessageState.FAILED if failed else MessageState.DELIVERED,
        "detail": "The carrier says this number is out of service." if failed else "",
        "user_id": campaign.user_id,
        "campaign_id": campaign.id,
        "by_hand": False,
        "needs_reply": False,
        "created_at": moment,
        "opened_at": None,
    }


def _answer(
    campaign: Campaign, sent: _Sent, moment: datetime, replies: float, stops: float, chance: random.Random
) -> None:
    """Some answer, a few of them with STOP, which gets its confirmation."""
    at = moment + timedelta(minutes=chance.expovariate(1 / 40) + 1)
    drawn = chance.random()
    if sent.texts[0]["state"] == MessageState.FAILED or at > datetime.now(UTC) or drawn > replies:
        return
    stopped = drawn < stops
    heard = sent.texts[0] | {
        "direction": Direction.INBOUND,
        "body": "STOP" if stopped else chance.choice(_ANSWERS),
        "state": MessageState.RECEIVED,
        "needs_reply": not stopped,
        "user_id": None,
        "campaign_id": None,
        "by_hand": True,
        "created_at": at,
        "opened_at": at + timedelta(minutes=3),
    }
    sent.texts.append(heard)
    if stopped:
        sent.stop_at = at
        confirmation = {
            "direction": Direction.OUTBOUND,
            "kind": KINDS[Meaning.OUT],
            "body": text_of(campaign.team, Meaning.OUT),
            "state": MessageState.DELIVERED,
            "needs_reply": False,
            "created_at": at + timedelta(seconds=1),
            "opened_at": None,
        }
        sent.texts.append(heard | confirmation)


def _talk(sent: _Sent, chance: random.Random) -> dict[str, Any]:
    """How the conversation of who wrote stands on the desk: most are seen to by now."""
    waits = sent.answered_at if chance.random() < _WAIT else None
    return {
        "id": sent.conversation_id,
        "listed_at": sent.texts[1]["created_at"],
        "state": ConversationState.OPEN if waits else ConversationState.DONE,
        "snoozed_until": None,
        "waiting_since": waits,
    }


def _store(
    campaign: Campaign, sent: list[_Sent], left_out: list[dict[str, Any]], chance: random.Random
) -> None:
    where = {"tenant_id": campaign.tenant_id, "inbox_id": campaign.inbox_id}
    texts = [text | where | {"conversation_id": each.conversation_id} for each in sent for text in each.texts]
    ids = iter(
        db.session.scalars(insert(Message).returning(Message.id, sort_by_parameter_order=True), texts).all()
    )
    rows, stops, tops, talks = [], [], [], []
    for each in sent:
        message_ids = [next(ids) for _ in each.texts]
        first, last = each.texts[0], each.texts[-1]
        rows.append(
            each.recipient
            | {"state": first["state"], "message_id": message_ids[0], "sent_at": first["created_at"]}
            | {"answered_at": each.answered_at}
        )
        tops.append(
            {
                "id": each.conversation_id,
                "last_message_at": last["created_at"],
                "last_message_text": last["body"],
            }
        )
        if len(each.texts) > 1:
            talks.append(_talk(each, chance))
        if each.stop_at:
            stops.append(
                Change(
                    *(each.recipient["contact_id"], campaign.team_id, Status.OPTED_OUT, Source.KEYWORD),
                    message_id=message_ids[1],
                    words="STOP",
                    at=each.stop_at,
                )
            )
    db.session.execute(update(Conversation), tops)
    if talks:
        db.session.execute(update(Conversation), talks)
    db.session.execute(insert(Recipient), rows)
    db.session.execute(insert(Recipient), left_out)
    record_changes(stops)


def _load_later(desk: Inbox, agent: User, send_at: datetime) -> None:
    """One text for tomorrow, in the conversation on top of the desk's list whose contact may have it."""
    may = (Consent.contact_id == Conversation.contact_id) & (Consent.team_id == desk.team_id)
    top = (
        select(Conversation.id)
        .join(Consent, may)
        .where(Conversation.inbox_id == desk.id, Consent.status == Status.OPTED_IN)
    )
    db.session.add(
        ScheduledText(
            tenant_id=desk.tenant_id,
            conversation_id=db.session.scalars(
                top.order_by(Conversation.listed_at.desc().nulls_last()).limit(1)
            ).one(),
            user_id=agent.id,
            body="Good morning! Did you find the building? Text me if you get lost.",
            send_at=send_at,
        )
    )
