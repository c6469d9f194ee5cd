"""Small files of the kinds that texts bring, and what a test asks about those of a text."""

from __future__ import annotations

import io
from typing import Any

from sqlalchemy import select

from cadence_app import files
from cadence_app.extensions import db
from cadence_app.messaging.media.fetching import fetch
from cadence_app.messaging.media.jobs import remove_discarded_files, sweep_media
from cadence_app.messaging.media.models import MessageMedia
from cadence_app.messaging.models import Conversation, Message
from tests.world import World

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)
PDF = b"%PDF-1.7\n" + bytes(40)
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Maya Chen\r\nEND:VCARD\r\n"


def conversation_of(world: World, number: str) -> int:
    contact_id = world.contact_id(number)
    with world.session():
        query = select(Conversation.id).where(Conversation.contact_id == contact_id)
        return db.session.scalars(query).one()


def of_conversation(world: World, conversation_id: int) -> list[MessageMedia]:
    """Its files in order, detached."""
    with world.session():
        query = (
            select(MessageMedia)
            .join(Message, Message.id == MessageMedia.message_id)
            .where(Message.conversation_id == conversation_id)
            .order_by(MessageMedia.message_id, MessageMedia.position)
        )
        found = list(db.session.scalars(query))
        db.session.expunge_all()
        return found


def fetch_all(world: World, conversation_id: int) -> list[MessageMedia]:
    """Does the worker's part for each file that waits."""
    for media in of_conversation(world, conversation_id):
        with world.session():
            fetch(media.id)
    return of_conversation(world, conversation_id)


def is_stored(world: World, key: str) -> bool:
    with world.session():
        try:
            files.read(key)
        except FileNotFoundError:
            return False
        return True


def sweep(world: World) -> None:
    with world.app.app_context():
        sweep_media()
        remove_discarded_files()


def send(world: World, conversation_id: int, *given: tuple[str, bytes], **fields: Any) -> Any:
    """What an agent's page gets who sends a text with these files, each (name, content)."""
    form = {"body": "Here it is", "files": [(io.BytesIO(content), name) for name, content in given]} | fields
    return world.sign_in("agent").post(
        f"/messages/conversations/{conversation_id}/send", form, content_type="multipart/form-data"
    )
