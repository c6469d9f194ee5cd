"""The rows of the Opt out history on screen, newest first, a page at a time from wherever one is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select

from cadence_app.accounts.models import User
from cadence_app.consent.models import OptOutChange
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.models import Conversation, Message
from cadence_app.reports.scope import Scope

PAGE = 25
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# As many digits as an instant and an id that the database can hold.
_CURSOR = re.compile(r"([0-9]{1,16})-([0-9]{1,18})")


@dataclass(frozen=True)
class Cursor:
    """A row's place in the order of the report. In an address it is microseconds since 1970, and the id."""

    changed_at: datetime
    id: int

    @classmethod
    def of(cls, change: OptOutChange) -> Cursor:
        return cls(change.changed_at, change.id)

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        found = _CURSOR.fullmatch(text)
        if not found:
            return None
        return cls(_EPOCH + int(found[1]) * _MICROSECOND, int(found[2]))

    def __str__(self) -> str:
        return f"{(self.changed_at - _EPOCH) // _MICROSECOND}-{self.id}"


@dataclass(frozen=True)
class Page:
    """Rows, newest first, and the cursors of the pages with newer and with older ones, if there are."""

    changes: list[OptOutChange]
    newer: Cursor | None
    older: Cursor | None


def newest(scope: Scope) -> Page:
    ids = _ids(scope, None, newer=False)
    return _page(ids, newer=False, older=len(ids) > PAGE)


def older_than(scope: Scope, cursor: Cursor) -> Page:
    ids = _ids(scope, cursor, newer=False)
    return _page(ids, newer=True, older=len(ids) > PAGE)


def newer_than(scope: Scope, cursor: Cursor) -> Page:
    """The page just before the cursor's row; the first page where less than a whole one is left."""
    ids = _ids(scope, cursor, newer=True)
    if len(ids) <= PAGE:
        return newest(scope)
    return _page(ids, newer=True, older=True)


def conversations_of(user: User, changes: Sequence[OptOutChange]) -> dict[int, int]:
    """The conversation that shows each change, by the change's id, where the user may open it: the one with
    the text that caused it, else the latest with that contact in that team."""
    query = (
        select(Conversation.contact_id, Inbox.team_id, Conversation.id)
        .join(Conversation.inbox)
        .where(Conversation.contact_id.in_({change.contact_id for change in changes}), visible_to(user))
        .order_by(Conversation.last_message_at, Conversation.id)
    )
    rows = db.session.execute(query).all()
    latest = {(row.contact_id, row.team_id): row.id for row in rows}
    visible = {row.id for row in rows}
    message_ids = {change.message_id for change in changes if change.message_id}
    texts = db.session.execute(select(Message.id, Message.conversation_id).where(Message.id.in_(message_ids)))
    causes: dict[int | None, int] = {message_id: found for message_id, found in texts if found in visible}
    chosen = {
        change.id: causes.get(change.message_id) or latest.get((change.contact_id, change.team_id))
        for change in changes
    }
    return {change_id: found for change_id, found in chosen.items() if found}


def _ids(scope: Scope, cursor: Cursor | None, *, newer: bool) -> list[int]:
    """Ids next to the cursor, nearest first: the index alone answers this, whatever the depth."""
    query = select(OptOutChange.id).where(*scope.conditions())
    at, row_id = OptOutChange.changed_at, OptOutChange.id
    # Not (changed_at, id) < (…): with the range beside it, PostgreSQL starts that scan at the range's end.
    if cursor and newer:
        beyond = or_(at > cursor.changed_at, row_id > cursor.id)
        query = query.where(at >= cursor.changed_at, beyond)
    elif cursor:
        beyond = or_(at < cursor.changed_at, row_id < cursor.id)
        query = query.where(at <= cursor.changed_at, beyond)
    order = (at.asc(), row_id.asc()) if newer else (at.desc(), row_id.desc())
    return list(db.session.scalars(query.order_by(*order).limit(PAGE + 1)))


def _page(ids: list[int], *, newer: bool, older: bool) -> Page:
    query = (
        select(OptOutChange)
        .where(OptOutChange.id.in_(ids[:PAGE]))
        .order_by(OptOutChange.changed_at.desc(), OptOutChange.id.desc())
    )
    changes = list(db.session.scalars(query))
    if not changes:
        return Page([], None, None)
    return Page(changes, Cursor.of(changes[0]) if newer else None, Cursor.of(changes[-1]) if older else None)
