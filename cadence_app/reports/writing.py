"""Writes an export's file: PostgreSQL's COPY straight into storage, a piece at a time."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from cadence_app.extensions import db
from cadence_app.reports import files
from cadence_app.reports.kinds import Kind
from cadence_app.reports.models import Export
from cadence_app.tenancy import set_tenant

# Excel takes a file for UTF-8 by its byte order mark.
_BOM = b"\xef\xbb\xbf"
_COPY = sql.SQL("COPY ({rows}) TO STDOUT (FORMAT csv, HEADER, ENCODING 'UTF8', FORCE_QUOTE *)")
# Bytes that are gathered before they are hashed and written: each row is a message of its own on the wire.
_PIECE = 256 * 1024
_PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class Written:
    """A finished file: its key in storage, rows without the header, bytes, and SHA-256 in hex."""

    key: str
    rows: int
    size: int
    sha256: str


def write_file(export: Export, kind: Kind, progress: Callable[[int, int], None]) -> Written:
    """Streams the export's rows into storage; `progress` gets rows written and rows in total, now and then.

    Count and rows come from one snapshot. Memory does not grow with the rows. Errors: whatever the database
    or the storage raises; then there is no file.
    """
    key = f"exports/{export.tenant_id}/{export.id}-{uuid.uuid4().hex}.csv"
    bounds = {"starts_at": export.starts_at, "ends_at": export.ends_at}
    digest = hashlib.sha256()
    size = 0
    rows = -1  # the header is one
    with (
        db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        files.writer(key) as file,
    ):
        set_tenant(connection, export.tenant_id)
        cursor = connection.connection.cursor()
        total = cursor.execute(kind.count, bounds).fetchone()[0]
        progress(0, total)
        reported = time.monotonic()

        def write(piece: bytearray) -> None:
            """Gives a piece to the storage, which may read from it later too: it is never touched again."""
            nonlocal size
            digest.update(piece)
            size += len(piece)
            file.write(piece)

        # One growing buffer: thousands of kept rows would each be an object for the garbage collector.
        piece = bytearray(_BOM)
        with cursor.copy(_COPY.format(rows=kind.rows), bounds) as copy:
            for row in copy:
                piece += row
                rows += 1
                if len(piece) >= _PIECE:
                    write(piece)
                    piece = bytearray()
                    if time.monotonic() - reported > _PROGRESS_SECONDS:
                        progress(rows, total)
                        reported = time.monotonic()
        write(piece)
    return Written(key, rows, size, digest.hexdigest())
