"""Writes an export's file into storage, a piece at a time: CSV by PostgreSQL's COPY, or a workbook."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import IO, Any

import obstore
from sqlalchemy import Connection, Select

from cadence_app import files
from cadence_app.database_errors import cutting
from cadence_app.extensions import db
from cadence_app.reports import workbook
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import Kind
from cadence_app.reports.models import Export, Format
from cadence_app.tenancy import set_tenant

# Excel takes a file for UTF-8 by its byte order mark.
_BOM = b"\xef\xbb\xbf"
_COPY = "COPY ({rows}) TO STDOUT (FORMAT csv, HEADER, ENCODING 'UTF8', FORCE_QUOTE *)"
# Bytes that are gathered before they are hashed and written: each row is a message of its own on the wire.
_PIECE = 256 * 1024
_PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class Written:
    """A finished file: its key in storage, rows without the header, bytes, SHA-256 in hex, and how many rows
    it tells of as left out."""

    key: str
    rows: int
    size: int
    sha256: str
    left_out: int


class _Digested:
    """A file in storage that knows its size and digest."""

    def __init__(self, file: obstore.WritableFile) -> None:
        self._file, self._digest, self.size = file, hashlib.sha256(), 0

    def write(self, piece: bytes | bytearray) -> None:
        """Gives a piece to the storage, which may read from it later too: it is never touched again."""
        self._digest.update(piece)
        self.size += len(piece)
        self._file.write(piece)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class _Progress:
    """Tells how many rows are written, now and then."""

    def __init__(self, tell: Callable[[int, int], None], total: int) -> None:
        self._tell, self._total, self._told = tell, total, time.monotonic()
        tell(0, total)

    def __call__(self, rows: int) -> None:
        if time.monotonic() - self._told > _PROGRESS_SECONDS:
            self._tell(rows, self._total)
            self._told = time.monotonic()


def write_file(export: Export, kind: Kind, progress: Callable[[int, int], None]) -> Written:
    """Streams the export's rows into storage; `progress` gets rows written and rows in total, now and then.

    Counts and rows come from one snapshot. Memory does not grow with the rows. Errors: whatever the database
    or the storage raises; then there is no file.
    """
    key = f"exports/{export.tenant_id}/{export.id}-{uuid.uuid4().hex}.{export.format}"
    with (
        db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        files.writer(key) as stored,
    ):
        set_tenant(connection, export.tenant_id)
        filters = Filters.from_stored(export.filters)
        total = connection.scalar(kind.count(filters, export.changes), export.parameters)
        apart = kind.left_out(filters)
        left_out = connection.scalar(kind.count(apart, export.changes), export.parameters) if apart else 0
        file, told = _Digested(stored), _Progress(progress, total or 0)
        if export.format == Format.XLSX:
            rows = _write_workbook(export, kind, connection, file, told, total or 0)
        else:
            rows = _write_csv(export, kind, connection, file, told)
    return Written(key, rows, file.size, file.sha256, left_out or 0)


def copy_statement(export: Export, kind: Kind) -> tuple[str, dict[str, Any]]:
    """The SELECT of the export's CSV with psycopg's placeholders, and their values."""
    columns = [column.in_csv for column in kind.chosen(export.extra_columns)]
    query = _narrowed(export, kind).with_only_columns(*columns, maintain_column_froms=True)
    state = query.compile(db.engine).construct_expanded_state(export.parameters)
    return state.statement, dict(state.parameters)


def _narrowed(export: Export, kind: Kind) -> Select[Any]:
    narrowed = kind.narrowed(Filters.from_stored(export.filters), export.changes)
    return kind.with_extra(narrowed, export.extra_columns)


def _write_csv(export: Export, kind: Kind, connection: Connection, file: _Digested, told: _Progress) -> int:
    statement, values = copy_statement(export, kind)
    rows = -1  # the header is one
    # One growing buffer: thousands of kept rows would each be an object for the garbage collector.
    piece = bytearray(_BOM)
    copying = connection.connection.cursor().copy(_COPY.format(rows=statement).encode(), values)
    with cutting(), copying as copy:
        for row in copy:
            piece += row
            rows += 1
            if len(piece) >= _PIECE:
                file.write(piece)
                piece = bytearray()
                told(rows)
    file.write(piece)
    return rows


def _write_workbook(
    export: Export, kind: Kind, connection: Connection, file: _Digested, told: _Progress, total: int
) -> int:
    columns = kind.chosen(export.extra_columns)
    query = _narrowed(export, kind).with_only_columns(
        *(column.in_sheet for column in columns), maintain_column_froms=True
    )
    found = connection.execute(query, export.parameters, execution_options={"yield_per": workbook.BATCH})
    # A workbook is a zip archive whose parts are packed once they are whole, so it is made on disk first.
    with NamedTemporaryFile(suffix=".xlsx") as made:
        rows = workbook.write(made.name, columns, found, total, told)
        _copy_over(made.file, file)
    return rows


def _copy_over(made: IO[bytes], file: _Digested) -> None:
    while piece := made.read(_PIECE):
        file.write(piece)
