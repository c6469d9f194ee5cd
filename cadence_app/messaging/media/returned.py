"""The files of a text that was taken back: for an hour they wait in the storage to be sent with the next one.

Between the two no row is theirs but that of the file which is to leave the storage. The form of the next text
names each by a signed word, which is good for who took the text back alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import delete, func, select, update

from cadence_app import secret_keys
from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging.media.models import DiscardedFile, MediaState, MessageMedia
from cadence_app.messaging.media.service import Refused
from cadence_app.messaging.models import Message

_KEPT = timedelta(hours=1)
_CHOOSE_AGAIN = "A file of the text that you took back is not kept any more. Choose it again."


@dataclass(frozen=True)
class ReturnedFile:
    """A file that may be sent with the next text; `word` names it in a form."""

    word: str
    name: str
    size: int


def give_back(user: User, message: Message) -> list[ReturnedFile]:
    """Takes the files from a text that its writer takes back, in this transaction."""
    rows = db.session.scalars(
        select(MessageMedia).where(MessageMedia.message_id == message.id).order_by(MessageMedia.position)
    ).all()
    files = [_returned(user, row) for row in rows if row.state == MediaState.STORED]
    keys = [row.file_key for row in rows]
    for row in rows:
        db.session.delete(row)
    db.session.flush()
    # A trigger has noted that they are to leave the storage.
    db.session.execute(
        update(DiscardedFile)
        .where(DiscardedFile.file_key.in_(keys))
        .values(due_at=func.now() + _KEPT)
        .execution_options(synchronize_session=False)
    )
    return files


def read(user: User, words: Sequence[str]) -> list[ReturnedFile]:
    """The files that a form of the user's names. Errors: Refused."""
    return [ReturnedFile(word, *_content(user, word)[1:3]) for word in dict.fromkeys(words)]


def readable(user: User, words: Sequence[str]) -> list[ReturnedFile]:
    """Those of read() that are kept still."""
    found = []
    for word in words:
        with suppress(Refused):
            found += read(user, [word])
    return found


def take_up(user: User, files: Sequence[ReturnedFile]) -> list[MessageMedia]:
    """Files to attach() to a text that is not committed yet. Errors: Refused where one has left the storage,
    or was sent with another text."""
    rows = []
    for each in files:
        key, name, size, content_type, sha256 = _content(user, each.word)
        kept = (
            delete(DiscardedFile)
            .where(
                DiscardedFile.file_key == key,
                DiscardedFile.removed.is_(False),
                DiscardedFile.due_at > func.now(),
            )
            .returning(DiscardedFile.id)
            .execution_options(synchronize_session=False)
        )
        if not db.session.scalars(kept).all():
            raise Refused(_CHOOSE_AGAIN)
        rows.append(
            MessageMedia(
                tenant_id=user.tenant_id,
                state=MediaState.STORED,
                file_key=key,
                file_name=name,
                size=size,
                content_type=content_type,
                sha256=sha256,
            )
        )
    return rows


def _returned(user: User, row: MessageMedia) -> ReturnedFile:
    size = row.size or 0
    content = [row.file_key, row.download_name, size, row.content_type, row.sha256]
    return ReturnedFile(_signer(user).dumps(content), row.download_name, size)


def _content(user: User, word: str) -> tuple[str, str, int, str, str]:
    try:
        key, name, size, content_type, sha256 = _signer(user).loads(word, max_age=int(_KEPT.total_seconds()))
    except (BadData, ValueError) as error:
        raise Refused(_CHOOSE_AGAIN) from error
    return key, name, size, content_type, sha256


def _signer(user: User) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        secret_keys.signing(), salt=f"file of a text taken back {user.tenant_id} {user.id}"
    )
