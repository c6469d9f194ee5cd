"""The files of one person's texts, as they may ask for them: what there is, and the files themselves."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from sqlalchemy import func, select

from cadence_app import files
from cadence_app.consent.ledger import with_merged
from cadence_app.extensions import db
from cadence_app.messaging.media.models import MediaState, MessageMedia
from cadence_app.messaging.models import Conversation, Message

Files = Sequence[tuple[MessageMedia, Message]]


def total_bytes(contact_id: int) -> int:
    """How large the stored ones are together."""
    query = (
        select(func.coalesce(func.sum(MessageMedia.size), 0))
        .join(Message, Message.id == MessageMedia.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.contact_id.in_(with_merged(contact_id)), MessageMedia.state == MediaState.STORED)
    )
    return int(db.session.scalars(query).one() or 0)


def of_contact(contact_id: int) -> Files:
    """Each file with its text, oldest text first."""
    query = (
        select(MessageMedia, Message)
        .join(Message, Message.id == MessageMedia.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.contact_id.in_(with_merged(contact_id)))
        .order_by(Message.created_at, Message.id, MessageMedia.position)
    )
    return [(media, message) for media, message in db.session.execute(query)]


def rows(found: Files) -> list[dict[str, Any]]:
    """The table of files; `file` is where one is in the ZIP."""
    return [
        {
            "at": f"{message.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "direction": message.direction,
            "text": message.body,
            "name": media.file_name,
            "type": media.content_type,
            "size": media.size,
            "sha256": media.sha256,
            "state": media.state,
            "problem": media.problem,
            "file": _place(media) if media.state == MediaState.STORED else "",
        }
        for media, message in found
    ]


def put(archive: zipfile.ZipFile, found: Files) -> None:
    """Puts the stored ones into the ZIP as they are, for pictures are packed already."""
    for media, _ in found:
        if media.state == MediaState.STORED:
            try:
                chunks = files.chunks(media.file_key)
            except FileNotFoundError:
                archive.writestr(f"{_place(media)}.missing.txt", "This file is gone from the storage.\n")
                continue
            entry = zipfile.ZipInfo(_place(media), time.gmtime()[:6])
            with archive.open(entry, "w") as target:
                for chunk in chunks:
                    target.write(chunk)


def _place(media: MessageMedia) -> str:
    # Not by the name that somebody gave it, which may be anything.
    return f"files/{media.id}{media.ending}"
