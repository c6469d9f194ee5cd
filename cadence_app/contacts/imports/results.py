"""What was refused, and why: for the preview, and as a file with the columns of the uploaded one."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, or_, select, true

from cadence_app import files
from cadence_app.consent.models import Status
from cadence_app.contacts.imports import reading
from cadence_app.contacts.imports.models import Heard, Import, ImportOutcome, ImportRow, Result
from cadence_app.contacts.imports.reading import Options
from cadence_app.contacts.imports.refusal import limits
from cadence_app.contacts.imports.refusals import Choice, Kind
from cadence_app.contacts.imports.staging import opened
from cadence_app.extensions import db
from cadence_app.spreadsheets import defused

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
# As in reports/kinds/base.py: what makes a spreadsheet run a cell. A number keeps its sign.


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
        .where(
            ImportOutcome.import_id == imported.id,
            ImportOutcome.line > after,
            or_(ImportOutcome.note != "", ImportOutcome.result == Result.REFUSED),
            _of_kind(kind),
        )
        .order_by(ImportOutcome.line)
        .limit(limit)
    )
    return [
        Told(
            row.line,
            _problems(row, imported.headers),
            row.kind,
            row.choice,
            row.heard if row.result == Result.REFUSED else None,
            any(kind == Kind.ERASED for _, kind, _ in row.problems),
        )
        for row in rows
    ]


def write(imported: Import) -> None:
    """Writes the file of what was refused, in the place of an earlier one, and names it in the import's row;
    none where nothing was. Errors: Unreadable, and what the storage raises."""
    if imported.result_key:
        files.remove(imported.result_key)
        imported.result_key = ""
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
        piece = io.StringIO(_BOM, newline="")
        piece.seek(0, io.SEEK_END)
        writer = csv.writer(piece, lineterminator="\n")
        writer.writerow([*map(_defused, headers), _free_name(headers)])
        waiting: Told | None = first
        said_out, of = 0, imported.refused_opt_outs
        for row in rows:
            if waiting is None:
                break
            if row.line != waiting.line:
                continue
            own = [] if waiting.erased else row.cells
            cells = [*own, *[""] * len(headers)][: max(len(headers), 1)]
            problem = f"Line {row.line}: {waiting.text}"
            if waiting.opt_out:
                said_out += 1
                problem += f" {waiting.opt_out} (Opt out {said_out:,} of {of:,} in refused rows.)"
            writer.writerow([*map(_defused, cells), problem])
            waiting = next(found, None)
            if piece.tell() >= _PIECE:
                stored.write(piece.getvalue().encode())
                piece.seek(0)
                piece.truncate()
        stored.write(piece.getvalue().encode())
    imported.result_key = key


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
