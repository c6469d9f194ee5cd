"""What is known of one text of ours, as far as it is about that text alone: who, from where to where, when,
and what its carrier said. Each fact says how it is known; what nobody kept is "Not recorded"."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.contacts.models import ContactNumber
from cadence_app.extensions import db
from cadence_app.messaging.carriers.of_inbox import account_of, carrier_of
from cadence_app.messaging.models import Message, MessageKind, MessageState, ScheduledText, Unsent

NOT_RECORDED = "Not recorded"
# The automatic answers, as screens call them.
ANSWER_NAMES = {
    MessageKind.OPT_OUT_REPLY: "Automatic opt-out confirmation",
    MessageKind.OPT_IN_REPLY: "Automatic welcome back",
    MessageKind.HELP_REPLY: "Automatic help text",
    MessageKind.AWAY_REPLY: "Automatic out-of-office text",
}
_LAST_WORDS = {
    MessageState.QUEUED: "Waiting to be sent",
    MessageState.SENDING: "Being sent: the carrier has not answered yet",
    MessageState.SENT: "Sent: the carrier took it, and has not said that it arrived",
    MessageState.DELIVERED: "Delivered: the carrier says that it arrived",
    MessageState.FAILED: "Failed",
    MessageState.SUPPRESSED: "Not sent",
    MessageState.DROPPED: "Not sent: it came too late",
}
# Why a text did not go although consent was never asked about it.
NEVER_ASKED = (Unsent.TOO_LATE, Unsent.CANCELLED, Unsent.CARRIER_ANSWERS, Unsent.NO_TEXT)
# What let it go and handed nothing over, or nobody can tell.
_NOT_TAKEN: dict[Unsent | None, str] = {
    Unsent.CARRIER_BUSY: "Never: it was too busy each time",
    Unsent.CARRIER_UNUSABLE: "Never: its settings could not be used",
    Unsent.LOST_SIGHT: "Nobody knows: its answer was lost",
}
_GONE = (MessageState.SENT, MessageState.DELIVERED, MessageState.FAILED)


class How(StrEnum):
    """How a fact is known: it was kept when it happened; it follows from the history or the settings as they
    are now; nobody kept it."""

    RECORDED = ""
    AFTERWARDS = "Worked out afterwards from the history"
    AS_IT_IS_NOW = "As it is now"
    NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Line:
    """One fact: a time (`at`), or words. `exact`: to be copied letter by letter; `number`: E.164."""

    label: str
    value: str = ""
    how: How = How.RECORDED
    at: datetime | None = None
    exact: bool = False
    number: bool = False


@dataclass(frozen=True)
class Decided:
    """What the sender kept of its decision about a text; all None for texts from before it did."""

    at: datetime | None
    change_id: int | None
    standing: Any


def decided(message: Message) -> Decided:
    """Reads by name: the columns are the sender's."""
    return Decided(*(getattr(message, f"decided_{name}", None) for name in ("at", "change_id", "standing")))


def moment_of(message: Message) -> datetime:
    """The moment as of which consent is told: when it was decided; else when the last try to send it began,
    which was just before; else when it was written."""
    return decided(message).at or message.sending_since or message.created_at


def went(message: Message) -> bool:
    """Whether consent let it go, so that no bar stood in its way, whatever its carrier then made of it."""
    if message.state in (MessageState.SENT, MessageState.DELIVERED):
        return True
    if message.state != MessageState.FAILED or message.unsent_reason in NEVER_ASKED:
        return False
    return message.unsent_reason is not None or message.provider_message_id is not None


@dataclass(frozen=True)
class Origin:
    """What a text came from, besides its writer: a campaign, or a text that was set for a time."""

    campaign: Campaign | None = None
    scheduled: ScheduledText | None = None


def origins_of(messages: Collection[Message]) -> dict[int, Origin]:
    """By message, in two statements."""
    campaigns = {
        each.id: each
        for each in db.session.scalars(
            select(Campaign).where(Campaign.id.in_({m.campaign_id for m in messages if m.campaign_id}))
        )
    }
    at_a_time = [m.id for m in messages if not m.by_hand and not m.campaign_id]
    query = select(ScheduledText).where(ScheduledText.message_id.in_(at_a_time))
    scheduled = {each.message_id: each for each in db.session.scalars(query)}
    return {m.id: Origin(campaigns.get(m.campaign_id or 0), scheduled.get(m.id)) for m in messages}


def who(message: Message, origin: Origin) -> list[Line]:
    """Who wrote it and who pressed Send; for an automatic one, that nobody did."""
    if message.kind != MessageKind.PERSON:
        name = ANSWER_NAMES[message.kind]
        return [
            Line("Written by", f"{name}: Cadence wrote it by itself"),
            Line("Send pressed by", "Nobody: it answered their own text"),
        ]
    name = message.user.name if message.user else ""
    written = Line("Written by", name) if name else Line("Written by", NOT_RECORDED, How.NOT_RECORDED)
    if origin.campaign:
        by = origin.campaign.user.name
        return [
            Line("Written by", f"{by}, for the campaign"),
            Line("Send pressed by", f"{by}, for everybody"),
        ]
    if origin.scheduled:
        setter = origin.scheduled.user.name
        return [written, Line("Send pressed by", f"{setter}, who set it for a time")]
    if message.by_hand and name:
        return [written, Line("Send pressed by", name)]
    return [written, Line("Send pressed by", NOT_RECORDED, How.NOT_RECORDED)]


def number_of(message: Message, numbers: Sequence[ContactNumber], now: str) -> Line:
    """The number it went to: the one kept with it, else the one they had then. `numbers` are the person's
    over time, `now` the one they are texted at."""
    if message.other_number:
        return Line("To", message.other_number, number=True)
    at = moment_of(message)
    then = {each.number for each in numbers if each.since <= at and (each.until is None or each.until > at)}
    if now in then:
        return Line("To", now, How.AFTERWARDS, number=True)
    if len(then) == 1:
        return Line("To", then.pop(), How.AFTERWARDS, number=True)
    return Line("To", NOT_RECORDED, How.NOT_RECORDED)


def numbers_of(ids: Collection[int]) -> list[ContactNumber]:
    return list(db.session.scalars(select(ContactNumber).where(ContactNumber.contact_id.in_(ids))))


def times(message: Message, origin: Origin) -> list[Line]:
    """Every moment of it, in order."""
    lines = []
    if origin.scheduled:
        lines.append(Line("Written", at=origin.scheduled.created_at))
        lines.append(Line("Set for", at=origin.scheduled.send_at))
        lines.append(Line("Its time came", at=message.created_at))
    elif origin.campaign:
        started = origin.campaign.started_at
        lines.append(Line("Campaign started", at=started) if started else _unknown("Campaign started"))
        lines.append(Line("Its turn came", at=message.created_at))
    elif message.kind == MessageKind.PERSON:
        lines.append(Line("Written, Send pressed", at=message.created_at))
    else:
        lines.append(Line("Written", at=message.created_at))
    if message.held_until:
        lines.append(Line("Held for Undo until", at=message.held_until))
    elif message.kind == MessageKind.PERSON and message.by_hand:
        lines.append(Line("Held for Undo until", "Not held"))
    lines += [_decided(message), _handed_over(message), _last_word_at(message)]
    return lines


def carrier(message: Message) -> list[Line]:
    """Who carried it, by what id, and what they said last, in plain words."""
    inbox = message.conversation.inbox
    try:
        driver, account = carrier_of(inbox), account_of(inbox)
        name = f"{driver.name}, {account.name}" if account else driver.name
    except KeyError:
        name = inbox.provider
    lines = [
        Line("Carrier", name, How.AS_IT_IS_NOW),
        _ident(message),
        Line("Last word", last_word(message)),
    ]
    if message.failure_code:
        lines.append(Line("Carrier's code", message.failure_code, exact=True))
    if message.attempts > 1:
        lines.append(Line("Tries", f"{message.attempts:,}"))
    return lines


def last_word(message: Message) -> str:
    """What became of it, with the reason where there is one."""
    said = _LAST_WORDS[message.state]
    return f"{said}. {message.detail}" if message.detail else f"{said}."


def recipient_of(message: Message) -> Recipient | None:
    """Its place in its campaign."""
    if not message.campaign_id:
        return None
    return db.session.scalars(select(Recipient).where(Recipient.message_id == message.id)).one_or_none()


def _ident(message: Message) -> Line:
    label, ident = "Carrier's id", message.provider_message_id
    if ident:
        return Line(label, ident, exact=True)
    handed_over = went(message) and message.unsent_reason not in _NOT_TAKEN
    return _unknown(label) if handed_over else Line(label, "None")


def _decided(message: Message) -> Line:
    kept = decided(message).at
    if kept:
        return Line("Decided that it may go" if went(message) else "Decided", at=kept)
    if message.unsent_reason in NEVER_ASKED:
        return Line("Decided", "Consent was not asked: it did not come to that")
    if message.state == MessageState.SUPPRESSED and message.sending_since is None:
        return Line("Decided that it may not go", at=message.created_at, how=How.AFTERWARDS)
    if message.state in (MessageState.QUEUED, MessageState.SENDING):
        return Line("Decided", "Not yet: consent is checked once more as it goes")
    if message.sending_since is None:
        return _unknown("Decided")
    label = (
        "Decided that it may not go" if message.state == MessageState.SUPPRESSED else "Decided that it may go"
    )
    return Line(f"{label}, at or just after", at=message.sending_since, how=How.AFTERWARDS)


def _handed_over(message: Message) -> Line:
    label = "Handed to the carrier" + (", last try" if message.attempts > 1 else "")
    if message.unsent_reason in _NOT_TAKEN:
        return Line(label, _NOT_TAKEN[message.unsent_reason])
    if not went(message):
        waits = message.state in (MessageState.QUEUED, MessageState.SENDING)
        return Line(label, "Not yet" if waits else "Never")
    return Line(label, at=message.sending_since) if message.sending_since else _unknown(label)


def _last_word_at(message: Message) -> Line:
    label = "Carrier's last word"
    if message.provider_at:
        return Line(label, at=message.provider_at)
    return _unknown(label) if message.state in _GONE and went(message) else Line(label, "None")


def _unknown(label: str) -> Line:
    return Line(label, NOT_RECORDED, How.NOT_RECORDED)
