"""Whether an open page still shows how things stand: a short version of what it shows, read by one query.

Hundreds of pages ask every other second, so these read a few rows by an index, however many there are, and
what is asked is put together and planned once (migration 0059). They need no Redis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Text, bindparam, case, func, select

from cadence_app.accounts.models import Tenant, User
from cadence_app.accounts.sessions import Question
from cadence_app.extensions import db
from cadence_app.inboxes.models import AwayMode, OutOfOffice
from cadence_app.messaging.desk import THREAD_LENGTH
from cadence_app.messaging.unread_count import waiting_at


@dataclass(frozen=True)
class Waiting:
    """How many texts wait for a user (unread_count.py), and the version that a page asks with."""

    texts: int
    version: str


def conversation_version(user: User, conversation_id: int) -> str | None:
    """Changes whenever the texts shown, their files, the notes, whose it is, what is set for later, or the
    contact's status, flag or blocks do. None where the user may not see the conversation."""
    values = {"user_id": user.id, "conversation_id": conversation_id}
    return db.session.scalar(_TALK_OF, values) if user.works_desk else None


def lists_version(user: User) -> str:
    """Changes whenever a conversation in the user's inboxes does, a status, what waits to be decided, or what
    the user may do here."""
    version: str = db.session.scalars(_LISTS_OF, {"user_id": user.id}).one()
    return version


def waiting(user: User) -> Waiting:
    """Of somebody who works at the desk."""
    return _counted(db.session.execute(_WAITING_OF, {"user_id": user.id}).one())


def unchanged(key: str, conversation_id: int | None, talk: str | None, lists: str | None) -> bool:
    """Whether the open conversation and the lists are as these versions say, for whom a cookie's key lets in;
    None for what is not on the page. False for nobody."""
    if conversation_id is None:
        found = _ALONE.ask(key)
        return found is not None and found.lists == lists
    found = _DESK.ask(key, conversation_id=conversation_id)
    # Without a version it is none that they may see.
    return (
        found is not None
        and found.talk is not None
        and (found.talk, found.lists) == (talk, lists or found.lists)
    )


def still_waiting(key: str, version: str | None) -> bool:
    """Whether as much waits as this version says, for whom a cookie's key lets in."""
    found = _WAITING.ask(key)
    return found is not None and _counted(found).version == version


def as_of_one_moment() -> None:
    """From here on the session reads everything as it is now, whatever is committed meanwhile, until its
    transaction ends. What it has not committed is lost."""
    db.session.rollback()
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _standing() -> ColumnElement[str]:
    """What decides whether the user may have a page of the desk at all: while it is as it was when they got
    one, that need not be asked again."""
    return func.concat(User.role, Tenant.second_factor, User.second_factor_secret == "", type_=Text)


def _away() -> ColumnElement[str]:
    """What says which inboxes are out of office: the settings, and where one goes by hours the time too."""
    by_hours = func.bool_or(OutOfOffice.mode == AwayMode.HOURS)
    part = func.floor(func.extract("epoch", func.now()) / _AWAY_SECONDS)
    said = func.concat(func.max(OutOfOffice.set_at), case((by_hours, part)), type_=Text)
    return select(said).scalar_subquery()


def _counted(found: Row[Any]) -> Waiting:
    return Waiting(found.texts, f"{found.texts}.{found.standing}")


# So often a page looks whether office hours have begun or ended; every zone is whole quarters from UTC.
_AWAY_SECONDS = 900
_OF_USER = User.id == bindparam("user_id", None, BigInteger)
# Null of one that they may not see. A page may ask by it alone, so it says too whether they may have a page.
_TALK = func.md5(
    func.talk_version(User.id, bindparam("conversation_id", None, BigInteger), THREAD_LENGTH, type_=Text)
    + _standing()
)
_LISTS = func.md5(func.concat_ws("|", func.lists_version(User.id), _standing(), _away()))
_COUNT = waiting_at(User.id).label("texts"), func.md5(_standing()).label("standing")
_TALK_OF = select(_TALK).join(User.tenant).where(_OF_USER)
_LISTS_OF = select(_LISTS).join(User.tenant).where(_OF_USER)
_WAITING_OF = select(*_COUNT).join(User.tenant).where(_OF_USER)
_DESK = Question(_TALK.label("talk"), _LISTS.label("lists"))
_ALONE = Question(_LISTS.label("lists"))
_WAITING = Question(*_COUNT)
