"""What kinds of files are read, how, and what is refused with its line."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from cadence_app import files
from cadence_app.contacts.imports import reading
from cadence_app.contacts.imports.refusal import Limits, Unreadable
from cadence_app.phone_numbers import BadNumber, parse_number
from tests import sizes
from tests.contacts.importing import check, counts, csv_of, problems, run, upload
from tests.world import World, new_number

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LIMITS = Limits(rows=1_000, columns=200, unpacked=5_000_000)


def _read(content: bytes, limits: Limits = LIMITS) -> list[tuple[int, list[str]]]:
    """Line and cells of each row under the header, read as detected."""
    file = io.BytesIO(content)
    rows = reading.rows(file, reading.detect(file, limits), limits)
    reading.header(rows, limits)
    return [(row.line, list(row.cells)) for row in rows]


def _workbook(*rows: tuple[object, ...], sheets: int = 1) -> bytes:
    made = io.BytesIO()
    book = Workbook(write_only=True)
    for _ in range(sheets):
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(made)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter"),
    [
        ("Name,Cell\nZoë,1\n".encode(), "utf-8-sig", ","),
        ("\ufeffName;Cell\nZoë;1\n".encode(), "utf-8-sig", ";"),
        ("Name\tCell\nZoë\t1\n".encode("utf-16"), "utf-16", "\t"),
        (("Name,Cell\n" + "José Muñoz,1\nZoë,2\nRené,3\n" * 20).encode("cp1252"), "cp1252", ","),
        (("Имя;Cell\n" + "Мария Иванова;1\nДмитрий;2\n" * 20).encode("cp1251"), "cp1251", ";"),  # noqa: RUF001
        (b"Cell\n12125550100\n", "utf-8-sig", ","),
        (b"Name|Cell\r\nA, B|1\r\n", "utf-8-sig", "|"),
    ],
)
def test_encoding_and_delimiter_are_found(content: bytes, encoding: str, delimiter: str) -> None:
    options = reading.detect(io.BytesIO(content), LIMITS)
    assert (options.encoding, options.delimiter) == (encoding, delimiter)


def test_lines_are_those_of_the_file_also_after_blank_ones_and_cells_of_two_lines() -> None:
    assert _read(b'A,B\r\n\r\n"x\ny",1\r\n,\r\nz,2\r\n') == [(3, ["x\ny", "1"]), (6, ["z", "2"])]
    assert _read(b"A,B\rx,1\ry,2\r") == [(2, ["x", "1"]), (3, ["y", "2"])]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b"\n\n , \n", "The file is empty."),
        (
            b",".join(b"c%d" % n for n in range(201)) + b"\n1\n",
            "Line 1: There are more than 200 columns.",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel workbook"),
        (b"%PDF-1.7\n", "This is a PDF"),
        (b"\x1f\x8b\x08", "packed (gzip)"),
        (b"PK\x03\x04 no zip", "This is no Excel workbook"),
        (b"A,B\nx,\x00\n", "Line 2: This is no text"),
        (b"A,B\n" + b"x,1\n" * 70_000 + b"y,\x00\n", "Line 70,002: There is a NUL character"),
        (b"A,B\nx," + b"y" * 1_000_001 + b"\n", "Line 2: This line is longer than 1,000,000 characters."),
        (b'A,B\nx,"' + b"y\n" * 100_000, "Line 2: A cell is longer than 100,000 characters; perhaps"),
    ],
)
def test_a_hostile_file_is_refused_with_its_line(content: bytes, said: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        _read(content)
    assert said in str(refusal.value)


def test_a_line_without_an_end_is_refused_before_it_is_in_memory() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def readinto(self, buffer: WriteableBuffer) -> int:
            view = memoryview(buffer)
            self.given += len(view)
            view[:] = b"x" * len(view)
            return len(view)

        def seek(self, *where: int) -> int:
            return 0

    raw = Endless()
    rows = reading.rows(io.BufferedReader(raw), reading.Options("csv"), LIMITS)
    with pytest.raises(Unreadable, match="Line 1: This line is longer"):
        next(rows)
    assert raw.given < 3_000_000


def test_bytes_of_another_encoding_are_refused_at_their_line() -> None:
    content = b"A,B\n" + b"x,1\n" * 5_000 + b"\xe9,2\n"
    file = io.BytesIO(content)
    with pytest.raises(Unreadable, match=r"^Line 5,002: This is not UTF-8\."):
        list(reading.rows(file, reading.Options("csv", "utf-8-sig"), LIMITS))
    assert reading.detect(file, LIMITS).encoding != "utf-8-sig"


def test_a_workbook_gives_cells_as_they_were_typed() -> None:
    content = _workbook(("Id", "Cell", "Born", "Flag", "X"), (7, 12125550100, date(2004, 2, 29), True, 1.5))
    assert _read(content) == [(2, ["7", "12125550100", "2004-02-29", "true", "1.5"])]


def test_a_formula_in_a_workbook_or_a_csv_file_is_refused_at_its_cell(world: World) -> None:
    header = ("FirstName", "Mobile")
    number = new_number()
    book = _workbook(header, ("=1+1", number), ("Ok", new_number()))
    done = run(world, book, [world.team_id], name="people.xlsx")
    assert counts(done) == (1, 0, 0, 1)
    assert problems(world, done) == ["Line 2: FirstName: This is a formula. Put its value in its place."]
    done = run(world, csv_of(("=cmd|'/c calc'!A0", number), ("@B", number), header=header), [world.team_id])
    assert counts(done) == (1, 0, 0, 1)


def test_a_workbook_that_unpacks_to_too_much_is_refused_unopened() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<x>" + b" " * 6_000_000)
    with pytest.raises(Unreadable, match="Unpacked, this workbook is larger than 4 MB"):
        reading.detect(io.BytesIO(made.getvalue()), LIMITS)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(2_001):
            archive.writestr(f"part{number}", b"")
    with pytest.raises(Unreadable, match="Unpacked"):
        reading.detect(io.BytesIO(made.getvalue()), LIMITS)


def test_entities_in_a_workbook_are_not_expanded() -> None:
    whole = zipfile.ZipFile(io.BytesIO(_workbook(("A",), ("b",))))
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for part in whole.namelist():
            content = whole.read(part)
            if part.endswith(("sharedStrings.xml", "sheet1.xml")):
                content = bomb + content.partition(b"?>")[2].replace(b"<t>b</t>", b"<t>&b;</t>")
            archive.writestr(part, content)
    with pytest.raises(Unreadable):
        _read(made.getvalue())


@pytest.mark.parametrize("cut", [100, 1000, 3000])
def test_a_workbook_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(Unreadable):
        _read(_workbook(*[(f"a{n}", n) for n in range(500)])[:cut])


def test_a_file_with_nothing_under_its_header_or_too_many_rows_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unreadable, match="no rows under the header"):
        upload(world, b"Mobile\n\n")
    monkeypatch.setitem(world.app.config, "IMPORT_MAX_ROWS", 2)
    content = csv_of(*((new_number(),) for _ in range(3)), header=("Mobile",))
    draft = check(world, upload(world, content), [world.team_id])
    assert (draft.state, draft.problem) == ("draft", "Line 4: There are more than 2 rows. Split the file.")


def test_a_file_that_is_broken_further_down_goes_back_to_its_columns(world: World) -> None:
    file = b"Mobile,Note\n" + b"2125550100," + b"x" * 90_000 + b"\n"
    file += b"".join(b"212555%04d,%s\n" % (n, b"y" * 200) for n in range(2000)) + b"2125550101,\x00\n"
    draft = check(world, upload(world, file), [world.team_id])
    assert draft.state == "draft"
    assert draft.problem.startswith("Line 2,003: There is a NUL character")


def test_more_cells_than_the_header_has_are_told(world: World) -> None:
    done = run(world, b"Mobile\n2125550100,,\n2125550101,x\n", [world.team_id])
    assert counts(done) == (1, 0, 0, 1)
    assert problems(world, done) == ["Line 3: The row has more cells than the header."]


def test_the_result_file_is_harmless_in_a_spreadsheet_and_can_be_imported_again(world: World) -> None:
    content = csv_of(
        ("+A1", "@x", "1", "12", "ADM", ""),
        header=("FirstName", "LastName", "ContactId", "Mobile", "Team", "Problem"),
    )
    done = run(world, content)
    with world.session():
        text = files.read(done.result_key).decode("utf-8-sig")
    head, row = text.splitlines()
    assert head.endswith("Team,Problem,Problem 2")
    assert row.startswith("'+A1,'@x,1,12,ADM,,Line 2: Mobile: ")


NATIONAL = st.from_regex(r"(\+?1[-. ]?)?\(?[0-9]{3}\)?[-. ]?[0-9]{3}[-. ]?[0-9]{4}", fullmatch=True)


@pytest.mark.sized
@settings(max_examples=sizes.size(40, 500), deadline=None)
@given(NATIONAL)
def test_the_usual_ways_to_write_a_number_are_read_as_the_library_reads_them(text: str) -> None:
    def read(written: str) -> str | None:
        try:
            return parse_number(written)
        except BadNumber:
            return None

    # A space before it keeps the quick way out.
    assert read(text) == read(f" {text}")
