"""The first look at an uploaded file, which is the worker's: how it is read, its columns, and what the pages
show of it, kept in the import's row so that no request opens a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import IO, Any

from sqlalchemy import select

from cadence_app.accounts.models import Team
from cadence_app.contacts.imports import mapping, reading, staging, workbooks
from cadence_app.contacts.imports.models import Import, ImportState
from cadence_app.contacts.imports.reading import Options, Row
from cadence_app.contacts.imports.refusal import Limits, Unreadable, limits
from cadence_app.contacts.imports.understanding import codes_in
from cadence_app.contacts.imports.workbooks import Sheet
from cadence_app.extensions import db

_SHOWN_ROWS = 5
# In how many rows codes that no team has are looked for before the check finds them all.
_CODE_ROWS = 1_000
_MOST_CODES = 200
# A few characters are shown of each cell; of the first rows, among which the header is, of a few cells.
_SHOWN_CHARACTERS, _SHOWN_CELLS = 120, 6
# Rows are held until it is known which of them is the header: so many, with so many characters in all.
_MOST_HELD, _MOST_CHARACTERS = 1_100, 8_000_000


@dataclass
class Sample:
    """What a person sees of a file: the first rows under the header, the sheets of a workbook, the first rows
    of all, among which the header is, and codes of its columns that no team has. `problem` says why not even
    the first rows can be read to their end."""

    rows: list[Row] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    head: list[Row] = field(default_factory=list)
    unknown_codes: list[str] = field(default_factory=list)
    problem: str = ""


def look(imported: Import) -> None:
    """Opens an import's file, as `asked` says or as it is probably to be read, and makes it a draft with
    suggested columns, in the open transaction. Errors: Unreadable where there is no row to show."""
    most = limits()
    with staging.opened(imported.file_key) as file:
        options, sheets, find_header = _options(file, imported.asked, most)
        first, problem = _first(file, options, most)
    if find_header:
        line = reading.likely_header(first[: reading.HEAD_LINES], mapping.known_names())
        options = replace(options, header=line)
    rest = iter(first)
    header = reading.header(rest, most, options.header)
    rows = list(rest)
    if not rows:
        raise Unreadable(problem or "There are no rows under the header.")
    imported.options, imported.headers = options.stored, list(header.cells)
    imported.columns = [{"kind": choice} for choice in mapping.suggest(imported.headers)]
    imported.preview = {
        "sheets": [[sheet.name, sheet.hidden] for sheet in sheets],
        "head": [_shown(row, _SHOWN_CELLS) for row in first[: reading.HEAD_LINES]],
        "rows": [_shown(row, most.columns) for row in rows[:_SHOWN_ROWS]],
        "codes": _codes(imported, rows[:_CODE_ROWS]),
        "problem": problem,
    }
    imported.asked, imported.state, imported.problem = {}, ImportState.DRAFT, ""


def sample(imported: Import) -> Sample:
    """What the pages show of a file that was opened."""
    kept: dict[str, Any] = imported.preview
    known = {code.casefold() for code in db.session.scalars(select(Team.code))}
    found = kept.get("codes", {})
    codes = [*imported.unknown_codes, *imported.code_teams]
    if _codes_column(imported) == found.get("column"):
        codes += found.get("codes", [])
    unknown = [code for code in dict.fromkeys(codes) if code.casefold() not in known]
    return Sample(
        rows=[Row(line, cells) for line, cells in kept.get("rows", ())],
        sheets=[Sheet(name, hidden) for name, hidden in kept.get("sheets", ())],
        head=[Row(line, cells) for line, cells in kept.get("head", ())],
        unknown_codes=unknown[:_MOST_CODES],
        problem=kept.get("problem", ""),
    )


def _options(file: IO[bytes], asked: dict[str, Any], most: Limits) -> tuple[Options, list[Sheet], bool]:
    """How to read a file, its sheets, and whether its header is to be found."""
    workbook = reading.sort_of(file) == "xlsx"
    sheets = workbooks.sheets(file, most) if workbook else []
    if asked:
        given = dict(asked)
        find_header = given.pop("find_header")
        return Options(**given), sheets, find_header
    if workbook:
        return Options("xlsx", sheet=workbooks.first_visible(sheets)), sheets, True
    return reading.detect(file, most), sheets, True


def _first(file: IO[bytes], options: Options, most: Limits) -> tuple[list[Row], str]:
    """The first rows, and why no more of them can be read, if so. Errors: Unreadable where there is none."""
    rows: list[Row] = []
    held = 0
    with closing(reading.rows(file, options, most)) as found:
        try:
            for row in found:
                rows.append(row)
                held += sum(map(len, row.cells)) + len(row.cells)
                if len(rows) == _MOST_HELD or held > _MOST_CHARACTERS:
                    break
        except Unreadable as refusal:
            if not rows:
                raise
            return rows, str(refusal)
    return rows, ""


def _shown(row: Row, most: int) -> list[Any]:
    return [row.line, [cell[:_SHOWN_CHARACTERS] for cell in row.cells[:most]]]


def _codes_column(imported: Import) -> int | None:
    kinds = [column["kind"] for column in imported.columns]
    return kinds.index("teams") if "teams" in kinds else None


def _codes(imported: Import, rows: Sequence[Row]) -> dict[str, Any]:
    """The codes in the column that seems to have them, each once."""
    number = _codes_column(imported)
    if number is None:
        return {}
    cells: Iterator[str] = (row.cells[number] for row in rows if number < len(row.cells))
    found = dict.fromkeys(chain.from_iterable(map(codes_in, cells)))
    return {"column": number, "codes": [code[:_SHOWN_CHARACTERS] for code in found][:_CODE_ROWS]}
