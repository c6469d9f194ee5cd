"""Drafts: what a user has typed and neither sent nor saved, kept by place and author.

Only its author ever reads one: every query here is of one user's. A page saves a moment after typing stops,
so saves cross each other, and Send, on their way. What holds whatever arrives when:

- A page counts its saves (`turn`). One that comes after a later one of the same page, or after the Send that
  was pressed later, changes nothing: it can't bring back what was sent. The latest pages are remembered.
- A page that has not seen what is there (`seen` is another version) is another window or device. The words
  that were typed later become the draft, and the others are kept beside it and shown to their author.

The contact is held meanwhile, so that no words are left of somebody who is erased. The caller commits.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.contacts.service import find_contact, kept_of
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging import notes
from cadence_app.messaging.draft_models import Draft, What
from cadence_app.messaging.models import Conversation

# As long as the largest of the boxes takes.
LONGEST = notes.MAX_LENGTH
KEPT_FOR = timedelta(days=30)
# How long the row of words that were sent or cleared refuses what arrives late.
_ENDED_FOR = timedelta(days=1)
# So many pages of one author are told from each other in one place.
_PAGES = 8
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Gone(LookupError):
    """The contact was erased or merged meanwhile."""


@dataclass(frozen=True)
class Place:
    """Where words belong: with a contact, in an inbox (text and note) or in a team (reason), of this id."""

    what: What
    contact_id: int
    of_id: int

    @property
    def inbox_id(self) -> int | None:
        return None if self.what == What.REASON else self.of_id

    @property
    def team_id(self) -> int | None:
        return self.of_id if self.what == What.REASON else None


@dataclass(frozen=True)
class Press:
    """Which page pressed Send or Save: its name (empty without scripts), its turn then, and the version of
    the draft that it knew."""

    writer: str = ""
    turn: int = 0
    seen: int = 0


@dataclass(frozen=True)
class Typed:
    """What a page says was typed, `ago` before now. `about` as of Draft. `aside`, where it is not None, takes
    the place of the author's other words."""

    words: str
    press: Press
    ago: timedelta = timedelta()
    about: int = 0
    aside: str | None = None


class Outcome(StrEnum):
    """saved; late: a later turn of the same page is there already; ended: typed before the words of this
    place were sent or cleared in another window, and not kept; older: another window's words were typed
    later, and these are beside them."""

    SAVED = "saved"
    LATE = "late"
    ENDED = "ended"
    OLDER = "older"


def in_conversation(conversation: Conversation, what: What) -> Place:
    return Place(what, conversation.contact_id, conversation.inbox_id)


def for_reason(contact_id: int, team_id: int) -> Place:
    return Place(What.REASON, contact_id, team_id)


def open_place(user: User, place: Place) -> Place | None:
    """The place, of the record that is kept where the contact was merged; None where the user may not see the
    contact, the inbox or the team."""
    contact_id = kept_of(place.contact_id)
    if place.what == What.REASON:
        theirs = place.of_id in {team.id for team in user.teams}
    else:
        in_it = select(Inbox.id).where(Inbox.id == place.of_id, visible_to(user))
        theirs = db.session.scalar(in_it) is not None
    if not theirs:
        return None
    if find_contact(user, contact_id) is None and not _talks(user, contact_id):
        return None
    return Place(place.what, contact_id, place.of_id)


def find(user: User, place: Place) -> Draft | None:
    """The row of a place; without words where they were sent or cleared a short while ago."""
    return db.session.scalars(select(Draft).where(*_at(user, place), lasts())).one_or_none()


def save(user: User, place: Place, typed: Typed) -> tuple[Outcome, Draft]:
    """Saves what a page says was typed; nothing but space clears it. Errors: Gone; ValueError past
    LONGEST."""
    words = typed.words if typed.words.strip() else ""
    if max(len(words), len(typed.aside or "")) > LONGEST:
        raise ValueError(f"A draft may be {LONGEST} characters long at most.")
    row, press, at = _held(user, place), typed.press, datetime.now(UTC) - typed.ago
    if press.turn <= _turn_of(row, press.writer):
        return Outcome.LATE, row
    knows = _knows(row, press)
    if not knows and (at < row.typed_at or typed.about < row.about):
        _remember(row, press, writes=False)
        if not row.words:
            return Outcome.ENDED, row
        if lay_aside(row, words, at, beside=row.words):
            _touch(row)
        return Outcome.OLDER, row
    if not knows or typed.about != row.about:
        lay_aside(row, row.words, row.typed_at, beside=words)
    if typed.aside is not None:
        row.other_words, row.other_at = typed.aside.strip(), at
    row.words, row.typed_at, row.about = words, at, typed.about
    _remember(row, press)
    _touch(row)
    return Outcome.SAVED, row


def end(user: User, place: Place, sent: str, press: Press) -> None:
    """The words of a place were sent or saved: in the same transaction, their draft ends. What was typed
    after the press, or in a window that this page knew nothing of, stays. Errors: Gone."""
    if not press.writer and db.session.scalar(select(Draft.id).where(*_at(user, place))) is None:
        return
    row = _held(user, place)
    after = bool(press.writer) and press.writer == _writer(row) and _turn_of(row, press.writer) > press.turn
    if press.writer and not after:
        if not _knows(row, press):
            lay_aside(row, row.words, row.typed_at, beside=sent)
        _remember(row, press)
    row.words = row.words.removeprefix(sent).strip() if after else ""
    row.typed_at = datetime.now(UTC)
    _touch(row)


def keep(user: User, conversation: Conversation, what: What, words: str) -> Draft:
    """Makes words the draft again that had left the box, such as a text that was taken back; what had been
    typed since is kept beside them. Errors: Gone."""
    row = _held(user, in_conversation(conversation, what))
    lay_aside(row, row.words, row.typed_at, beside=words)
    row.words, row.typed_at = words[:LONGEST], datetime.now(UTC)
    _remember(row, Press())
    _touch(row)
    return row


def hold_contact(contact_id: int) -> bool:
    """Holds a contact as whoever writes a draft for them does; False where they are gone."""
    there = select(Contact.id).where(Contact.id == contact_id, Contact.gone_at.is_(None))
    return db.session.scalar(there.with_for_update(read=True)) is not None


def let_go(user_ids: Iterable[int]) -> None:
    """Who can't sign in any more has no drafts: the sweep deletes them, but for those that a legal hold
    keeps."""
    ended = update(Draft).where(Draft.user_id.in_(list(user_ids))).values(ends_at=func.now())
    db.session.execute(ended.execution_options(synchronize_session=False))


def contact_of(draft_id: int) -> int | None:
    return db.session.scalar(select(Draft.contact_id).where(Draft.id == draft_id))


def delete_due(draft_id: int, on_hold: bool) -> None:
    """Deletes a draft whose time is over; what is `on_hold` is looked at again tomorrow. The caller holds its
    contact."""
    due = Draft.id == draft_id, Draft.ends_at <= func.now()
    if on_hold:
        later = update(Draft).where(*due, has_words()).values(ends_at=func.now() + timedelta(days=1))
        db.session.execute(later.execution_options(synchronize_session=False))
    db.session.execute(delete(Draft).where(*due).execution_options(synchronize_session=False))


def move(kept_id: int, gone_id: int) -> None:
    """In a merge, the drafts of who goes are of who is kept. Of two of one place the words that were typed
    later are the draft, and the others stay beside them. Pages that are open know neither any more."""
    of_both = select(Draft).where(Draft.contact_id.in_([kept_id, gone_id])).order_by(Draft.id)
    rows = db.session.scalars(of_both.with_for_update().execution_options(populate_existing=True)).all()
    theirs = {_key(row): row for row in rows if row.contact_id == kept_id}
    for row in rows:
        if row.contact_id == kept_id:
            continue
        same = theirs.get(_key(row))
        if same is None:
            row.contact_id = kept_id
            _touch(row)
            continue
        _join(same, row)
        db.session.delete(row)
    db.session.flush()


def _join(row: Draft, gone: Draft) -> None:
    wins = bool(gone.words) and (not row.words or gone.typed_at > row.typed_at)
    if gone.other_words and not row.other_words:
        row.other_words, row.other_at = gone.other_words, gone.other_at
    loser = (row if wins else gone).words, (row if wins else gone).typed_at
    lay_aside(row, *loser, beside=(gone if wins else row).words)
    if wins:
        row.words, row.typed_at, row.about = gone.words, gone.typed_at, gone.about
    _remember(row, Press())
    _touch(row)


def _key(row: Draft) -> tuple[int, What, int | None, int | None]:
    return row.user_id, row.what, row.inbox_id, row.team_id


def _at(user: User, place: Place) -> tuple[ColumnElement[bool], ...]:
    return (
        Draft.user_id == user.id,
        Draft.contact_id == place.contact_id,
        Draft.what == place.what,
        Draft.inbox_id.is_not_distinct_from(place.inbox_id),
        Draft.team_id.is_not_distinct_from(place.team_id),
    )


def lasts() -> ColumnElement[bool]:
    """The condition on drafts that their time is not over."""
    return Draft.ends_at > func.now()


def has_words() -> ColumnElement[bool]:
    return or_(Draft.words != "", Draft.other_words != "")


def _held(user: User, place: Place) -> Draft:
    """The row of a place, made where there is none, held with its contact."""
    if not hold_contact(place.contact_id):
        raise Gone
    new = upsert(Draft).values(
        tenant_id=user.tenant_id,
        user_id=user.id,
        what=place.what,
        contact_id=place.contact_id,
        inbox_id=place.inbox_id,
        team_id=place.team_id,
        typed_at=_LONG_AGO,
        ends_at=func.now() + _ENDED_FOR,
    )
    db.session.execute(new.on_conflict_do_nothing())
    held = select(Draft).where(*_at(user, place)).with_for_update()
    return db.session.scalars(held.execution_options(populate_existing=True)).one()


def _writer(row: Draft) -> str:
    """The page whose words these are; empty for none that is open."""
    return next(iter(row.turns), ("", 0))[0]


def _turn_of(row: Draft, writer: str) -> int:
    """Up to where a page's saves have come; 0 for one that is not known."""
    return next((turn for name, turn in row.turns if writer and name == writer), 0)


def _knows(row: Draft, press: Press) -> bool:
    """Whether a page has what is there before it."""
    return press.seen == row.version or bool(press.writer and press.writer == _writer(row))


def _remember(row: Draft, press: Press, writes: bool = True) -> None:
    """Notes how far a page's saves have come; `writes`: these are its words now."""
    others = [(name, turn) for name, turn in row.turns if name != press.writer]
    ours = press.writer, max(press.turn, _turn_of(row, press.writer))
    row.turns = ([ours, *others] if writes else [*others[:1], ours, *others[1:]])[:_PAGES]


def lay_aside(row: Draft, words: str, at: datetime, beside: str) -> bool:
    """Keeps words beside those of the draft, unless they are nothing or a part of them; whether it did."""
    if not words.strip() or words.strip() in beside:
        return False
    row.other_words, row.other_at = words.strip(), at
    return True


def _touch(row: Draft) -> None:
    """A new version, which no page has seen, and the draft's time anew."""
    if row.other_words in row.words:
        row.other_words = ""
    if not row.other_words:
        row.other_at = None
    row.version = max(row.version + 1, time.time_ns() // 1_000_000)
    row.ends_at = datetime.now(UTC) + (KEPT_FOR if row.words or row.other_words else _ENDED_FOR)
    db.session.flush()


def _talks(user: User, contact_id: int) -> bool:
    """Whether the user works in an inbox with a conversation with a contact."""
    query = (
        select(Conversation.id)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .where(Conversation.contact_id == contact_id, Contact.gone_at.is_(None), visible_to(user))
    )
    return db.session.scalar(query.limit(1)) is not None
