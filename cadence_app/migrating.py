"""What is looked at before the schema is changed, and what is said where it can't be (migrations/env.py).

Whatever brings a database up to date comes by here: script/server, `flask db upgrade`, the other commands of
`flask db`, tests and benchmarks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from flask import current_app
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

# Those that 0.9 made one by one, up to the one at which the first migration begins today.
_BEFORE = re.compile(r"00[0-4]\d|0012b|005[01]")

_TOO_OLD = (
    "This database is of a version of Cadence before 0.9 (its schema is {revision}, and this version begins"
    " at 0052): upgrade it with v0.9 first. Make a backup, check out the tag v0.9 (commit 83a7120) into"
    " another folder, and there, with the same settings and data folder, start script/server once or run"
    " `flask db upgrade`. When that is ready, stop it and start this version again. No row was changed."
    " (docs/upgrading.md)"
)
_TOO_NEW = (
    "This database is of a newer version of Cadence: its schema is {revision}, which this version does not"
    " know. Run the newer one, or give this one a backup from before it. No row was changed."
    " (docs/upgrading.md)"
)
_LOCKED = (
    "Nothing was upgraded: a lock that something else holds, such as a backup or a long transaction, was"
    " waited for longer than {seconds:g} seconds. Run it again in a moment. If it stays so, stop what works"
    " on the database, or let this wait longer with CADENCE_MIGRATION_LOCK_SECONDS. (docs/upgrading.md)"
)


def check_revision(connection: Connection, known: set[str]) -> None:
    """Whether the migrations that are here can go on from where a database is. `known` are their revisions;
    an empty database has none, and is well.

    Errors: RuntimeError, for who runs it, for a database of before 0.9, whose migrations are not here any
    more, and for one of a version to come.
    """
    if not connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
        return
    for revision in connection.scalars(text("SELECT version_num FROM alembic_version")):
        if revision not in known:
            said = _TOO_OLD if _BEFORE.fullmatch(revision) else _TOO_NEW
            raise RuntimeError(said.format(revision=revision))


def lock_seconds() -> float:
    """How long a migration waits for a lock; 0 is for ever."""
    return float(current_app.config["MIGRATION_LOCK_SECONDS"])


def wait_at_most(engine: Engine, seconds: float) -> None:
    """Each statement of the engine's connections waits for each lock so long and no longer.

    Who waits to change a table lets nobody else at it meanwhile, not even a reader: a migration that waits
    for a backup would stop every page. Source: PostgreSQL's manual, lock_timeout and "Explicit Locking".
    """

    @event.listens_for(engine, "connect")
    def connected(connection: psycopg.Connection, record: object) -> None:
        connection.execute(f"SET lock_timeout = {round(seconds * 1000)}".encode())
        connection.commit()


@contextmanager
def telling_of_locks(seconds: float) -> Iterator[None]:
    """Errors: RuntimeError in place of PostgreSQL's own where a lock was waited for too long."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise RuntimeError(_LOCKED.format(seconds=seconds)) from error
        raise
