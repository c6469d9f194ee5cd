"""A piece of work that only one worker does at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from cadence_app.extensions import db


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Holds what the name stands for; False where another has it. A worker that dies lets go of it, for
    PostgreSQL ends the lock with the connection."""
    key = {"key": name}
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mine = bool(connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), key))
        try:
            yield mine
        finally:
            if mine:
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), key)
