"""The list of contacts: a page of who matches, in the order of a column, and where the next page begins.

A page begins after a contact, or ends before one, and is found by that contact's place in an index, however
far down the list it is. Where a column has nothing for some, they come last either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import aliased

from cadence_app.accounts.models import User
from cadence_app.consent.evidence_of_all import at_once
from cadence_app.consent.models import Consent
from cadence_app.contacts import service
from cadence_app.contacts.models import Contact
from cadence_app.contacts.service import team_ids
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.models import Conversation, Message

PAGE = 50
# Counted so far and no further: the count of a page may not cost what its rows do not.
MOST_COUNTED = 10_000


class Sort(StrEnum):
    """The columns that a list may be sorted by. STATUS is that in the one team that is chosen, or that the
    user is in; LAST_TEXT when a text came or went last, in an inbox the user works in."""

    NAME = "name"
    NUMBER = "number"
    ADDED = "added"
    LAST_TEXT = "last_text"
    STATUS = "status"

    @property
    def newest_first(self) -> bool:
        """Whether a first press on the column begins with the highest."""
        return self in (Sort.ADDED, Sort.LAST_TEXT)


@dataclass(frozen=True)
class Which:
    """Which contacts a list has (as service.matching() takes them) and in which order."""

    search: str = ""
    status: str = ""
    tag_id: int | None = None
    team_id: int | None = None
    sort: Sort = Sort.NAME
    down: bool = False

    @property
    def narrowed(self) -> bool:
        return bool(self.search or self.status or self.tag_id or self.team_id)


@dataclass(frozen=True)
class Place:
    """Where a page begins, or ends: the id of the contact just outside it; neither for the first page."""

    after: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class Page:
    """`total` counts no further than MOST_COUNTED, which `more_than_counted` says. `earlier` and `later` are
    the contacts that the pages beside this one end before or begin after; None where there is none."""

    contacts: list[Contact]
    total: int
    more_than_counted: bool
    earlier: int | None
    later: int | None


@dataclass(frozen=True)
class _Stretch:
    """A part of the list: a query with the keys it is sorted by, all of them upwards or all downwards."""

    query: Select[Contact]
    keys: tuple[Any, ...]
    down: bool = False

    def rows(self, beside: Sequence[Any] | None, backwards: bool, most: int) -> list[Contact]:
        """The contacts next to a place in it, or from its beginning or end, in the list's order."""
        found = list(db.session.scalars(self.after(beside, backwards).limit(most)))
        return found[::-1] if backwards else found

    def after(self, beside: Sequence[Any] | None, backwards: bool = False) -> Select[Contact]:
        """What comes after a place in it, or before one with the nearest first; by one comparison of all
        keys, which an index answers."""
        query, down = self.query, self.down != backwards
        if beside is not None:
            here, there = tuple_(*self.keys), tuple_(*beside)
            query = query.where(here < there if down else here > there)
        return query.order_by(*(key.desc() if down else key for key in self.keys))

    def place_of(self, contact_id: int) -> tuple[Any, ...] | None:
        """A contact's keys, as they are now; None for who is not in this part."""
        row = db.session.execute(
            self.query.with_only_columns(*self.keys).where(Contact.id == contact_id).limit(1)
        ).first()
        return tuple(row) if row else None


def find(user: User, which: Which, place: Place) -> Page:
    """A page of the list. Who is in it no more is no place to begin: the first page, then."""
    matched = service.matching(user, which.search, which.status, which.tag_id, which.team_id)
    with at_once() if which.status == service.NONE_RECORDED else nullcontext():
        counted = select(func.count()).select_from(
            matched.with_only_columns(Contact.id).limit(MOST_COUNTED + 1).subquery()
        )
        total = db.session.scalars(counted).one()
        found, backwards, begun = _beside(_stretches(user, which, matched), place)
    spare = len(found) > PAGE
    shown = (found[-PAGE:] if backwards else found[:PAGE]) if spare else found
    earlier = spare if backwards else begun
    later = True if backwards else spare
    return Page(
        shown,
        min(total, MOST_COUNTED),
        total > MOST_COUNTED,
        shown[0].id if shown and earlier else None,
        shown[-1].id if shown and later else None,
    )


def ids_of(user: User, which: Which, most: int) -> list[int]:
    """The ids of the first so many of a list."""
    matched = service.matching(user, which.search, which.status, which.tag_id, which.team_id)
    with at_once() if which.status == service.NONE_RECORDED else nullcontext():
        ids = matched.with_only_columns(Contact.id).order_by(Contact.id).limit(most)
        return list(db.session.scalars(ids))


def last_texts(user: User, contacts: Sequence[Contact]) -> dict[int, Any]:
    """When a text came from or went to each of these last, in an inbox the user works in (UTC)."""
    latest = (
        select(Message.created_at)
        .where(Message.conversation_id == Conversation.id)
        .order_by(Message.id.desc())
        .limit(1)
        .correlate(Conversation)
        .scalar_subquery()
    )
    query = (
        select(Conversation.contact_id, func.max(latest))
        .join(Conversation.inbox)
        .where(Conversation.contact_id.in_([each.id for each in contacts]), visible_to(user))
        .group_by(Conversation.contact_id)
    )
    return {contact_id: at for contact_id, at in db.session.execute(query) if at}


def _beside(stretches: Sequence[_Stretch], place: Place) -> tuple[list[Contact], bool, bool]:
    """One contact more than a page has, beside a place; whether they are those before it; and whether the
    place is in the list at all."""
    anchor = place.after or place.before
    backwards = place.after is None and place.before is not None
    parts = list(reversed(stretches)) if backwards else list(stretches)
    if anchor is not None:
        for at, part in enumerate(parts):
            if keys := part.place_of(anchor):
                found = part.rows(keys, backwards, PAGE + 1)
                return _go_on(found, parts[at + 1 :], backwards), backwards, True
    return _go_on([], stretches, False), False, False


def _go_on(found: list[Contact], parts: Sequence[_Stretch], backwards: bool) -> list[Contact]:
    for part in parts:
        if len(found) > PAGE:
            break
        more = part.rows(None, backwards, PAGE + 1 - len(found))
        found = [*more, *found] if backwards else [*found, *more]
    return found


def _stretches(user: User, which: Which, matched: Select[Contact]) -> list[_Stretch]:
    match which.sort:
        case Sort.NUMBER:
            return [_Stretch(matched, (Contact.number,), which.down)]
        case Sort.ADDED:
            return [_Stretch(matched, (Contact.created_at, Contact.id), which.down)]
        case Sort.STATUS:
            of_team = and_(
                Consent.contact_id == Contact.id, Consent.team_id == (which.team_id or team_ids(user)[0])
            )
            return [
                _Stretch(matched.join(Consent, of_team), (Consent.status, Consent.contact_id), which.down)
            ]
        case Sort.LAST_TEXT:
            talk = aliased(Conversation)
            texted = matched.join(talk, talk.contact_id == Contact.id).where(
                _visible(talk, user), _has_text(talk), ~_later_talk(talk, user).exists()
            )
            other = aliased(Conversation)
            theirs = select(other.id).where(
                other.contact_id == Contact.id, _visible(other, user), _has_text(other)
            )
            return [
                _Stretch(texted, (talk.last_message_at, talk.id), which.down),
                _Stretch(matched.where(~theirs.exists()), (Contact.id,)),
            ]
    return [_Stretch(matched, (Contact.last_key, Contact.first_key, Contact.id), which.down)]


def _visible(talk: Any, user: User) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = talk.inbox_id.in_(select(Inbox.id).where(visible_to(user)))
    return condition


def _has_text(talk: Any) -> ColumnElement[bool]:
    return select(Message.id).where(Message.conversation_id == talk.id).exists()


def _later_talk(talk: Any, user: User) -> Select[Any]:
    """The same person's conversations with a later text."""
    other = aliased(Conversation)
    later = tuple_(other.last_message_at, other.id) > tuple_(talk.last_message_at, talk.id)
    return select(other.id).where(
        other.contact_id == talk.contact_id, later, _visible(other, user), _has_text(other)
    )
