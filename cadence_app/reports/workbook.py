"""Workbooks (.xlsx): rust_xlsxwriter by its Python binding, which keeps one row at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from rustpy_xlsxwriter import Format, write_worksheets

from cadence_app.reports.kinds import Cell, Column

# Rows fetched from the database at a time.
BATCH = 2000
# What a sheet and a cell can hold, by Excel's specifications and limits.
SHEET_ROWS = 1_048_576
_CELL_CHARACTERS = 32_767
_WIDTHS = {Cell.TYPED: 18.0, Cell.OWN: 18.0, Cell.MOMENT: 23.0, Cell.DAY: 12.0, Cell.NUMBER: 12.0}
_FORMATS = {Cell.MOMENT: 'yyyy-mm-dd"T"hh:mm:ss"Z"', Cell.DAY: "yyyy-mm-dd"}
_TEXT = (Cell.TYPED, Cell.OWN)


def write(
    path: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    total: int,
    told: Callable[[int], None],
) -> int:
    """Writes the rows under a header and returns how many there were; `total` says how many there are, for
    those that one sheet can't hold go on the next. Text is a string cell whatever it looks like, so nothing
    in it runs. (Numbers are floats, as in every workbook: exact up to 2**53.)"""
    written = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal written
        for values in rows:
            yield _record(columns, values)
            written += 1
            told(written)

    records, room = counted(), SHEET_ROWS - 1
    sheets = [f"Sheet{number}" for number in range(1, max(1, -(-total // room)) + 1)]
    formats = {
        column.name: Format().set_num_format(_FORMATS[column.cell])
        for column in columns
        if column.cell in _FORMATS
    }
    write_worksheets(
        [(name, islice(records, room) if total else _header_only(columns)) for name in sheets],
        path,
        freeze_panes={"general": {"row": 1, "col": 0}},
        bold_headers=True,
        column_formats=dict.fromkeys(sheets, formats),
        column_widths={name: [_WIDTHS[column.cell] for column in columns] for name in sheets},
    )
    return written


def _record(columns: Sequence[Column], values: Sequence[Any]) -> dict[str, Any]:
    return {
        column.name: value[:_CELL_CHARACTERS] if value is not None and column.cell in _TEXT else value
        for column, value in zip(columns, values, strict=True)
    }


def _header_only(columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """A header comes of a first row: one without a value."""
    yield {column.name: None for column in columns}
