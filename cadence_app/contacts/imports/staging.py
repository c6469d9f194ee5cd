"""From the file to rows in the database: read, understood and copied, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, TextClause, delete, select, text

from cadence_app import files
from cadence_app.accounts.models import Team
from cadence_app.contacts.imports import erased, reading
from cadence_app.contacts.imports.mapping import Target
from cadence_app.contacts.imports.models import Import, ImportOptOut, ImportOutcome, ImportRow, Result
from cadence_app.contacts.imports.reading import Options
from cadence_app.contacts.imports.refusal import Unreadable, limits
from cadence_app.contacts.imports.refusals import Kind
from cadence_app.contacts.imports.statements import AT_ONCE
from cadence_app.contacts.imports.understanding import Reader, Understood
from cadence_app.database_errors import cutting
from cadence_app.extensions import db
from cadence_app.tenancy import set_tenant

_COLUMNS = (
    "import_id, tenant_id, line, first_name, last_name, external_id, number, team_ids, status, said_at, tags,"
    " custom, problems, given"
)
# COPY into a table with row-level security is refused, so it goes by way of one without.
_SCRATCH = text(
    f"CREATE TEMPORARY TABLE import_scratch ON COMMIT DROP AS SELECT {_COLUMNS} FROM import_rows LIMIT 0"  # noqa: S608
)
_COPY = f"COPY import_scratch ({_COLUMNS}) FROM STDIN"
_KEEP = text(f"INSERT INTO import_rows ({_COLUMNS}) SELECT {_COLUMNS} FROM import_scratch ORDER BY line")  # noqa: S608
_PIECE = 20_000
_PROGRESS_SECONDS = 1.0

# The first row of a ContactId or a number counts, one without a team after those with one; another is told
# which line that is. Where the file says since when each status is, the rows of a person are their history:
# the newest counts, and of the others only the status.
_REPEATED = """
UPDATE import_rows SET
    problems = CASE WHEN {is_older} THEN problems ELSE jsonb_build_array(jsonb_build_array(
        CAST(:column AS bigint), '{kind}', format('The same {what} is on line %s.', repeated.first))) END,
    older_than = CASE WHEN {is_older} THEN repeated.first END
FROM (
    SELECT line, first_value(line) OVER w AS first, first_value(external_id) OVER w AS first_id
    FROM import_rows
    WHERE import_id = :import_id AND {column} <> '' AND problems = '[]' AND older_than IS NULL
    WINDOW w AS (PARTITION BY {column} ORDER BY {order}, team_ids = '{{}}', line)
) AS repeated
WHERE import_rows.import_id = :import_id AND import_rows.line = repeated.line
  AND repeated.line <> repeated.first
"""
_OLDER = text("SELECT count(*) FROM import_rows WHERE import_id = :import_id AND older_than IS NOT NULL")
_NEWEST = "external_id = '', said_at DESC NULLS LAST"
_ONE_PERSON = "(external_id IN ('', repeated.first_id) OR repeated.first_id = '')"


def _repeats(dated: bool) -> list[tuple[str, TextClause]]:
    order = _NEWEST if dated else "false"
    is_older = {"external_id": "true", "number": _ONE_PERSON} if dated else {}
    return [
        (
            column,
            text(
                _REPEATED.format(
                    column=column, kind=kind, what=what, order=order, is_older=is_older.get(column, "false")
                )
            ),
        )
        for column, kind, what in (
            ("external_id", Kind.SAME_ID, "ContactId"),
            ("number", Kind.SAME_NUMBER, "mobile number"),
        )
    ]


@dataclass
class Staged:
    """What a file holds: its rows, those that the sheet hides, those older than another of the same person,
    and the rows of each code that no team has."""

    rows: int = 0
    hidden: int = 0
    older: int = 0
    unknown_codes: dict[str, int] = field(default_factory=dict)


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


def stage(imported: Import, team_word: str, progress: Callable[[int], None]) -> Staged:
    """Puts the rows of an import's file in the place of those staged before; returns what there is.
    `progress` gets the rows so far, now and then. Memory does not grow with the file.

    Errors: Unreadable; then nothing is staged.
    """
    clear(imported.id)
    db.session.commit()
    targets = [Target(**each) for each in imported.columns]
    codes = {row.code: row.id for row in db.session.execute(select(Team.code, Team.id))}
    options, most = Options(**imported.options), limits()
    reader = Reader(
        *(targets, imported.default_teams, imported.code_teams | codes, team_word),
        hidden=options.hidden,
        area_code=imported.area_code,
        zone=imported.user.tenant.zone,
    )
    kinds = [target.kind for target in targets]
    staged = Staged()
    ids, came_at = (imported.id, imported.tenant_id), imported.created_at
    db.session.commit()
    with (
        db.engine.begin() as connection,
        opened(imported.file_key) as file,
        closing(reading.rows(file, options, most)) as found,
    ):
        set_tenant(connection, ids[1])
        connection.execute(_SCRATCH)
        reading.header(found, most, options.header)
        told, piece = time.monotonic(), []
        for row in found:
            piece.append(reader.understand(row))
            staged.rows += 1
            staged.hidden += row.hidden
            if staged.rows > most.rows:
                raise Unreadable(f"There are more than {most.rows:,} rows. Split the file.", row.line)
            if len(piece) == _PIECE:
                _copy(connection, ids, piece)
                piece = []
            if time.monotonic() - told > _PROGRESS_SECONDS:
                progress(staged.rows)
                told = time.monotonic()
        if not staged.rows:
            raise Unreadable("There are no rows under the header.")
        _copy(connection, ids, piece)
        connection.execute(AT_ONCE)
        for name, statement in _repeats("status_date" in kinds):
            column = kinds.index(name) if name in kinds else 0
            connection.execute(statement, {"import_id": ids[0], "column": column})
        erased.refuse_since(connection, ids[0], came_at)
        staged.older = connection.scalar(_OLDER, {"import_id": ids[0]}) or 0
    imported.local_numbers = reader.local_numbers
    staged.unknown_codes = dict(reader.unknown_codes)
    return staged


def clear(import_id: int) -> None:
    """Forgets what was staged of an import and how its rows went."""
    for table in (ImportOutcome, ImportRow, ImportOptOut):
        db.session.execute(delete(table).where(table.import_id == import_id))


def keep_refused(import_id: int) -> None:
    """Forgets all of an import that has ended but the rows it refused: a person may still choose for those,
    as long as the file is kept."""
    refused = select(ImportOutcome.line).where(
        ImportOutcome.import_id == import_id, ImportOutcome.result == Result.REFUSED
    )
    for table in (ImportRow, ImportOutcome):
        others = table.import_id == import_id, table.line.not_in(refused)
        db.session.execute(delete(table).where(*others).execution_options(synchronize_session=False))
    db.session.execute(delete(ImportOptOut).where(ImportOptOut.import_id == import_id))


def _copy(connection: Connection, ids: tuple[int, int], rows: list[Understood]) -> None:
    nothing = Jsonb({}), Jsonb([])
    cursor: Any = connection.connection.cursor()
    with cursor:
        cursor.execute("TRUNCATE import_scratch")
        with cutting(), cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(
                    (
                        *(*ids, row.line, row.first_name, row.last_name, row.external_id, row.number),
                        *(row.team_ids, row.status, row.said_at, row.tags),
                        Jsonb(row.custom) if row.custom else nothing[0],
                        Jsonb(row.problems) if row.problems else nothing[1],
                        Jsonb(row.given) if row.given else None,
                    )
                )
    connection.execute(_KEEP)
