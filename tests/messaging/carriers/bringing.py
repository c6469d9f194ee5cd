"""Texts that bring files through a carrier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from cadence_app.extensions import db
from cadence_app.messaging.media.models import MessageMedia
from tests.messaging.carriers.api import Api
from tests.messaging.carriers.posting import Line
from tests.messaging.media import conversation_of
from tests.world import World, new_number


def comes(
    line: Line, api: Api, *given: tuple[str, bytes], body: str = "Look", status: int = 200, **more: str
) -> int:
    """A text that brought files, each (type, content): its conversation."""
    files = []
    for index, (content_type, content) in enumerate(given):
        path = f"/files/{len(api.files)}-{index}"
        api.files[path] = (status, content_type, content)
        files.append((api.url + path, content_type))
    number = new_number()
    assert line.text(number, body, files=files, **more).status_code == 200
    return conversation_of(line.world, number)


def let_pass(world: World, media_id: int, **values: int) -> None:
    """Lets the time of a file's next try have come."""
    with world.session():
        db.session.execute(
            update(MessageMedia)
            .where(MessageMedia.id == media_id)
            .values(next_attempt_at=datetime.now(UTC) - timedelta(minutes=1), **values)
        )
        db.session.commit()
