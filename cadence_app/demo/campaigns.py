"""The demo's campaigns: those of the last weeks, one that is set for tomorrow, and saved texts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
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
from cadence_app.demo.classes import Classes
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
)
from cadence_app.messaging.text_template_models import TextTemplate


@dataclass(frozen=True)
class _Went:
    """A campaign that is over, by an agent's first or second team, to those in one year of college. `replies`
    is the share that answered, `stops` that of those who opted out."""

    name: str
    body: str
    team: int
    year: str
    days_ago: int
    at: time
    replies: float
    stops: float


# The oldest first.
_WENT = (
    _Went(
        "Aid letters are out",
        "Hi {first_name|there}, your financial aid letter is in the portal. Reply if a number looks wrong.",
        *(1, "Sophomore", 41, time(11, 15), 0.09, 0.007),
    ),
    _Went(
        "Advising week",
        "Hi {first_name|there}, advising for spring starts Monday. Reply with a day that suits you.",
        *(0, "Junior", 29, time(9, 40), 0.12, 0.005),
    ),
    _Went(
        "Graduation form",
        "Hi {first_name|there}, the form to graduate in May is due in two weeks. Can I help with it?",
        *(1, "Senior", 17, time(14, 5), 0.08, 0.008),
    ),
    _Went(
        "Registration reminder",
        "Hi {first_name|there}, registration for spring opens Monday at 7 AM. Reply if you would like help with your schedule.",
        *(0, "First year", 8, time(15, 30), 0.07, 0.011),
    ),
    _Went(
        "Open house on Saturday",
        "Hi {first_name|there}, our open house is this Saturday, 10 to 2. Tours leave every half hour. Will you come?",
        *(0, "Prospective", 1, time(10, 5), 0.16, 0.008),
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
        "Hi {first_name|there}, your file is still missing a document. Reply and I will tell you which.",
    ),
    ("Thank you", "Thank you, {first_name|and have a good day}. Text us any time."),
)
_FAILS = 0.02
# How many of those who answered yesterday still wait for a reply.
_WAIT = 0.3


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
    tenant: Tenant,
    changes: list[Change],
    classes: Classes,
    inboxes: list[Inbox],
    agent: User,
    chance: random.Random,
) -> None:
    """Makes them for the agent's first two teams. `changes` are all of the contacts who do not talk
    otherwise."""
    desks = [next(box for box in inboxes if box.team_id == team.id) for team in agent.teams]
    today = datetime.now(tenant.zone).date()
    stopped: set[tuple[int, int]] = set()
    for went in _WENT:
        day = _working_day(today - timedelta(days=went.days_ago))
        begun = datetime.combine(day, went.at, tenant.zone).astimezone(UTC)
        tag_id, people = classes[went.year]
        campaign = _campaign(desks[went.team], agent, went.name, went.body, CampaignState.FINISHED, tag_id)
        campaign.started_at = begun
        latest = {
            each.contact_id: each
            for each in changes
            if each.team_id == campaign.team_id and each.contact_id in people
        }
        stopped |= _load_sent(campaign, latest, stopped, went, chance)
    tomorrow = datetime.combine(today + timedelta(days=1), time(10), tenant.zone).astimezone(UTC)
    planned = _campaign(desks[0], agent, *_TOMORROW, CampaignState.SCHEDULED, classes["First year"][0])
    planned.send_at = planned.wake_at = tomorrow
    recipients.work_out(planned)
    for name, body in _TEMPLATES:
        db.session.add(TextTemplate(tenant_id=tenant.id, team_id=desks[0].team_id, name=name, body=body))
    _load_later(desks[0], agent, tomorrow)


def _working_day(day: date) -> date:
    """The day itself, or the Friday before a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def _campaign(desk: Inbox, agent: User, name: str, body: str, state: CampaignState, tag_id: int) -> Campaign:
    campaign = Campaign(
        tenant_id=desk.tenant_id,
        team_id=desk.team_id,
        inbox_id=desk.id,
        user_id=agent.id,
        name=name,
        body=body,
        segment=Segment(narrowing={"tags_any": [tag_id]}).stored,
        state=state,
    )
    db.session.add(campaign)
    db.session.flush()
    return campaign


def _load_sent(
    campaign: Campaign,
    latest: dict[int, Change],
    stopped: set[tuple[int, int]],
    went: _Went,
    chance: random.Random,
) -> set[tuple[int, int]]:
    """Sends it to those who had nothing later; `stopped` are those, by contact and team, whom an earlier
    campaign made opt out. Gives those who opt out by this one."""
    begun = campaign.started_at or datetime.now(UTC)
    talks = {
        contact_id: (talk_id, last_at)
        for contact_id, talk_id, last_at in db.session.execute(
            select(Conversation.contact_id, Conversation.id, Conversation.last_message_at).where(
                Conversation.inbox_id == campaign.inbox_id, Conversation.contact_id.in_(latest)
            )
        )
    }
    contacts = {each.id: each for each in db.session.scalars(select(Contact).where(Contact.id.in_(latest)))}
    fields = tenant_fields()
    sent, left_out, moment = [], [], begun
    for contact_id, change in latest.items():
        talk_id, last_at = talks.get(contact_id, (None, begun))
        if change.at is None or change.at >= begun or talk_id is None or last_at >= begun:
            continue
        row = {"campaign_id": campaign.id, "tenant_id": campaign.tenant_id, "contact_id": contact_id}
        if change.status == Status.OPTED_OUT or (contact_id, campaign.team_id) in stopped:
            left_out.append(row | {"state": RecipientState.LEFT_OUT, "reason": Reason.OPTED_OUT})
            continue
        moment += timedelta(milliseconds=200)
        body = fields.render(campaign.body, contacts[contact_id])
        each = _Sent(row, talk_id, [_text(campaign, body, moment, chance)])
        _answer(campaign, each, moment, went, chance)
        sent.append(each)
    campaign.finished_at = moment
    _store(campaign, sent, left_out, _WAIT if went.days_ago == 1 else 0, chance)
    return {(each.recipient["contact_id"], campaign.team_id) for each in sent if each.stop_at}


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


def _answer(campaign: Campaign, sent: _Sent, moment: datetime, went: _Went, chance: random.Random) -> None:
    """Some answer, a few of them with STOP, which gets its confirmation."""
    at = moment + timedelta(minutes=chance.expovariate(1 / 40) + 1)
    drawn = chance.random()
    if sent.texts[0]["state"] == MessageState.FAILED or at > datetime.now(UTC) or drawn > went.replies:
        return
    stopped = drawn < went.stops
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


def _talk(sent: _Sent, wait: float, chance: random.Random) -> dict[str, Any]:
    """How the conversation of who wrote stands on the desk: this share of them waits still."""
    waits = sent.answered_at if chance.random() < wait else None
    return {
        "id": sent.conversation_id,
        "listed_at": sent.texts[1]["created_at"],
        "state": ConversationState.OPEN if waits else ConversationState.DONE,
        "snoozed_until": None,
        "waiting_since": waits,
    }


def _store(
    campaign: Campaign,
    sent: list[_Sent],
    left_out: list[dict[str, Any]],
    wait: float,
    chance: random.Random,
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
            talks.append(_talk(each, wait, chance))
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
    if left_out:
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
