"""The texts of ours that a certificate names between the changes, each in one line, with the change that
stood when it was decided whether it may go. Their words are not there: the certificate is about consent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload

from cadence_app.accounts.models import Team, User
from cadence_app.consent.as_of import merged_at
from cadence_app.consent.models import OptOutChange, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.models import Conversation, Direction, Message, MessageKind
from cadence_app.records import sent_text
from cadence_app.records.sent_text import How, Line
from cadence_app.records.why_sent import row_then
from cadence_app.ui import formatting

# So many of the latest are named; the desk has all of them.
MOST = 500


@dataclass(frozen=True)
class CertifiedText:
    """One text. `words` has all of it but when it was pressed or made; `may_open`: the viewer works in its
    inbox, so that its page is theirs to open."""

    message: Message
    team: Team
    words: str
    may_open: bool

    @property
    def at(self) -> datetime:
        return self.message.created_at


def texts_of(
    user: User, contact: Contact, teams: Mapping[int, Team], changes: Sequence[OptOutChange]
) -> tuple[list[CertifiedText], int]:
    """The latest texts to a contact from these teams, oldest first, and how many there are in all. `changes`
    are those that the certificate has, in its order. An agent's has none from a colleague's inbox."""
    theirs = [
        Conversation.contact_id == contact.id,
        Inbox.team_id.in_(teams),
        Message.direction == Direction.OUTBOUND,
    ]
    if not user.reads_reports:
        theirs.append(visible_to(user))
    query = select(Message).join(Message.conversation).join(Conversation.inbox).where(*theirs)
    total = db.session.scalars(select(func.count()).select_from(query.subquery())).one()
    latest = query.order_by(Message.created_at.desc(), Message.id.desc()).limit(MOST)
    latest = latest.options(
        contains_eager(Message.conversation).contains_eager(Conversation.inbox), joinedload(Message.user)
    )
    messages = list(reversed(db.session.scalars(latest).all()))
    if not messages:
        return [], 0
    readable = _readable(user, messages)
    merged = merged_at(contact.id)
    numbers = sent_text.numbers_of([contact.id, *merged])
    origins = sent_text.origins_of(messages)
    places = {change.id: place for place, change in enumerate(changes, 1)}
    by_team: dict[int, list[OptOutChange]] = {}
    for change in changes:
        by_team.setdefault(change.team_id, []).append(change)
    found = []
    for message in messages:
        team = teams[message.conversation.inbox.team_id]
        then, how = row_then(message, by_team.get(team.id, []), merged)
        standing = _standing(then.change, how, places)
        origin = origins[message.id]
        lines = [
            _who(message, origin),
            _route(message, sent_text.number_of(message, numbers, contact.number)),
        ]
        lines += [*_times(message, origin), *_carrier(message), standing]
        words = "; ".join(each for each in lines if each)
        found.append(CertifiedText(message, team, f"{words}.", message.inbox_id in readable))
    return found, total


def _readable(user: User, messages: Sequence[Message]) -> set[int]:
    inboxes = select(Inbox.id).where(Inbox.id.in_({each.inbox_id for each in messages}), visible_to(user))
    return set(db.session.scalars(inboxes))


def _who(message: Message, origin: sent_text.Origin) -> str:
    if message.kind != MessageKind.PERSON:
        return sent_text.ANSWER_NAMES[message.kind]
    by = f"by {message.user.name}" if message.user else "by whom is not recorded"
    if origin.campaign:
        return f"Campaign “{origin.campaign.name}”, {by}"
    if message.campaign_id:
        return f"Campaign, {by}"
    return f"Written and sent {by}" if message.by_hand else f"Written {by}, set for a time"


def _route(message: Message, to: Line) -> str:
    there = to.value if to.how != How.NOT_RECORDED else "a number that is not recorded"
    return f"from {message.conversation.inbox.number} to {there}"


def _times(message: Message, origin: sent_text.Origin) -> list[str]:
    """Each moment after the one at which it was pressed or made, which heads the line."""
    return [
        f"{line.label[0].lower()}{line.label[1:]} {formatting.utc(line.at)}"
        for line in sent_text.times(message, origin)
        if line.at and line.at != message.created_at
    ]


def _carrier(message: Message) -> list[str]:
    ident = message.provider_message_id
    said = sent_text.last_word(message).rstrip(".")
    code = f", code {message.failure_code}" if message.failure_code else ""
    named = f"carrier's id {ident or 'not recorded'}" if ident or sent_text.went(message) else ""
    return [named, f"last word: {said[0].lower()}{said[1:]}{code}"]


def _standing(change: OptOutChange | None, how: How, places: Mapping[int, int]) -> str:
    if change is None:
        return "consent at that moment: not recorded"
    status = "opted in" if change.status == Status.OPTED_IN else "opted out"
    place = f"change {places[change.id]}" if change.id in places else f"history row {change.id}"
    note = "" if how == How.RECORDED else ", worked out afterwards from the history"
    return f"consent at that moment: {status} by {place}{note}"
