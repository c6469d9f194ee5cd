"""What a notice says. Who texted, and what, is in it only if the organisation allows it, and only for a
session that opens pages: a browser that was left signed in long ago shows no names, nor one whose user has
yet to set up a second factor.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from cadence_app.accounts import sessions
from cadence_app.accounts.models import User
from cadence_app.accounts.sign_in_models import Method, SignInSession
from cadence_app.alerts import new_texts
from cadence_app.alerts.models import NoticeKind, PushNotice
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import for_me
from cadence_app.messaging.for_me_models import ForMe, ForMeKind
from cadence_app.messaging.models import Message
from cadence_app.ui.formatting import phone

# A phone shows little more of a text or of a name, and a push service takes 4 KB (RFC 8030, section 7.2).
_WORDS = 160
_NAMED = 3


@dataclass(frozen=True)
class Said:
    """A notice: one of the same `tag` takes the place of the one before; `path` is where a click leads."""

    title: str
    body: str
    tag: str
    path: str


def said_of(notice: PushNotice) -> Said | None:
    """What a notice says now; None where there is nothing to tell its user any more: somebody has opened the
    texts, or the user may not see them."""
    subscription = notice.subscription
    user = subscription.user
    named = user.tenant.notices_name and _opens_pages(subscription.session_id, user)
    if notice.kind == NoticeKind.TEST:
        return Said(
            "Notices work here", "This is how Cadence tells you of new texts.", notice.tag, "/messages/"
        )
    if notice.kind == NoticeKind.FOR_ME:
        return _of_mine(user, notice.tag, named)
    return _of_texts(user, notice.inbox_id or 0, notice.tag, named)


def mine(user: User) -> list[ForMe]:
    """What is for a user and not seen yet, the newest first."""
    query = for_me.items_of(user).where(ForMe.seen_at.is_(None))
    return list(db.session.scalars(query.order_by(ForMe.id.desc()).limit(for_me.PAGE)))


def line_of(item: ForMe) -> str:
    """What is for somebody, in words that name nobody."""
    inbox = item.conversation.inbox.name
    if item.kind == ForMeKind.MENTION:
        return f"You were mentioned in a note in {inbox}"
    return f"A conversation in {inbox} is yours now"


def detail_of(item: ForMe) -> str:
    """Who it is about and what the colleague wrote, where that may be said."""
    who = f"{item.by.name}, about {name_of(item.conversation.contact)}"
    return f"{who}: {shortened(item.note.body)}" if item.note else who


def name_of(contact: Contact) -> str:
    return shortened(contact.name) or phone(contact.number)


def shortened(words: str) -> str:
    one_line = " ".join(words.split())
    return one_line if len(one_line) <= _WORDS else f"{one_line[: _WORDS - 1].rstrip()}…"


def url_of(path: str) -> str:
    return f"{current_app.config['PUBLIC_URL']}{path}"


def _of_texts(user: User, inbox_id: int, tag: str, named: bool) -> Said | None:
    texts = new_texts.latest(user, inbox_id)
    if not texts:
        return None
    inbox = db.session.get_one(Inbox, inbox_id)
    conversations = {text.conversation_id for text in texts}
    one = len(conversations) == 1
    path = f"/messages/conversations/{texts[0].conversation_id}" if one else f"/messages/?inbox={inbox_id}"
    count = len(texts)
    title = f"New text in {inbox.name}" if count == 1 else f"{count:,} new texts in {inbox.name}"
    return Said(title, _named_of(texts) if named else "", tag, path)


def _named_of(texts: list[Message]) -> str:
    people = list(dict.fromkeys(text.conversation.contact for text in texts))
    if len(people) == 1:
        return f"{name_of(people[0])}: {shortened(texts[0].body)}".removesuffix(": ")
    names = [name_of(person) for person in people[:_NAMED]]
    more = len(people) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _of_mine(user: User, tag: str, named: bool) -> Said | None:
    items = mine(user)
    if not items:
        return None
    if len(items) > 1:
        return Said(f"{len(items)} things for you", "", tag, "/messages/for-me/")
    (item,) = items
    path = f"/messages/conversations/{item.conversation_id}"
    return Said(line_of(item), detail_of(item) if named else "", tag, path)


def _opens_pages(session_id: int, user: User) -> bool:
    """As accounts.requests.lead_to_second_factor() has it."""
    opens = [SignInSession.id == session_id, sessions.works()]
    if user.needs_second_factor:
        opens.append(SignInSession.method == Method.SINGLE_SIGN_ON)
    return db.session.scalar(select(SignInSession.id).where(*opens)) is not None
