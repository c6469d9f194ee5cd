"""Workbooks (.xlsx): XlsxWriter with constant memory, which keeps one row at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from cadence_app.reports.kinds import Cell, Column

# Rows fetched from the database at a time.
BATCH = 2000
# What a sheet and a cell can hold, by Excel's specifications and limits.
SHEET_ROWS = 1_048_576
_CELL_CHARACTERS = 32_767
_WIDTHS = {Cell.TYPED: 18, Cell.OWN: 18, Cell.MOMENT: 23, Cell.DAY: 12, Cell.NUMBER: 12}
_FORMATS = {Cell.MOMENT: 'yyyy-mm-dd"T"hh:mm:ss"Z"', Cell.DAY: "yyyy-mm-dd"}


def write(
    target: IO[bytes], columns: Sequence[Column], rows: Iterable[Sequence[Any]], told: Callable[[int], None]
) -> int:
    """Writes the rows under a header and returns how many there were; those that one sheet can't hold go on
    the next. Text is a string cell whatever it looks like, so nothing in it runs."""
    book = Workbook(target, {"constant_memory": True})
    formats = {cell: book.add_format({"num_format": form}) for cell, form in _FORMATS.items()}
    bold = book.add_format({"bold": True})
    sheet = _new_sheet(book, columns, bold)
    row = written = 0
    for values in rows:
        row += 1
        if row == SHEET_ROWS:
            sheet, row = _new_sheet(book, columns, bold), 1
        for number, (column, value) in enumerate(zip(columns, values, strict=True)):
            if value is None:
                continue
            if column.cell is Cell.NUMBER:
                sheet.write_number(row, number, value)
            elif column.cell in formats:
                sheet.write_datetime(row, number, value, formats[column.cell])
            else:
                sheet.write_string(row, number, value[:_CELL_CHARACTERS])
        written += 1
        told(written)
    book.close()
    return written


def _new_sheet(book: Workbook, columns: Sequence[Column], bold: Any) -> Worksheet:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for number, column in enumerate(columns):
        sheet.set_column(number, number, _WIDTHS[column.cell])
        sheet.write_string(0, number, column.name, bold)
    return sheet
