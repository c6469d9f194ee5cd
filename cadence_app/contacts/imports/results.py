"""What was refused, and why: for the check page, and as a file with the columns of the uploaded one, which is
written after the check and again after the import."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from sqlalchemy import ARRAY, ColumnElement, Select, Text, cast, func, or_, select, true

from cadence_app import files
from cadence_app.consent.models import Status
from cadence_app.contacts.imports import reading
from cadence_app.contacts.imports.models import (
    Heard,
    Import,
    ImportOutcome,
    ImportRow,
    ImportState,
    Result,
)
from cadence_app.contacts.imports.reading import Options
from cadence_app.contacts.imports.refusal import limits
from cadence_app.contacts.imports.refusals import Choice, Kind
from cadence_app.contacts.imports.staging import opened
from cadence_app.extensions import db
from cadence_app.spreadsheets import defused
from cadence_app.tenancy import use_tenant

# The refused rows that say opt out, as told() chooses among all.
OPT_OUTS = "opt_outs"
_HEARD = {
    Heard.COUNTS: "It says opt out, and that counts.",
    Heard.OLDER: "It says opt out, but what is here or in another row is newer.",
    Heard.NOBODY: "It says opt out, but it names nobody who is here and no number: not applied.",
    Heard.NO_TEAM: "It says opt out, but not of what: not applied.",
}
_BOM = "\ufeff"
_BATCH = 5_000
_PIECE = 256 * 1024
# While these last, rows are staged and may change.
_WAITING = (ImportState.READY, ImportState.FAILED)
# How the last cell of the file begins.
_LINE = re.compile("Line ([0-9]+): ")
# As in reports/kinds/base.py: what makes a spreadsheet run a cell. A number keeps its sign.


class _Joined(io.RawIOBase):
    """Pieces of a file as one that is read from its beginning to its end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        self._left = self._left or next(self._pieces, b"")
        given, self._left = self._left[: len(into)], self._left[len(into) :]
        into[: len(given)] = given
        return len(given)


@dataclass(frozen=True)
class Told:
    """What is said of one line: problems as (column or "", text). `kind` (refusals.Kind) is that of a refused
    one, `choice` (refusals.Choice) what a person chose for it. `erased`: it is of somebody who was."""

    line: int
    problems: list[tuple[str, str]]
    kind: Kind | Literal[""] = ""
    choice: Choice | None = None
    heard: Heard | None = None
    erased: bool = False

    @property
    def text(self) -> str:
        return " ".join(f"{column}: {text}" if column else text for column, text in self.problems)

    @property
    def opt_out(self) -> str:
        """What became of the opt out that a refused row says; empty where it says none."""
        return _HEARD[self.heard] if self.heard else ""


def told(imported: Import, after: int, limit: int, kind: str = "") -> list[Told]:
    """The lines after one of which something is refused, in their order: those of this kind, where there is
    one, or with OPT_OUTS the refused ones that say opt out."""
    rows = db.session.execute(
        _told(imported)
        .where(
            ImportOutcome.line > after,
            or_(ImportOutcome.note != "", ImportOutcome.result == Result.REFUSED),
            _of_kind(kind),
        )
        .order_by(ImportOutcome.line)
        .limit(limit)
    )
    return [_as_told(row, imported.headers) for row in rows]


def _told(imported: Import) -> Select[Any]:
    return (
        select(
            ImportOutcome.line,
            ImportOutcome.result,
            ImportOutcome.kind,
            ImportOutcome.note,
            ImportRow.problems,
            ImportRow.choice,
            ImportRow.heard,
        )
        .join(
            ImportRow,
            (ImportRow.import_id == ImportOutcome.import_id) & (ImportRow.line == ImportOutcome.line),
        )
        .where(ImportOutcome.import_id == imported.id)
    )


def _as_told(row: Any, headers: list[str]) -> Told:
    return Told(
        row.line,
        _problems(row, headers),
        row.kind,
        row.choice,
        row.heard if row.result == Result.REFUSED else None,
        any(kind == Kind.ERASED for _, kind, _ in row.problems),
    )


def write(imported: Import) -> None:
    """Writes the file of what was refused, in the place of an earlier one, and names it in the import's row;
    none where nothing was. Errors: Unreadable, and what the storage raises."""
    forget(imported)
    found = _all_told(imported)
    first = next(found, None)
    if first is None:
        return
    key = f"imports/{imported.tenant_id}/{imported.id}-{uuid.uuid4().hex}.csv"
    options, most = Options(**imported.options), limits()
    with (
        opened(imported.file_key) as file,
        closing(reading.rows(file, options, most)) as rows,
        files.writer(key) as stored,
    ):
        headers = list(reading.header(rows, most, options.header).cells)
        cells = ((row.line, [*map(_defused, row.cells)]) for row in rows)
        head = [*map(_defused, headers), _free_name(headers)]
        for piece in _written(head, cells, chain([first], found), imported.refused_opt_outs):
            stored.write(piece)
    imported.result_key = key


def forget(imported: Import) -> None:
    """Removes the file of what was refused, for the rows are to be read anew."""
    if imported.result_key:
        files.remove(imported.result_key)
        imported.result_key = ""


def stored(imported: Import) -> Iterator[bytes]:
    """The file of what was refused, piece by piece. While the import's rows wait, each is told as it is by
    now: whoever was erased since the file was written is in none of them. Errors: FileNotFoundError."""
    pieces = files.chunks(imported.result_key)
    if imported.state not in _WAITING:
        return pieces
    return _as_now(pieces, imported.tenant_id, imported.id)


def _as_now(pieces: Iterator[bytes], tenant_id: int, import_id: int) -> Iterator[bytes]:
    # A response is sent after its request's session is gone.
    use_tenant(tenant_id)
    imported = db.session.get_one(Import, import_id)
    lines = csv.reader(io.TextIOWrapper(io.BufferedReader(_Joined(pieces)), encoding="utf-8-sig", newline=""))
    head = next(lines)
    cells = ((int(found[1]), row[:-1]) for row in lines if (found := _LINE.match(row[-1])))
    yield from _written(head, cells, _all_told(imported), imported.refused_opt_outs)


def examples(imported: Import) -> dict[str, str]:
    """What is said of the first refused row of each kind, with its line."""
    kinds = func.unnest(cast(list(imported.refusals), ARRAY(Text))).table_valued("kind").render_derived()
    first = (
        select(ImportOutcome.line)
        .where(
            ImportOutcome.import_id == imported.id,
            ImportOutcome.kind == kinds.c.kind,
            ImportOutcome.kind != "",
            ImportOutcome.result == Result.REFUSED,
        )
        .order_by(ImportOutcome.line)
        .limit(1)
        .correlate(kinds)
        .scalar_subquery()
    )
    lines = [line for line in db.session.scalars(select(first).select_from(kinds)) if line]
    rows = db.session.execute(_told(imported).where(ImportOutcome.line.in_(lines)))
    return {row.kind: _example(_as_told(row, imported.headers)) for row in rows}


def _example(told: Told) -> str:
    return f"Line {told.line:,}: {told.text}"


def _written(
    head: Sequence[str], rows: Iterable[tuple[int, list[str]]], found: Iterable[Told], opt_outs: int
) -> Iterator[bytes]:
    """The file of what is told of these rows, each its line and its cells, defused; both in their order."""
    piece = io.StringIO(_BOM, newline="")
    piece.seek(0, io.SEEK_END)
    writer = csv.writer(piece, lineterminator="\n")
    writer.writerow(head)
    told_of, width, said_out = iter(found), max(len(head) - 1, 1), 0
    waiting = next(told_of, None)
    for line, own in rows:
        while waiting and waiting.line < line:
            waiting = next(told_of, None)
        if waiting is None:
            break
        if line != waiting.line:
            continue
        cells = [*([] if waiting.erased else own), *[""] * width][:width]
        problem = f"Line {line}: {waiting.text}"
        if waiting.opt_out:
            said_out += 1
            problem += f" {waiting.opt_out} (Opt out {said_out:,} of {opt_outs:,} in refused rows.)"
        writer.writerow([*cells, problem])
        waiting = next(told_of, None)
        if piece.tell() >= _PIECE:
            yield piece.getvalue().encode()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue().encode()


def _all_told(imported: Import) -> Iterator[Told]:
    line = 0
    while batch := told(imported, line, _BATCH):
        yield from batch
        line = batch[-1].line


def _problems(row: Any, headers: list[str]) -> list[tuple[str, str]]:
    said = [
        ((headers[number] or f"Column {number + 1}") if number < len(headers) else "", text)
        for number, _, text in row.problems
    ]
    return said + ([("", row.note)] if row.note else [])


def _of_kind(kind: str) -> ColumnElement[bool]:
    if kind == OPT_OUTS:
        return (ImportRow.status == Status.OPTED_OUT) & (ImportOutcome.result == Result.REFUSED)
    return ImportOutcome.kind == kind if kind else true()


def _free_name(headers: list[str]) -> str:
    """Problem, or where the file is one of these already, the next such name that it does not have."""
    taken = {name.casefold() for name in headers}
    names = ("Problem", *(f"Problem {number}" for number in range(2, len(headers) + 3)))
    return next(name for name in names if name.casefold() not in taken)


def _defused(cell: str) -> str:
    """A cell that no spreadsheet runs; a number written with its plus stays one."""
    return cell if cell[1:].replace(" ", "").isdecimal() else defused(cell)
