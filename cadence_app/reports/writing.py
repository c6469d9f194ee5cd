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
# Rows that are joined before they are hashed and written: each is a message of its own on the wire.
_BATCH = 2000
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

        def write(piece: bytes) -> None:
            nonlocal size
            digest.update(piece)
            size += len(piece)
            file.write(piece)

        write(_BOM)
        batch: list[bytes | memoryview] = []
        with cursor.copy(_COPY.format(rows=kind.rows), bounds) as copy:
            for row in copy:
                batch.append(row)
                if len(batch) == _BATCH:
                    write(b"".join(batch))
                    rows += len(batch)
                    batch.clear()
                    if time.monotonic() - reported > _PROGRESS_SECONDS:
                        progress(rows, total)
                        reported = time.monotonic()
        write(b"".join(batch))
        rows += len(batch)
    return Written(key, rows, size, digest.hexdigest())
