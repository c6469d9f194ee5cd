"""The program that opens a workbook (.xlsx), in a process of its own whose memory and time are limited.

workbooks.py runs it by its path, so it imports nothing of Cadence and holds none of its secrets. The file is
its standard input. What it found goes out as lines of JSON: ["sheet", name, hidden], ["row", line, cells,
numbers of the formulas, hidden], and last ["end"] or ["refused", why, line]. Where neither is there, it did
not get through.

It reads with openpyxl's read-only mode, which keeps one row at a time, over defusedxml. python-calamine is
ten times as fast, but holds the whole sheet and tells neither hidden rows nor formulas
(docs/decisions/reading-workbooks.md).
"""

from __future__ import annotations

import json
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import IO, Any
from xml.etree.ElementTree import ParseError
from zlib import error as ZlibError

# What openpyxl would load for itself where it is installed, and nothing here needs.
sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]

from defusedxml import DefusedXmlException  # noqa: E402
from openpyxl.reader.excel import SHARED_STRINGS, ExcelReader  # noqa: E402
from openpyxl.utils.exceptions import InvalidFileException  # noqa: E402
from openpyxl.worksheet._reader import WorkSheetParser  # noqa: E402
from openpyxl.xml.constants import SHEET_MAIN_NS  # noqa: E402
from openpyxl.xml.functions import iterparse  # noqa: E402

_NO_WORKBOOK = "This is no Excel workbook (.xlsx), or it is damaged."
_LOCKED = "This workbook has a password. Save a copy without one."
# A workbook has a few parts for each sheet; thousands are an attack.
_MOST_PARTS = 2_000
_ENCRYPTED = 1
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
    OSError,
    NotImplementedError,
    RuntimeError,
    zipfile.LargeZipFile,
)


class Refused(Exception):
    """Why it can't be read, and the line where one is to blame."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.why, self.line = why, line


class _Reader(ExcelReader):
    """A workbook's parts, no more of them than is needed and allowed."""

    def __init__(self, file: IO[bytes], limits: dict[str, int]) -> None:
        super().__init__(file, read_only=True, keep_links=False)
        self._limits = limits

    def read_sheets(self) -> Any:
        """The sheets' names and states. Errors: Refused."""
        self.read_manifest()
        self.read_workbook()
        if len(self.wb_sheets) > self._limits["sheets"]:
            raise Refused(f"The workbook has more than {self._limits['sheets']} sheets. Save one as CSV.")
        return self.wb_sheets

    @property
    def wb_sheets(self) -> list[Any]:
        found = self.parser.find_sheets()
        return [
            (sheet, rel)
            for sheet, rel in found
            if rel.target in self.valid_files and "chartsheet" not in rel.Type
        ]

    def read_worksheets(self) -> None:
        """Left out: only one of them is read, and not by its own word of how large it is."""

    def read_strings(self) -> None:
        """As openpyxl does, and in a tenth of its time. Errors: Refused."""
        part = self.package.find(SHARED_STRINGS)
        if part is None:
            return
        si, text, run = (f"{{{SHEET_MAIN_NS}}}{name}" for name in ("si", "t", "r"))
        strings: list[str] = self.shared_strings
        with self.archive.open(part.PartName[1:]) as source:
            events = iterparse(source, events=("start", "end"))
            _, root = next(events)
            for event, node in events:
                if event == "end" and node.tag == si:
                    parts = [each.text or "" for each in node if each.tag == text]
                    parts += [each.findtext(text) or "" for each in node if each.tag == run]
                    strings.append("".join(parts).replace("x005F_", ""))
                    root.clear()
                    if len(strings) > self._limits["strings"]:
                        raise Refused(f"The workbook has more than {self._limits['strings']:,} texts. {_CSV}")


_CSV = "Save it as CSV."


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


def _sheets(reader: _Reader) -> Iterator[list[Any]]:
    for sheet, _ in reader.read_sheets():
        yield ["sheet", sheet.name, sheet.state != "visible"]


def _rows(reader: _Reader, name: str, limits: dict[str, int]) -> Iterator[list[Any]]:
    part = next((rel.target for sheet, rel in reader.read_sheets() if sheet.name == name), None)
    if part is None:
        raise Refused(f"The workbook has no sheet named “{name}”.")
    reader.read()
    line, held = 0, 0
    with reader.archive.open(part) as source:
        parser = _Rows(
            source,
            reader.shared_strings,
            epoch=reader.wb.epoch,
            date_formats=reader.wb._date_formats,
            timedelta_formats=reader.wb._timedelta_formats,
        )
        try:
            for number, found in parser.parse():
                if number <= line:
                    continue
                line = number
                cells, formulas = _cells(found, limits["columns"])
                if not cells:
                    continue
                if any("\x00" in cell for cell in cells):
                    raise Refused("There is a NUL character.", line)
                if max(map(len, cells)) > limits["cell"]:
                    raise Refused(f"A cell is longer than {limits['cell']:,} characters.", line)
                # One text may stand in a million cells.
                held += sum(map(len, cells))
                if held > limits["unpacked"]:
                    raise Refused(f"What the cells hold is larger than {_megabytes(limits)} MB.", line)
                yield ["row", line, cells, formulas, parser.hidden]
        except _BROKEN as error:
            raise Refused("The workbook is damaged here.", line + 1) from error


def _cells(found: list[dict[str, Any]], most: int) -> tuple[list[str], list[int]]:
    """The cells of a row up to the last that is not blank, and the numbers of those that are formulas. What
    stands further to the right than `most` columns comes in the one after them."""
    texts: dict[int, str] = {}
    formulas = []
    for cell in found:
        number = min(cell["column"] - 1, most)
        if (text := _text(cell["value"])) and number >= 0:
            texts[number] = text
        if cell["data_type"] == "f":
            formulas.append(number)
    return [texts.get(number, "") for number in range(max(texts, default=-1) + 1)], formulas


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


def _check(file: IO[bytes], limits: dict[str, int]) -> None:
    """Looks at what the archive says of itself. Errors: Refused."""
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise Refused(_LOCKED)
    # zipfile gives no more of a part than the size that is stated here.
    if sum(part.file_size for part in parts) > limits["unpacked"] or len(parts) > _MOST_PARTS:
        raise Refused(
            f"Unpacked, this workbook is larger than {_megabytes(limits)} MB. Split it, or save it as CSV."
        )


def _megabytes(limits: dict[str, int]) -> str:
    return f"{limits['unpacked'] // 2**20:,}"


def _limit(memory: int, seconds: int) -> None:
    """Holds this process to so many bytes more than it has by now, and so many seconds of a processor."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/statm") as statm:
            held = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + memory, held + memory))
    except (OSError, ValueError):
        # Not Linux: what the file says of itself, its texts and the time are limited all the same.
        pass


def main(asked: dict[str, Any], file: IO[bytes], tell: Callable[[list[Any]], object]) -> None:
    limits = asked["limits"]
    _limit(limits["memory"], limits["seconds"])
    try:
        _check(file, limits)
        file.seek(0)
        reader = _Reader(file, limits)
        name = asked["sheet"]
        for found in _sheets(reader) if name is None else _rows(reader, name, limits):
            tell(found)
        tell(["end"])
    except Refused as refusal:
        tell(["refused", refusal.why, refusal.line])
    except BrokenPipeError:
        pass
    except _BROKEN:
        tell(["refused", _NO_WORKBOOK, None])


if __name__ == "__main__":
    out = sys.stdout
    main(json.loads(sys.argv[1]), sys.stdin.buffer, lambda found: out.write(json.dumps(found) + "\n"))
    out.flush()
