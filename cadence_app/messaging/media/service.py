"""Keeping the files of texts: what came is noted with its text, what is sent is stored with it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath

from sqlalchemy import delete, func, insert, select

from cadence_app import files
from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import visible_to
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media.models import DiscardedFile, MediaState, MessageMedia
from cadence_app.messaging.models import Conversation, Message
from cadence_app.tenancy import set_tenant, tenant_in_use

# No transaction that stores a file is open for this long.
_UNCOMMITTED = timedelta(hours=1)
_NO_ADDRESS = "The carrier gave no address to fetch it from."


class Refused(ValueError):
    """Why a file can't be sent; the text is for whoever chose it."""


@dataclass(frozen=True)
class Came:
    """A file that came with a text: where its carrier keeps it and what the carrier says of it, with the
    account that may fetch it; or, from the phone simulator, the content itself."""

    url: str = ""
    content_type: str = ""
    size: int | None = None
    sha256: str = ""
    account_id: int | None = None
    content: bytes = b""


@dataclass(frozen=True)
class Upload:
    """A file that a user sends: `name` ends as its type does."""

    name: str
    content_type: str
    content: bytes


def upload_of(name: str, content: bytes) -> Upload:
    """A file that somebody chose, known by its content. Errors: Refused."""
    plain = PurePath("".join(each for each in name.replace("\\", "/") if each.isprintable())).name
    content_type = kinds.told_by(content)
    if content_type not in kinds.SENT:
        raise Refused(f"{plain[:60] or 'The file'} can't be sent. These can: {kinds.SENT_WORDS}.")
    return Upload(PurePath(plain).stem[:100] + kinds.ENDINGS[content_type], content_type, content)


def check_together(sizes: Sequence[int]) -> None:
    """Of files with so many bytes each. Errors: Refused for more, or larger ones, than one text may have."""
    if len(sizes) > kinds.MOST_FILES:
        raise Refused(f"A text may have {kinds.MOST_FILES} files at most.")
    if sum(sizes) > kinds.MAX_SENT_BYTES:
        raise Refused(
            f"Files may have {kinds.MAX_SENT_WORDS} together, which is what every phone company takes. "
            "Send fewer, or a smaller picture."
        )


def note_came(message: Message, came: Sequence[Came]) -> list[MessageMedia]:
    """Notes the files that came with a text, in this transaction; the caller commits, and then has those
    that wait fetched (jobs.py)."""
    wanted = [each for each in came if not _layout(each)]
    noted = [_noted(message, position, each) for position, each in enumerate(wanted[: kinds.MOST_FILES])]
    if len(wanted) > kinds.MOST_FILES:
        problem = f"{len(wanted)} files came, and only the first {kinds.MOST_FILES} are kept."
        noted.append(_row(message, kinds.MOST_FILES, state=MediaState.FAILED, problem=problem))
    db.session.add_all(noted)
    db.session.flush()
    return noted


def store(uploads: Sequence[Upload]) -> list[MessageMedia]:
    """Stores files of a text that is yet to be written, before anything is held: the storage may be slow.
    Those that attach() does not follow leave it again."""
    rows = [_stored(upload.content_type, upload.content) for upload in uploads]
    for row, upload in zip(rows, uploads, strict=True):
        row.file_name = upload.name
    return rows


def attach(message: Message, stored: Sequence[MessageMedia]) -> None:
    """Puts stored files to a text that is not committed yet."""
    for position, row in enumerate(stored):
        row.message_id, row.position = message.id, position
        db.session.add(row)
    db.session.flush()


def of_texts(message_ids: Sequence[int]) -> dict[int, list[MessageMedia]]:
    """The files of each of these texts that has any, in their order."""
    query = select(MessageMedia).where(MessageMedia.message_id.in_(message_ids))
    found: dict[int, list[MessageMedia]] = {}
    for row in db.session.scalars(query.order_by(MessageMedia.message_id, MessageMedia.position)):
        found.setdefault(row.message_id, []).append(row)
    return found


def find(user: User, media_id: int) -> MessageMedia | None:
    """A stored file of a conversation that a user may read."""
    query = (
        select(MessageMedia)
        .join(Message, Message.id == MessageMedia.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Inbox, Inbox.id == Conversation.inbox_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(
            MessageMedia.id == media_id,
            MessageMedia.state == MediaState.STORED,
            Contact.gone_at.is_(None),
            visible_to(user),
        )
    )
    return db.session.scalars(query).one_or_none()


def forget(contact_ids: Sequence[int]) -> None:
    """Deletes the files of these contacts' texts, in this transaction; the storage's follow by the sweep."""
    texts = (
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.contact_id.in_(contact_ids))
    )
    db.session.execute(
        delete(MessageMedia)
        .where(MessageMedia.message_id.in_(texts))
        .execution_options(synchronize_session=False)
    )


def _noted(message: Message, position: int, came: Came) -> MessageMedia:
    if came.content:
        content_type = kinds.kept_as(came.content_type, came.content)
        if content_type is None:
            return _row(message, position, state=MediaState.FAILED, problem=kinds.NOT_KEPT)
        row = _stored(content_type, came.content)
        row.message_id, row.position = message.id, position
        return row
    row = _row(
        message,
        position,
        account_id=came.account_id,
        url=came.url,
        content_type=kinds.normal(came.content_type),
        size=came.size,
        sha256=came.sha256,
    )
    if came.url:
        row.state, row.next_attempt_at = MediaState.WAITING, func.now()
    else:
        row.state, row.problem = MediaState.FAILED, _NO_ADDRESS
    return row


def _stored(content_type: str, content: bytes) -> MessageMedia:
    """A file that is stored, and of no text yet."""
    key = _reserved_key(tenant_in_use())
    files.write(key, content)
    return MessageMedia(
        tenant_id=tenant_in_use(),
        state=MediaState.STORED,
        content_type=content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        file_key=key,
    )


def _reserved_key(tenant_id: int) -> str:
    """A new name in the storage, whose file leaves it again should this transaction not be committed."""
    key = new_key(tenant_id)
    discarded = insert(DiscardedFile).values(
        tenant_id=tenant_id, file_key=key, due_at=func.now() + _UNCOMMITTED
    )
    with db.engine.begin() as connection:
        set_tenant(connection, tenant_id)
        connection.execute(discarded)
    kept = delete(DiscardedFile).where(DiscardedFile.file_key == key)
    db.session.execute(kept.execution_options(synchronize_session=False))
    return key


def new_key(tenant_id: int) -> str:
    """A name in the storage that no file has."""
    return f"media/{tenant_id}/{uuid.uuid4().hex}"


def _row(message: Message, position: int, **values: object) -> MessageMedia:
    return MessageMedia(tenant_id=message.tenant_id, message_id=message.id, position=position, **values)


def _layout(came: Came) -> bool:
    path = came.url.partition("?")[0].lower()
    return kinds.normal(came.content_type) == kinds.LAYOUT or path.endswith(".smil")
