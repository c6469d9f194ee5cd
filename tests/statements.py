"""What the database is asked meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from cadence_app.extensions import db
from tests.world import World


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """The statements that are run meanwhile, those that begin a transaction too."""
    seen: list[str] = []

    def note(*args: object) -> None:
        seen.append(str(args[2]))

    with world.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
