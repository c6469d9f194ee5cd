"""From the file to rows in the database: read, understood and copied, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from tempfile import TemporaryFile
from typing import IO, Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, delete, select, text

from cadence_app import files
from cadence_app.accounts.models import Team
from cadence_app.contacts.imports import reading
from cadence_app.contacts.imports.mapping import Target
from cadence_app.contacts.imports.models import Import, ImportOutcome, ImportRow
from cadence_app.contacts.imports.reading import Options
from cadence_app.contacts.imports.refusal import Unreadable, limits
from cadence_app.contacts.imports.understanding import Reader, Understood
from cadence_app.extensions import db
from cadence_app.tenancy import set_tenant

_COLUMNS = (
    "import_id, tenant_id, line, first_name, last_name, external_id, number, team_ids, status, tags, custom,"
    " problems"
)
# COPY into a table with row-level security is refused, so it goes by way of one without.
_SCRATCH = text(
    f"CREATE TEMPORARY TABLE import_scratch ON COMMIT DROP AS SELECT {_COLUMNS} FROM import_rows LIMIT 0"  # noqa: S608
)
_COPY = f"COPY import_scratch ({_COLUMNS}) FROM STDIN"
_KEEP = text(f"INSERT INTO import_rows ({_COLUMNS}) SELECT {_COLUMNS} FROM import_scratch ORDER BY line")  # noqa: S608
_PIECE = 20_000
_PROGRESS_SECONDS = 1.0

# The planner knows nothing of rows that were staged a moment ago, and would hold each against each.
_AT_ONCE = text("SELECT set_config('enable_nestloop', 'off', true)")
# The first row of a ContactId or a number counts; a later one is told which line that is.
_REPEATED = """
UPDATE import_rows SET problems = jsonb_build_array(jsonb_build_array(CAST(:column AS bigint),
        format('The same {what} is on line %s.', repeated.first)))
FROM (
    SELECT line, first_value(line) OVER (PARTITION BY {column} ORDER BY line) AS first FROM import_rows
    WHERE import_id = :import_id AND {column} <> '' AND problems = '[]'
) AS repeated
WHERE import_rows.import_id = :import_id AND import_rows.line = repeated.line
  AND repeated.line > repeated.first
"""
_REPEATS = (
    ("external_id", text(_REPEATED.format(column="external_id", what="ContactId"))),
    ("number", text(_REPEATED.format(column="number", what="mobile number"))),
)


@contextmanager
def opened(file_key: str) -> Iterator[IO[bytes]]:
    """A file of the storage as one on disk that can be read from anywhere. Errors: Unreadable where it is
    gone."""
    with TemporaryFile() as local:
        try:
            for piece in files.chunks(file_key):
                local.write(piece)
        except FileNotFoundError as error:
            raise Unreadable("The file is gone from the storage. Upload it again.") from error
        yield local


def stage(imported: Import, team_word: str, progress: Callable[[int], None]) -> int:
    """Puts the rows of an import's file in the place of those staged before; returns how many there are.
    `progress` gets the rows so far, now and then. Memory does not grow with the file.

    Errors: Unreadable; then nothing is staged.
    """
    clear(imported.id)
    db.session.commit()
    targets = [Target(**each) for each in imported.columns]
    codes = {row.code: row.id for row in db.session.execute(select(Team.code, Team.id))}
    reader = Reader(targets, imported.default_teams, codes, team_word, imported.area_code)
    options, most = Options(**imported.options), limits()
    ids = imported.id, imported.tenant_id
    db.session.commit()
    with (
        db.engine.begin() as connection,
        opened(imported.file_key) as file,
        closing(reading.rows(file, options, most)) as found,
    ):
        set_tenant(connection, ids[1])
        connection.execute(_SCRATCH)
        reading.header(found, most)
        count, told, piece = 0, time.monotonic(), []
        for row in found:
            piece.append(reader.understand(row))
            count += 1
            if count > most.rows:
                raise Unreadable(f"There are more than {most.rows:,} rows. Split the file.", row.line)
            if len(piece) == _PIECE:
                _copy(connection, ids, piece)
                piece = []
            if time.monotonic() - told > _PROGRESS_SECONDS:
                progress(count)
                told = time.monotonic()
        if not count:
            raise Unreadable("There are no rows under the header.")
        _copy(connection, ids, piece)
        connection.execute(_AT_ONCE)
        kinds = [target.kind for target in targets]
        for name, statement in _REPEATS:
            column = kinds.index(name) if name in kinds else 0
            connection.execute(statement, {"import_id": ids[0], "column": column})
    imported.local_numbers = reader.local_numbers
    return count


def clear(import_id: int) -> None:
    """Forgets what was staged of an import and how its rows went."""
    db.session.execute(delete(ImportOutcome).where(ImportOutcome.import_id == import_id))
    db.session.execute(delete(ImportRow).where(ImportRow.import_id == import_id))


def _copy(connection: Connection, ids: tuple[int, int], rows: list[Understood]) -> None:
    nothing = Jsonb({}), Jsonb([])
    cursor: Any = connection.connection.cursor()
    with cursor:
        cursor.execute("TRUNCATE import_scratch")
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(
                    (
                        *(*ids, row.line, row.first_name, row.last_name, row.external_id, row.number),
                        *(row.team_ids, row.status, row.tags),
                        Jsonb(row.custom) if row.custom else nothing[0],
                        Jsonb(row.problems) if row.problems else nothing[1],
                    )
                )
    connection.execute(_KEEP)
