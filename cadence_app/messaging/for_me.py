"""The list "For me": who mentioned a user in a note, and who gave them a conversation. The caller commits.

Nothing of it is shown once the user may not see the conversation any more; it is back if they may again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, Select, delete, func, select, update
from sqlalchemy.orm import contains_eager, joinedload

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.for_me_models import ForMe, ForMeKind
from cadence_app.messaging.models import Conversation
from cadence_app.tenancy import tenant_in_use

PAGE = 50
# What was for somebody longer ago is news to nobody.
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Page:
    rows: list[ForMe]
    more: bool


def mentioned(note: Note, user_ids: Iterable[int]) -> None:
    """A note that has just been written is for these users, but not for who wrote it."""
    for user_id in sorted(set(user_ids) - {note.user_id}):
        db.session.add(
            ForMe(
                tenant_id=note.tenant_id,
                user_id=user_id,
                kind=ForMeKind.MENTION,
                conversation_id=note.conversation_id,
                note_id=note.id,
                by_id=note.user_id,
            )
        )
    db.session.flush()


def assigned(conversation_id: int, user_id: int | None, by_id: int | None) -> None:
    """A conversation is somebody's now, or nobody's. Whose it was and who had not seen that yet need not."""
    stale = delete(ForMe).where(
        ForMe.conversation_id == conversation_id,
        ForMe.kind == ForMeKind.ASSIGNMENT,
        ForMe.seen_at.is_(None),
    )
    db.session.execute(stale)
    if user_id is None or by_id is None or user_id == by_id:
        return
    db.session.add(
        ForMe(
            tenant_id=tenant_in_use(),
            user_id=user_id,
            kind=ForMeKind.ASSIGNMENT,
            conversation_id=conversation_id,
            by_id=by_id,
        )
    )


def items_of(user: User) -> Select[ForMe]:
    """What is for a user, of conversations that they may see, with the inbox and the person of each."""
    return _theirs(select(ForMe), user).options(
        contains_eager(ForMe.conversation).contains_eager(Conversation.inbox),
        contains_eager(ForMe.conversation).contains_eager(Conversation.contact),
        joinedload(ForMe.note),
        joinedload(ForMe.by),
    )


def page_of(user: User, page: int) -> Page:
    """The newest first."""
    query = items_of(user).order_by(ForMe.id.desc()).limit(PAGE + 1).offset((page - 1) * PAGE)
    rows = list(db.session.scalars(query))
    return Page(rows[:PAGE], len(rows) > PAGE)


def unseen_count(user: User) -> int:
    query = _theirs(select(func.count(ForMe.id)).select_from(ForMe), user)
    count: int = db.session.scalars(query.where(ForMe.seen_at.is_(None))).one()
    return count


def saw(user: User, conversation_id: int) -> int:
    """The user has this conversation before them, so what is for them there is seen; how many were not."""
    return _seen(ForMe.user_id == user.id, ForMe.conversation_id == conversation_id)


def saw_all(user: User, through_id: int) -> int:
    """Everything up to the item `through_id`, the newest on the page that was shown; how many were unseen."""
    return _seen(ForMe.user_id == user.id, ForMe.id <= through_id)


def forget_old() -> None:
    """Deletes the tenant's items of longer ago than KEPT, and commits."""
    db.session.execute(
        delete(ForMe).where(ForMe.tenant_id == tenant_in_use(), ForMe.created_at < func.now() - KEPT)
    )
    db.session.commit()


def _theirs(query: Select[Any], user: User) -> Select[Any]:
    return (
        query.join(ForMe.conversation)
        .join(Conversation.inbox)
        .join(Conversation.contact)
        .where(ForMe.user_id == user.id, visible_to(user), Contact.gone_at.is_(None))
    )


def _seen(*which: Any) -> int:
    done = db.session.execute(
        update(ForMe)
        .where(ForMe.seen_at.is_(None), *which)
        .values(seen_at=func.now())
        .execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)  # noqa: S101 - tells the type checker that there is a rowcount
    return done.rowcount
