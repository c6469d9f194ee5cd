"""Reads a file that somebody uploaded as rows of text, a row at a time, and refuses what is none."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import IO, Any

from charset_normalizer import from_bytes

from cadence_app.contacts.imports import workbooks
from cadence_app.contacts.imports.refusal import Limits, Unreadable

# The longest line, in characters, and the most that one cell may hold.
_LONGEST_LINE = 1_000_000
_LONGEST_CELL = 100_000
_SAMPLE = 256 * 1024

# Encodings that spreadsheets and student systems write, by the name of Python's codec.
ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "cp1252": "Windows-1252 (Western European)",
    "utf-16": "UTF-16",
    "mac-roman": "Mac Roman",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1256": "Windows-1256 (Arabic)",
    "shift-jis": "Shift JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "euc-kr": "EUC-KR (Korean)",
}
_MOST_USED = "cp1252"
DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
# What begins a file of another sort.
_OTHER_SORTS = (
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook (.xls). Save it as .xlsx or as CSV."),
    (b"%PDF", "This is a PDF, not a CSV file or a workbook."),
    (b"\x1f\x8b", "This file is packed (gzip). Unpack it first."),
)


@dataclass(frozen=True)
class Options:
    """How a file is read: `encoding` and `delimiter` of a CSV file, `sheet` of a workbook."""

    format: str
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    sheet: str = ""

    @property
    def stored(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Row:
    """One row: the line of the file on which it begins, its cells, and the numbers of those that are
    formulas (a workbook tells)."""

    line: int
    cells: Sequence[str]
    formulas: frozenset[int] = frozenset()


def detect(file: IO[bytes], limits: Limits) -> Options:
    """How a file is probably to be read. Errors: Unreadable for one that is no CSV file and no workbook."""
    file.seek(0)
    sample = file.read(_SAMPLE)
    if not sample:
        raise Unreadable("The file is empty.")
    if sample.startswith(b"PK\x03\x04"):
        return Options("xlsx", sheet=workbooks.sheet_names(file, limits)[0])
    for start, refusal in _OTHER_SORTS:
        if sample.startswith(start):
            raise Unreadable(refusal)
    encoding = _encoding(file, sample)
    text = sample.decode(encoding, errors="ignore")
    if "\x00" in text:
        raise Unreadable(
            "This is no text: it holds NUL characters.", text[: text.index("\x00")].count("\n") + 1
        )
    return Options("csv", encoding, _delimiter(text))


def rows(file: IO[bytes], options: Options, limits: Limits) -> Generator[Row]:
    """Every row that is not blank, the header first; to be closed before the file is. Errors: Unreadable,
    with the line, at the row that can't be read."""
    file.seek(0)
    if options.format == "xlsx":
        for line, cells, formulas in workbooks.rows(file, options.sheet, limits):
            yield Row(line, cells, formulas)
        return
    yield from _csv_rows(file, options)


def header(found: Iterator[Row], limits: Limits) -> Row:
    """Takes the header from the rows of a file. Errors: Unreadable for none and for one that is ambiguous."""
    first = next(found, None)
    if first is None:
        raise Unreadable("The file is empty.")
    names = [name.strip() for name in first.cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > limits.columns:
        raise Unreadable(f"There are {len(names):,} columns; the most is {limits.columns}.", first.line)
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if name and name.casefold() in seen:
            raise Unreadable(
                f"Two columns are named “{name}”: {seen[name.casefold()]} and {number}. Rename one.",
                first.line,
            )
        seen[name.casefold()] = number
    return Row(first.line, names)


def suffix_fits(file_name: str, options: Options) -> bool:
    """Whether a file's name says the same sort as its content."""
    return (PurePath(file_name).suffix.lower() == ".xlsx") == (options.format == "xlsx")


def _csv_rows(file: IO[bytes], options: Options) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(_lines(file, options.encoding), delimiter=options.delimiter)
    line = 1
    try:
        for cells in reader:
            if any(cell and not cell.isspace() for cell in cells):
                yield Row(line, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        if "field larger" in str(error):
            raise Unreadable(
                f"A cell is longer than {_LONGEST_CELL:,} characters; perhaps a quotation mark is never"
                " closed.",
                line,
            ) from error
        raise Unreadable(f"This row can't be read: {error}.", line) from error


def _lines(file: IO[bytes], encoding: str) -> Iterator[str]:
    """The file's lines with their ends, none of them longer than the limit."""
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    line = 1
    try:
        while part := text.readline(_LONGEST_LINE + 1):
            if len(part) > _LONGEST_LINE:
                raise Unreadable(f"This line is longer than {_LONGEST_LINE:,} characters.", line)
            if "\x00" in part:
                raise Unreadable(
                    "There is a NUL character, so this is no text, or of another encoding.", line
                )
            yield part
            line += 1
    except UnicodeError as error:
        if isinstance(error, UnicodeDecodeError):
            line += error.object[: error.start].count(b"\n")
        name = ENCODINGS.get(encoding, encoding)
        raise Unreadable(f"This is not {name}. Choose another encoding.", line) from error
    finally:
        # Or it would close the file with itself.
        if not file.closed:
            text.detach()


def _encoding(file: IO[bytes], sample: bytes) -> str:
    """UTF-8 where the whole file is; else what its first part that is not looks like."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    piece = b""
    try:
        while piece := file.read(_SAMPLE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        # All that is ASCII says nothing: what is not is what tells encodings apart.
        telling = b"\n".join(line for line in (sample + piece).splitlines() if not line.isascii())
        return _likely(telling[:_SAMPLE])
    return "utf-8-sig"


def _likely(telling: bytes) -> str:
    """The encoding that some bytes look most like; of those that look the same, the one most used."""
    known = {name.replace("-", "_"): name for name in ENCODINGS}
    matches = from_bytes(telling, cp_isolation=list(known))
    best = matches.best()
    if best is None:
        return _MOST_USED
    same = [each for each in matches if (each.chaos, each.coherence) == (best.chaos, best.coherence)]
    if any(_MOST_USED in each.could_be_from_charset for each in same):
        return _MOST_USED
    return known.get(best.encoding, _MOST_USED)


def _delimiter(text: str) -> str:
    """What parts the cells; a comma where there is one column only."""
    head = next(iter(text.splitlines()), "")
    candidates = "".join(each for each in DELIMITERS if each in head)
    try:
        found = (
            csv.Sniffer().sniff(text[:20_000], candidates).delimiter if len(candidates) > 1 else candidates
        )
    except csv.Error:
        found = ""
    if found in DELIMITERS and found in head:
        return found
    return max(DELIMITERS, key=head.count)
