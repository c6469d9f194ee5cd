"""Reads a file that somebody uploaded as rows of text, a row at a time, and refuses what is none."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import PurePath
from typing import IO, Any

from charset_normalizer import from_bytes

from cadence_app.contacts.imports import workbooks
from cadence_app.contacts.imports.refusal import LONGEST_CELL, Limits, Unreadable
from cadence_app.contacts.names import folded

# The longest line, in characters.
_LONGEST_LINE = 1_000_000
_SAMPLE = 256 * 1024
# How far down the row that names the columns, and what parts the cells, are looked for.
HEAD_LINES = 30
# How spreadsheets are told to keep a text as it is: ="0012345". It is that text and no formula.
_CONSTANT = re.compile(r'="((?:[^"]|"")*)"', re.DOTALL)
# Excel's own first line, which says what parts the cells of the file.
_SEP = re.compile(r'\ufeff?"?sep=(.)"?', re.IGNORECASE)

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
    (
        b"\xd0\xcf\x11\xe0",
        "This is an old Excel workbook (.xls), or one with a password. Save it as .xlsx without a password,"
        " or as CSV.",
    ),
    (b"%PDF", "This is a PDF, not a CSV file or a workbook."),
    (b"\x1f\x8b", "This file is packed (gzip). Unpack it first."),
)


@dataclass(frozen=True)
class Options:
    """How a file is read: `encoding` and `delimiter` of a CSV file, `sheet` of a workbook. `header` is the
    line of the row that names the columns, 0 for the first that is not blank; what stands above it is left
    out. `hidden` is whether rows that the sheet hides are read as any other."""

    format: str
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    sheet: str = ""
    header: int = 0
    hidden: bool = False

    @property
    def stored(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Row:
    """One row: the line of the file on which it begins, its cells, the numbers of those that are formulas,
    and whether it is hidden (a workbook tells both)."""

    line: int
    cells: Sequence[str]
    formulas: frozenset[int] = frozenset()
    hidden: bool = False


def sort_of(file: IO[bytes]) -> str:
    """Whether a file is a workbook ("xlsx") or text ("csv"), as its first bytes say; it is not opened.
    Errors: Unreadable for another sort."""
    file.seek(0)
    start = file.read(8)
    if not start:
        raise Unreadable("The file is empty.")
    for known, refusal in _OTHER_SORTS:
        if start.startswith(known):
            raise Unreadable(refusal)
    return "xlsx" if start.startswith(b"PK\x03\x04") else "csv"


def detect(file: IO[bytes], limits: Limits) -> Options:
    """How a file is probably to be read. Errors: Unreadable for one that is no CSV file and no workbook."""
    if sort_of(file) == "xlsx":
        return Options("xlsx", sheet=workbooks.first_visible(workbooks.sheets(file, limits)))
    file.seek(0)
    sample = file.read(_SAMPLE)
    encoding = _encoding(file, sample)
    text = sample.decode(encoding, errors="ignore")
    if "\x00" in text:
        raise Unreadable(
            "This is no text: it holds NUL characters.", text[: text.index("\x00")].count("\n") + 1
        )
    return Options("csv", encoding, _delimiter(text))


def rows(file: IO[bytes], options: Options, limits: Limits) -> Generator[Row]:
    """Every row that is not blank, from the top of the file; to be closed before the file is. Errors:
    Unreadable, with the line, at the row that can't be read."""
    file.seek(0)
    found = (
        (Row(*row) for row in workbooks.rows(file, options.sheet, limits))
        if options.format == "xlsx"
        else _csv_rows(file, options, limits.columns)
    )
    for row in found:
        yield _with_constants(row)


def header(found: Iterator[Row], limits: Limits, line: int = 0) -> Row:
    """Takes the header, which is on `line`, and what stands above it from the rows of a file; two names may
    be the same. Errors: Unreadable for none."""
    first = next((row for row in found if row.line >= line), None)
    if first is None:
        raise Unreadable("The file is empty.")
    names = [folded(name).strip() for name in first.cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > limits.columns:
        raise Unreadable(f"There are more than {limits.columns} columns.", first.line)
    return Row(first.line, names)


def head(found: Iterator[Row]) -> list[Row]:
    """The first rows of a file: the header is one of them."""
    return list(islice(found, HEAD_LINES))


def likely_header(first: Sequence[Row], known: Collection[str]) -> int:
    """The line of the row that probably names the columns, among the first ones of a file: reports have rows
    of titles above it. `known` are names that columns have, as plain_name() writes them."""
    filled = {row.line: [cell for cell in row.cells if cell.strip()] for row in first}
    scores = {line: len({plain_name(cell) for cell in cells} & set(known)) for line, cells in filled.items()}
    several = [line for line, cells in filled.items() if len(cells) > 1]
    usual = next(iter(filled), 0)
    # A title is alone in its row.
    if 2 * len(several) > len(filled) and not scores.get(usual):
        usual = several[0]
    best = max(scores, key=lambda line: (scores[line], -line), default=0)
    sure = 2 if several else 1
    return best if scores.get(best, 0) >= sure and scores[best] > scores[usual] else usual


def plain_name(name: str) -> str:
    """A column's name without anything but small letters and digits."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def suffix_fits(file_name: str, options: Options) -> bool:
    """Whether a file's name says the same sort as its content."""
    return (PurePath(file_name).suffix.lower() == ".xlsx") == (options.format == "xlsx")


def _csv_rows(file: IO[bytes], options: Options, most: int) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(_lines(file, options.encoding), delimiter=options.delimiter)
    line = 1
    try:
        for cells in reader:
            blank = not any(cell and not cell.isspace() for cell in cells)
            if not blank and not (line == 1 and _SEP.fullmatch(options.delimiter.join(cells))):
                yield Row(line, _narrow(cells, most))
            line = reader.line_num + 1
    except csv.Error as error:
        if "field larger" in str(error):
            raise Unreadable(
                f"A cell is longer than {LONGEST_CELL:,} characters; perhaps a quotation mark is never"
                " closed.",
                line,
            ) from error
        raise Unreadable(f"This row can't be read: {error}.", line) from error


def _narrow(cells: list[str], most: int) -> list[str]:
    """A row of no more than one cell after `most`, which says what else there is."""
    if len(cells) <= most:
        return cells
    return cells[:most] + list(islice((cell for cell in cells[most:] if cell and not cell.isspace()), 1))


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
    """What parts the cells: what the file says itself, else what parts most of its first lines into the same
    number of cells; a comma where there is one column only."""
    lines = text.splitlines()[:HEAD_LINES]
    if lines and (said := _SEP.fullmatch(lines[0].strip())) and said[1] in DELIMITERS:
        return said[1]
    return max(DELIMITERS, key=lambda each: _fit(lines, each))


def _fit(lines: Sequence[str], delimiter: str) -> tuple[int, int, int]:
    """How well a delimiter parts lines: how many have the usual number of cells, how seldom a space follows
    it, as in a sentence, and how many cells that is."""
    try:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return 0, 0, 0
    width, count = max(widths.items(), key=lambda each: (each[0] > 1, each[1], each[0]), default=(1, 0))
    if width < 2:
        return 0, 0, 0
    return count, -sum(line.count(f"{delimiter} ") for line in lines), width


def _with_constants(row: Row) -> Row:
    """The row with the text itself in the place of each formula that is nothing but one."""
    cells, formulas = list(row.cells), set(row.formulas)
    for number, cell in enumerate(cells):
        if cell[:2] == '="' and (constant := _CONSTANT.fullmatch(cell.strip())):
            cells[number] = constant[1].replace('""', '"')
            formulas.discard(number)
    return Row(row.line, cells, frozenset(formulas), row.hidden)
