"""Workbooks and files that were made to do harm: each is refused in words, and the worker goes on."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import update
from werkzeug.datastructures import FileStorage

from cadence_app.contacts.imports import jobs, reading, service, workbooks
from cadence_app.contacts.imports.models import Import, ImportState
from cadence_app.contacts.imports.refusal import Limits, Unreadable
from cadence_app.extensions import db
from cadence_app.work.leases import Lease, held
from tests.contacts.importing import check, csv_of, row, run, work
from tests.world import World, new_number

LIMITS = Limits(rows=1_000, columns=20, unpacked=50_000_000, strings=1_000, sheets=5)
_NAMES = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_SHARED = (
    '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument'
    '.spreadsheetml.sharedStrings+xml"/>'
)
_ROWS = "<row r='1'><c r='A1' t='inlineStr'><is><t>Mobile</t></is></c></row>{}"


def _book(sheets: int = 1) -> bytes:
    made, book = io.BytesIO(), Workbook(write_only=True)
    for _ in range(sheets):
        book.create_sheet().append(("Mobile", "shared"))
    book.save(made)
    return made.getvalue()


def _with(*, rows: str = "", before: str = "", strings: str = "", also: bytes = b"") -> bytes:
    """A workbook in which the sheet's data, or its shared texts, are others."""
    whole, made = zipfile.ZipFile(io.BytesIO(_book())), io.BytesIO()
    contents = {name: whole.read(name) for name in whole.namelist()}
    if rows:
        sheet = f"<worksheet {_NAMES}>{before}<sheetData>{rows}</sheetData></worksheet>"
        contents["xl/worksheets/sheet1.xml"] = sheet.encode()
    if strings:
        contents["xl/sharedStrings.xml"] = f"<sst {_NAMES}>{strings}</sst>".encode()
        types = contents["[Content_Types].xml"].replace(b"</Types>", _SHARED.encode() + b"</Types>")
        contents["[Content_Types].xml"] = types
    if also:
        contents["xl/media/more.zip"] = also
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return made.getvalue()


def _rows(content: bytes, limits: Limits = LIMITS) -> list[list[str]]:
    file = io.BytesIO(content)
    return [list(each.cells) for each in reading.rows(file, reading.detect(file, limits), limits)]


def _packed(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.xlsx", content)
    return made.getvalue()


def _locked() -> bytes:
    """A workbook whose parts say that they are encrypted."""
    content = bytearray(_book())
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(start)
        while at >= 0:
            struct.pack_into("<H", content, at + flags, 1)
            at = content.find(start, at + 4)
    return bytes(content)


_TOO_LARGE = "too large to open. Save it as CSV"
_NO_STRING = "<row r='2'><c r='A2' t='s'><v>99</v></c></row>"
_LONG_CELL = f"<row r='1'><c t='inlineStr'><is><t>{'x' * 100_001}</t></is></c></row>"
_LONG_TEXT = f"<si><t>{'x' * 30_000_000}</t></si>"


@pytest.mark.parametrize(
    ("made", "limits", "said"),
    [
        (lambda: _with(strings="<si/>" * 1_001), LIMITS, "more than 1,000 texts"),
        (lambda: _with(strings=_LONG_TEXT), replace(LIMITS, memory=2**23), _TOO_LARGE),
        (lambda: _with(rows="<row/>" * 2_000_000), replace(LIMITS, seconds=1), _TOO_LARGE),
        (lambda: _book(6), LIMITS, "more than 5 sheets"),
        (lambda: _packed(_book()), LIMITS, "no Excel workbook"),
        (_locked, LIMITS, "has a password"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), LIMITS, "or one with a password"),
        (lambda: _with(rows=_ROWS.format(_NO_STRING)), LIMITS, "damaged here"),
        (
            lambda: _with(rows=_ROWS.format(f"<row r='2'><c r='A2'><v>{'9' * 5_000}</v></c></row>")),
            LIMITS,
            "damaged here",
        ),
        (
            lambda: _with(
                strings=f"<si><t>{'x' * 90_000}</t></si>",
                rows="".join(f"<row r='{n}'><c r='A{n}' t='s'><v>0</v></c></row>" for n in range(1, 800)),
            ),
            LIMITS,
            "What the cells hold is larger than 47 MB",
        ),
        (lambda: _with(rows=_LONG_CELL), LIMITS, "longer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_workbook_that_asks_for_too_much_is_refused_in_words(
    made: Callable[[], bytes], limits: Limits, said: str
) -> None:
    with pytest.raises(Unreadable, match=said):
        _rows(made(), limits)


def test_what_a_sheet_says_of_its_size_and_a_cell_far_away_cost_nothing() -> None:
    far = "<row r='2'><c r='A2' t='inlineStr'><is><t>a</t></is></c></row>" + (
        "<row r='1048576'><c r='XFD1048576' t='inlineStr'><is><t>far</t></is></c></row>"
    )
    content = _with(before="<dimension ref='A1:XFD1048576'/>", rows=_ROWS.format(far))
    assert _rows(content) == [["Mobile"], ["a"], [*[""] * 20, "far"]]


def test_an_archive_within_a_workbook_is_left_alone() -> None:
    assert _rows(_with(also=_packed(bytes(10_000_000)))) == [["Mobile", "shared"]]


def test_a_line_of_a_million_cells_is_held_as_a_few() -> None:
    file = io.BytesIO(b"Mobile\n" + b"," * 900_000 + b"x\n")
    rows = list(reading.rows(file, reading.Options("csv"), LIMITS))
    assert [len(each.cells) for each in rows] == [1, 21]


def test_the_process_that_opens_a_workbook_has_no_address_or_key() -> None:
    assert set(workbooks._ENVIRONMENT) == {"OPENPYXL_LXML", "OPENPYXL_DEFUSEDXML"}


def _upload(world: World, content: bytes, name: str) -> int:
    file = FileStorage(io.BytesIO(content), name)
    answer = world.sign_in("admin").post(
        "/contacts/import/", {"file": file}, content_type="multipart/form-data"
    )
    assert answer.status_code == 302, answer.text[-3000:]
    return int(answer.location.rsplit("/", 1)[1])


def test_a_request_stores_a_workbook_and_the_worker_opens_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    before = workbooks._opened

    def noted(*given: Any) -> Any:
        opened.append(given)
        return before(*given)

    monkeypatch.setattr(workbooks, "_opened", noted)
    import_id = _upload(world, _book(), "people.xlsx")
    browser = world.sign_in("admin")
    page = browser.get(f"/contacts/import/{import_id}").text
    assert "Being read" in page
    assert f'hx-get="/contacts/import/{import_id}/progress"' in page
    assert browser.get(f"/contacts/import/{import_id}/columns").status_code == 302
    assert not opened
    failed = work(world, import_id)
    assert opened
    assert (failed.state, failed.problem) == ("failed", "There are no rows under the header.")


def test_a_workbook_that_can_not_be_opened_says_so_on_its_page_and_the_worker_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setitem(world.app.config, "IMPORT_MAX_MEMORY", 2**23)
        import_id = _upload(world, _with(strings=_LONG_TEXT), "people.xlsx")
        failed = work(world, import_id)
    assert (failed.state, failed.file_key) == ("failed", "")
    page = world.sign_in("admin").get(f"/contacts/import/{import_id}").text
    assert "This workbook is too large to open. Save it as CSV and upload that." in page
    assert "Try again" not in page
    assert run(world, csv_of(("A", "", "", new_number(), "ADM", ""))).state == "done"


def test_no_page_of_an_import_opens_its_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    content = csv_of(("Ana", "", "", new_number(), "NEW", ""))
    import_id = _upload(world, content, "people.csv")
    assert work(world, import_id).state == "draft"
    monkeypatch.setattr("cadence_app.contacts.imports.staging.opened", None)
    page = world.sign_in("admin").get(f"/contacts/import/{import_id}/columns").text
    assert "Ana" in page
    assert "NEW" in page


def test_a_draft_that_can_not_be_read_otherwise_stays_as_it_was(world: World) -> None:
    import_id = _upload(world, "Mobile,Note\n2125550100,Zoë\n".encode(), "people.csv")
    work(world, import_id)
    world.sign_in("admin").post(
        f"/contacts/import/{import_id}/reading", {"encoding": "utf-16", "delimiter": ",", "header": "1"}
    )
    assert row(world, import_id).state == "opening"
    draft = work(world, import_id)
    assert (draft.state, draft.options["encoding"]) == ("draft", "utf-8-sig")
    assert draft.problem.startswith("It can't be read so.")


def test_an_upload_can_be_cancelled_before_it_is_opened(world: World) -> None:
    import_id = _upload(world, csv_of(("A", "", "", new_number(), "ADM", "")), "people.csv")
    world.sign_in("admin").post(f"/contacts/import/{import_id}/cancel")
    assert work(world, import_id).state == "cancelled"


def test_one_organisation_can_not_fill_the_storage_and_cancelling_makes_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_MOST_KEPT", 1)
    file = csv_of(("A", "", "", new_number(), "ADM", ""))
    import_id = _upload(world, file, "one.csv")
    browser = world.sign_in("admin")
    refused = browser.post("/contacts/import/", {"file": FileStorage(io.BytesIO(file), "two.csv")})
    assert (refused.status_code, "as much as there is room for" in refused.text) == (422, True)
    work(world, import_id)
    browser.post(f"/contacts/import/{import_id}/cancel")
    with world.session():
        jobs.remove_expired_imports()
    assert _upload(world, file, "two.csv") > import_id


def test_a_file_whose_worker_dies_each_time_is_given_up(world: World) -> None:
    import_id = _upload(world, csv_of(("A", "", "", new_number(), "ADM", "")), "people.csv")
    with world.session():
        db.session.get_one(Import, import_id).attempts = 5
        db.session.commit()
    assert work(world, import_id).state == "failed"


def test_a_check_that_is_cut_off_each_time_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_: object) -> None:
        raise RuntimeError("the storage is gone")

    import_id = _upload(world, csv_of(("A", "", "", new_number(), "ADM", "")), "people.csv")
    work(world, import_id)
    monkeypatch.setattr("cadence_app.contacts.imports.staging.stage", cut_off)
    states = [check(world, import_id).state, *(work(world, import_id).state for _ in range(5))]
    assert states == ["checking"] * 5 + ["failed"]
    assert "the storage is gone" in row(world, import_id).problem


def test_cancelling_what_the_worker_has_makes_room_too(world: World) -> None:
    import_id = _upload(world, csv_of(("A", "", "", new_number(), "ADM", "")), "people.csv")
    world.sign_in("admin").post(f"/contacts/import/{import_id}/cancel")
    assert work(world, import_id).state == "cancelled"
    with world.session():
        jobs.remove_expired_imports()
    assert row(world, import_id).file_key == ""


def test_a_file_that_is_opened_meanwhile_is_not_checked_in_the_turn_of_its_opening(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = _upload(world, csv_of(("A", "", "", new_number(), "ADM", "")), "people.csv")
    work(world, import_id)
    usual = held

    def held_late(name: str) -> AbstractContextManager[Lease | None]:
        assert name == f"opening of import {import_id}"
        _set_state(ImportState.CHECKING)
        return usual(name)

    def _set_state(state: ImportState) -> None:
        db.session.execute(update(Import).where(Import.id == import_id).values(state=state))
        db.session.commit()

    with world.session():
        _set_state(ImportState.OPENING)
    monkeypatch.setattr(jobs, "held", held_late)
    assert work(world, import_id).state == "checking"
    monkeypatch.undo()
    assert work(world, import_id).state == "ready"
