"""The signed addresses from which a carrier fetches the files of a text of ours."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePath

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select

from cadence_app import secret_keys
from cadence_app.extensions import db
from cadence_app.messaging.media.models import MediaState, MessageMedia
from cadence_app.messaging.models import Direction, Message
from cadence_app.tenancy import use_tenant

# A carrier keeps a text in its queue for up to ten hours (docs/carriers.md), and fetches late.
LIFE_SECONDS = 12 * 3600
# The shortest that a carrier takes: 20 characters, without spaces or signs (docs/carriers.md).
_NAME_LENGTH = 15


def path_of(media: MessageMedia) -> str:
    """The path of a file's public address, from now on for as long as LIFE_SECONDS."""
    return f"/media/{_signer().dumps([media.tenant_id, media.id])}"


def urls_of(message: Message) -> tuple[str, ...]:
    """Where the carrier finds the files of a text that is about to go, in their order."""
    return urls_of_each([message.id]).get(message.id, ())


def urls_of_each(message_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The same of several texts, by their ids; those without files are not in it."""
    stored = select(MessageMedia).where(
        MessageMedia.message_id.in_(message_ids), MessageMedia.state == MediaState.STORED
    )
    site, found = current_app.config["PUBLIC_URL"], dict[int, tuple[str, ...]]()
    for media in db.session.scalars(stored.order_by(MessageMedia.message_id, MessageMedia.position)):
        found[media.message_id] = (*found.get(media.message_id, ()), site + path_of(media))
    return found


def media_of(token: str) -> MessageMedia | None:
    """The file of a public address; the session then works for its tenant. None for an address that is not
    ours or has expired, and for a file that is gone or that we did not send."""
    try:
        tenant_id, media_id = _signer().loads(token, max_age=LIFE_SECONDS)
    except (BadData, ValueError, TypeError):
        return None
    use_tenant(tenant_id)
    return db.session.scalars(
        select(MessageMedia)
        .join(Message, Message.id == MessageMedia.message_id)
        .where(
            MessageMedia.id == media_id,
            MessageMedia.state == MediaState.STORED,
            Message.direction == Direction.OUTBOUND,
        )
    ).one_or_none()


def public_name(media: MessageMedia) -> str:
    """The file's name as phones show it, in the form that carriers take."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePath(media.file_name).stem)[:_NAME_LENGTH].strip("-")
    return f"{stem or 'file'}{media.ending}"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_keys.signing(), salt="cadence media")
