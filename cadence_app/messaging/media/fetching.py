"""Fetching a file that came with a text from where its carrier keeps it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urljoin

from flask import current_app
from sqlalchemy import case, delete, func, update

from cadence_app import files
from cadence_app.extensions import db
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.of_inbox import driver_of
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media.models import MediaState, MessageMedia
from cadence_app.messaging.media.service import new_key
from cadence_app.messaging.providers.base import MediaPlace, anywhere
from cadence_app.outbound import guarded_http
from cadence_app.outbound.gate import Failure
from cadence_app.outbound.guarded_http import NoAnswer
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.tenancy import tenant_in_use
from cadence_app.work.retrying import Retrying

_POLICY = POLICIES[Kind.MEDIA]
# With these waits, a file is tried for about five hours.
_AGAIN = Retrying(timedelta(seconds=10), timedelta(hours=2), attempts=12)
# A worker that has a file keeps it this long, well over the time limits; should it die, the sweep gives the
# file to another.
_KEPT = timedelta(minutes=3)


class Unwanted(Exception):
    """A file that is not kept, whenever it is asked for; the text says why, for an agent."""


class _Missed(Exception):
    """It could not be fetched this time; the text says why, for an agent."""


@dataclass(frozen=True)
class _Wanted:
    """A file's row as it was taken: it may be deleted while the file is on its way."""

    id: int
    url: str
    content_type: str
    sha256: str
    file_key: str
    account_id: int | None
    attempts: int


def fetch(media_id: int) -> None:
    """Fetches a file whose time has come, and commits: it is stored, waits for its next try, or has failed.
    Doing so again, or twice at once, does no harm."""
    wanted = _take(media_id)
    if wanted is None:
        return
    try:
        content, declared = _download(wanted)
        if kinds.normal(declared) == kinds.LAYOUT:
            db.session.execute(delete(MessageMedia).where(MessageMedia.id == media_id))
            db.session.commit()
            return
        content_type = kinds.kept_as(declared, content) or kinds.kept_as(wanted.content_type, content)
        if content_type is None:
            raise Unwanted(kinds.NOT_KEPT)
        files.write(wanted.file_key, content)
    except Unwanted as refusal:
        _settle(wanted, state=MediaState.FAILED, problem=str(refusal))
    except _Missed as miss:
        current_app.logger.warning("file %s of a text could not be fetched: %s", media_id, miss)
        _try_later(wanted, str(miss))
    except Exception:
        db.session.rollback()
        current_app.logger.exception("file %s of a text could not be fetched", media_id)
        _try_later(wanted, "Something broke on our side.")
    else:
        digest = hashlib.sha256(content).hexdigest()
        found = {"content_type": content_type, "size": len(content), "sha256": digest}
        _settle(wanted, state=MediaState.STORED, problem="", **found)


def _take(media_id: int) -> _Wanted | None:
    """The file, which is now this worker's; None where it is not due or another has it. Its name in the
    storage is noted first, so that whoever erases the person knows it."""
    key = case((MessageMedia.file_key == "", new_key(tenant_in_use())), else_=MessageMedia.file_key)
    taken = (
        update(MessageMedia)
        .where(MessageMedia.id == media_id, MessageMedia.next_attempt_at <= func.now())
        .values(next_attempt_at=func.now() + _KEPT, attempts=MessageMedia.attempts + 1, file_key=key)
        .returning(
            MessageMedia.id,
            MessageMedia.url,
            MessageMedia.content_type,
            MessageMedia.sha256,
            MessageMedia.file_key,
            MessageMedia.account_id,
            MessageMedia.attempts,
        )
        .execution_options(synchronize_session=False)
    )
    found = db.session.execute(taken).one_or_none()
    db.session.commit()
    return _Wanted(*found) if found else None


def _download(wanted: _Wanted) -> tuple[bytes, str]:
    """The content and its declared type. Errors: Unwanted, _Missed, vault.Unreadable."""
    until, url = time.monotonic() + _POLICY.seconds, wanted.url
    place_of = _place_of(wanted.account_id)
    for _ in range(_POLICY.redirects + 1):
        found = _ask(place_of(url), wanted.sha256, until)
        if not isinstance(found, str):
            return found
        url = urljoin(url, found)
    raise _Missed("Its address leads from one to the next without end.")


def _place_of(account_id: int | None) -> Callable[[str], MediaPlace]:
    if account_id is None:
        return lambda url: anywhere(None, url)
    account = db.session.get_one(CarrierAccount, account_id)
    # Nothing is held in the database while a carrier takes its time.
    db.session.expunge(account)
    db.session.commit()
    place_of = driver_of(account).media_at
    return lambda url: place_of(account, url)


def _ask(place: MediaPlace, sha256: str, until: float) -> tuple[bytes, str] | str:
    """The content and its declared type, or where a redirect leads to. Each step is looked at as the first
    one is, and the credentials are for nobody but the carrier's own API."""
    kind = Kind.CARRIER_MEDIA if place.own else Kind.MEDIA
    try:
        with guarded_http.client(kind, until, auth=place.user) as asking:
            # As it is kept: a digest is of that.
            answer = asking.get(place.url, headers={"Accept-Encoding": "identity"})
    except NoAnswer as error:
        if error.failure == Failure.SIZE:
            raise Unwanted(f"It is larger than {kinds.MAX_BYTES // 1024**2} MB.") from error
        if error.failure == Failure.REFUSED:
            raise _Missed("Its address is not one that files may come from.") from error
        raise _Missed("The carrier did not answer in time, or hung up.") from error
    if answer.has_redirect_location:
        return str(answer.headers["Location"])
    if answer.status_code != 200:
        raise _Missed(f"The carrier answered {answer.status_code}.")
    if sha256 and hashlib.sha256(answer.content).hexdigest() != sha256:
        raise _Missed("It came damaged.")
    return answer.content, answer.headers.get("Content-Type", "")


def _settle(wanted: _Wanted, **values: object) -> None:
    """Ends the wait for a file, and commits. Where the text is gone meanwhile, so is the file."""
    settled = (
        update(MessageMedia)
        .where(MessageMedia.id == wanted.id, MessageMedia.state == MediaState.WAITING)
        .values(next_attempt_at=None, url="", **values)
        .returning(MessageMedia.id)
        .execution_options(synchronize_session=False)
    )
    found = db.session.scalar(settled)
    db.session.commit()
    if found is None:
        files.remove(wanted.file_key)


def _try_later(wanted: _Wanted, problem: str) -> None:
    if _AGAIN.over(wanted.attempts):
        _settle(wanted, state=MediaState.FAILED, problem=problem)
        return
    db.session.execute(
        update(MessageMedia)
        .where(MessageMedia.id == wanted.id, MessageMedia.state == MediaState.WAITING)
        .values(next_attempt_at=func.now() + _AGAIN.wait(wanted.attempts), problem=problem)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
