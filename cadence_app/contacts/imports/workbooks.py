"""Workbooks (.xlsx): openpyxl's read-only mode, which keeps one row at a time, over defusedxml.

python-calamine reads them eighteen times as fast but holds the whole sheet: 94 MB for 100,000 rows of eight
columns, where openpyxl takes 34 MB whatever the rows.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import IO, Any
from xml.etree.ElementTree import ParseError
from zlib import error as ZlibError

from defusedxml import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._reader import WorkSheetParser

from cadence_app.contacts.imports.refusal import Limits, Unreadable

_NO_WORKBOOK = "This is no Excel workbook (.xlsx), or it is damaged."
# A workbook has a few parts for each sheet; thousands are an attack.
_MOST_PARTS = 2_000
_BROKEN = (
    zipfile.BadZipFile,
    ZlibError,
    InvalidFileException,
    ParseError,
    DefusedXmlException,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    EOFError,
    NotImplementedError,
)


class _Rows(WorkSheetParser):
    """A sheet's rows, and whether the one at hand is hidden, which openpyxl's read-only mode does not tell.
    A filter hides rows as a person does."""

    hidden = False

    def parse_row(self, row: Any) -> Any:
        self.hidden = row.get("hidden") in {"1", "true"}
        found = super().parse_row(row)
        # It would keep something of each row.
        self.row_dimensions.clear()
        return found


@dataclass(frozen=True)
class Sheet:
    name: str
    hidden: bool


def sheets(file: IO[bytes], limits: Limits) -> list[Sheet]:
    """The sheets with cells, in their order. Errors: Unreadable."""
    book = _open(file, limits)
    try:
        found = [Sheet(sheet.title, sheet.sheet_state != "visible") for sheet in book.worksheets]
    finally:
        book.close()
    if not found:
        raise Unreadable("The workbook has no sheet with cells.")
    return found


def first_visible(found: Sequence[Sheet]) -> str:
    """The name of the sheet that a person sees first; where all are hidden, of the first."""
    return next((sheet.name for sheet in found if not sheet.hidden), found[0].name)


def rows(file: IO[bytes], name: str, limits: Limits) -> Iterator[tuple[int, list[str], frozenset[int], bool]]:
    """Line number, cells as text, the numbers of those that are formulas, and whether it is hidden, of each
    row that is not blank. Errors: Unreadable."""
    book = _open(file, limits)
    line = 0
    try:
        if name not in book.sheetnames:
            raise Unreadable(f"The workbook has no sheet named “{name}”.")
        # What a sheet says of its own size may be wrong, on purpose too: it is not asked.
        with book[name]._get_source() as source:
            parser = _Rows(
                source,
                book[name]._shared_strings,
                epoch=book.epoch,
                date_formats=book._date_formats,
                timedelta_formats=book._timedelta_formats,
            )
            for number, found in parser.parse():
                if number <= line:
                    continue
                line = number
                cells, formulas = _cells(found)
                if any(cells):
                    if any("\x00" in cell for cell in cells):
                        raise Unreadable("There is a NUL character.", line)
                    yield line, cells, formulas, parser.hidden
    except Unreadable:
        raise
    except _BROKEN as error:
        raise Unreadable("The workbook is damaged here.", line + 1) from error
    finally:
        book.close()


def _cells(found: list[dict[str, Any]]) -> tuple[list[str], frozenset[int]]:
    cells = [""] * max((cell["column"] for cell in found), default=0)
    formulas = set()
    for cell in found:
        number = cell["column"] - 1
        cells[number] = _text(cell["value"])
        if cell["data_type"] == "f":
            formulas.add(number)
    return cells, frozenset(formulas)


def _open(file: IO[bytes], limits: Limits) -> Any:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
        # zipfile gives no more of a part than the size that is stated here.
        unpacked = sum(part.file_size for part in parts)
        if unpacked > limits.unpacked or len(parts) > _MOST_PARTS:
            raise Unreadable(
                f"Unpacked, this workbook is larger than {limits.unpacked // 2**20:,} MB. Split it, or save"
                " it as CSV."
            )
        file.seek(0)
        return load_workbook(file, read_only=True, keep_links=False, rich_text=False)
    except Unreadable:
        raise
    except _BROKEN as error:
        raise Unreadable(_NO_WORKBOOK) from error


def _text(value: Any) -> str:
    """A cell as somebody would have typed it: whole numbers without a point, days as year-month-day."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)
