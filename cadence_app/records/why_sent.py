"""Why a text of ours could go, or could not: the consent that stood at that moment, the row of the history
that says so, and the bars that were asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import may_text
from cadence_app.consent.as_of import (
    Agreement,
    Then,
    agreement_of,
    changes_in,
    merged_at,
    standing_at,
)
from cadence_app.consent.may_text import Bar
from cadence_app.consent.models import OptOutChange, Status
from cadence_app.extensions import db
from cadence_app.messaging import bars, text_templates
from cadence_app.messaging.models import Conversation, Direction, Message, MessageKind, MessageState, Unsent
from cadence_app.records import sent_text
from cadence_app.records.sent_text import How, Line, Origin

_BAR_NAMES = {
    Bar.NOT_IN_TEAM: "Not in {team}",
    Bar.INBOX_CLOSED: "The inbox is closed",
    Bar.ORGANISATION_SUSPENDED: "The organization is suspended",
    Bar.NUMBER_UNSENDABLE: "The number can't be texted",
    Bar.OPTED_OUT: "Opted out of {team}",
    Bar.OPTED_IN_AGAIN: "Opted in again since they stopped",
    Bar.PERSONAL_OPT_OUT: "Stopped all personal inboxes",
    Bar.CARRIER_BLOCK: "Blocked by the carrier",
    Bar.POSSIBLE_OPT_OUT: "A possible opt out that nobody had decided",
}

_BARS = {Unsent(bar) for bar in Bar}


class Found(StrEnum):
    """What asking about a bar found."""

    CLEAR = "No"
    BARRED = "Yes: this kept the text back"
    UNKNOWN = "Not recorded"


@dataclass(frozen=True)
class Asked:
    name: str
    found: Found


@dataclass(frozen=True)
class Why:
    """All that is told of a text. `change` is the row that stood, `how` how that is known; `standing` is the
    status that the sender kept, where that row is gone; `unclear`: it was one of two records that are one by
    now."""

    message: Message
    origin: Origin
    who: list[Line]
    where: list[Line]
    times: list[Line]
    carrier: list[Line]
    change: OptOutChange | None
    unclear: bool
    standing: str | None
    how: How
    agreement: Agreement | None
    asked: list[Asked]
    never_asked: bool


def find(conversation: Conversation, message_id: int) -> Message | None:
    """A text of ours in this conversation."""
    return db.session.scalars(
        select(Message).where(
            Message.id == message_id,
            Message.conversation_id == conversation.id,
            Message.direction == Direction.OUTBOUND,
        )
    ).one_or_none()


def why(user: User, message: Message) -> Why:
    """What can be told of a text of ours, to somebody who may read its conversation."""
    conversation = message.conversation
    contact, inbox = conversation.contact, conversation.inbox
    origin = sent_text.origins_of([message])[message.id]
    merged = merged_at(contact.id)
    numbers = sent_text.numbers_of([contact.id, *merged])
    then, how = row_then(message, changes_in(contact.id, [inbox.team_id]), merged)
    return Why(
        message=message,
        origin=origin,
        who=[*sent_text.who(message, origin), *_what(user, message, origin)],
        where=[
            Line("From", inbox.number, number=True),
            Line("Inbox", f"{inbox.name}, {inbox.team.name}", How.AS_IT_IS_NOW),
            sent_text.number_of(message, numbers, contact.number),
        ],
        times=sent_text.times(message, origin),
        carrier=sent_text.carrier(message),
        change=then.change,
        unclear=then.unclear,
        standing=None if then.change else sent_text.decided(message).standing,
        how=how,
        agreement=_agreement(user, then.change),
        asked=_asked(message),
        never_asked=message.unsent_reason in sent_text.NEVER_ASKED,
    )


def row_then(
    message: Message, changes: list[OptOutChange], merged: Mapping[int, datetime]
) -> tuple[Then, How]:
    """The row that stood when it was decided whether a text may go, among all of its team, and how that is
    known."""
    kept_id = sent_text.decided(message).change_id
    kept = next((change for change in changes if change.id == kept_id), None)
    if kept:
        return Then(kept), How.RECORDED
    at, contact_id = sent_text.moment_of(message), message.conversation.contact_id
    then = standing_at(changes, contact_id, merged, at)
    stood_out = then.change is not None and then.change.status == Status.OPTED_OUT
    if message.unsent_reason == Unsent.OPTED_OUT and not (stood_out or then.unclear):
        # A stop that came between the beginning of the try and the decision.
        later = (row for row in changes if row.changed_at > at and row.status == Status.OPTED_OUT)
        then = Then(next(later, None))
    return then, How.AFTERWARDS if then.change else How.NOT_RECORDED


def _what(user: User, message: Message, origin: Origin) -> list[Line]:
    """What it came from: a campaign, a time that was set, a saved text, or none of these."""
    if message.kind != MessageKind.PERSON:
        return [Line("Kind", sent_text.ANSWER_NAMES[message.kind])]
    if message.campaign_id:
        name = origin.campaign.name if origin.campaign else sent_text.NOT_RECORDED
        return [Line("Kind", "Campaign"), Line("Campaign", name)]
    kind = "Typed and sent by hand" if message.by_hand else "Typed, set for a time"
    return [Line("Kind", kind), _template(user, message)]


def _template(user: User, message: Message) -> Line:
    """Which saved text it is word for word: which one was chosen is kept nowhere."""
    conversation = message.conversation
    offered = text_templates.offered_for(user, conversation.inbox.team_id, conversation.contact)
    same = next((each.template.name for each in offered if each.text.strip() == message.body.strip()), "")
    if same:
        return Line("Template", f"Word for word “{same}” as it is now", How.AFTERWARDS)
    return Line("Template", sent_text.NOT_RECORDED, How.NOT_RECORDED)


def _agreement(user: User, change: OptOutChange | None) -> Agreement | None:
    if change is None or change.status != Status.OPTED_IN:
        return None
    return agreement_of(change, user.tenant.time_zone)


def _asked(message: Message) -> list[Asked]:
    """Each bar that a text of its kind is asked about, in order. One that went met none; of one that a bar
    kept back only the first is kept, so what comes after it is not known."""
    inbox = message.conversation.inbox
    kind = bars.kind_of(message.kind, by_hand=message.by_hand)
    found, result = Found.CLEAR, []
    decided = sent_text.went(message)
    kept_back = message.state == MessageState.SUPPRESSED and message.unsent_reason in _BARS
    for bar in may_text.asked(bars.text_from(inbox, kind, confirms_team_id=message.confirms_team_id)):
        if kept_back and message.unsent_reason == Unsent(bar):
            outcome, found = Found.BARRED, Found.UNKNOWN
        else:
            outcome = found if decided or kept_back else Found.UNKNOWN
        result.append(Asked(_BAR_NAMES[bar].format(team=inbox.team.name), outcome))
    return result
