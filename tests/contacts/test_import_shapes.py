"""Files as people's systems write them: titles above the header, hidden sheets and rows, formulas."""

from __future__ import annotations

import io
import re

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from cadence_app.contacts.imports import reading, workbooks
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests.contacts.importing import (
    check,
    counts,
    csv_of,
    problems,
    row,
    run,
    start,
    upload,
    work,
)
from tests.contacts.test_import_files import LIMITS
from tests.world import World, new_number

KNOWN = {"contactid", "firstname", "mobile", "team", "status", "statusdate"}


def _header(content: bytes) -> list[str]:
    """The header that is found in a file."""
    file = io.BytesIO(content)
    options = reading.detect(file, LIMITS)
    line = reading.likely_header(reading.head(reading.rows(file, options, LIMITS)), KNOWN)
    return list(reading.header(reading.rows(file, options, LIMITS), LIMITS, line).cells)


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"sep=;\nContactId;Mobile;Team\n1;2;3\n", ["ContactId", "Mobile", "Team"]),
        (b'\xef\xbb\xbf"sep=|"\r\nMobile|Team\r\n1|2\r\n', ["Mobile", "Team"]),
        (b"sep=\t\nMobile\tTeam, code\n1\t2\n", ["Mobile", "Team, code"]),
        (
            b'Spring list,,\n"As of 3/2/2026, 9:00 AM",,\n,,\nContact ID,Mobile,Team\n7,2,3\n',
            ["Contact ID", "Mobile", "Team"],
        ),
        (
            b"Report:,SWRSTUD,\nRun by:,jdoe,\n\nFirst Name,Mobile,Team\nAnn,2,3\n",
            ["First Name", "Mobile", "Team"],
        ),
        (b"Who came,,\nWer,Handy,Ort\nAnn,2,3\nBo,2,3\n", ["Wer", "Handy", "Ort"]),
        (b"Students\nMobile\n2125550100\n", ["Mobile"]),
        # Whoever names columns otherwise, and has a word of ours among the values.
        (b"Wer,Handy,Art\nAnn,2,Mobile\nBo,2,Mobile\n", ["Wer", "Handy", "Art"]),
        (b"Handy\n2125550100,,x\n2125550101\n", ["Handy"]),
        (b'="Contact ID",="Mobile"\n="007",="2"\n', ["Contact ID", "Mobile"]),
    ],
)
def test_the_row_that_names_the_columns_is_found(content: bytes, header: list[str]) -> None:
    assert _header(content) == header


def test_the_person_can_choose_which_row_names_the_columns(world: World) -> None:
    number = new_number()
    content = f"Team,Mobile\nWer,Handy\nAnn,{number}\n".encode()
    import_id = upload(world, content)
    browser = world.sign_in("admin")
    page = browser.get(f"/contacts/import/{import_id}/columns").text
    assert re.search(r'<option selected value="1">Line 1: Team, Mobile', page)
    browser.post(f"/contacts/import/{import_id}/reading", {"header": "2"})
    work(world, import_id)
    assert row(world, import_id).headers == ["Wer", "Handy"]
    check(world, import_id, [world.team_id], ["first_name", "number"])
    start(world, import_id)
    assert counts(work(world, import_id)) == (1, 0, 0, 0)
    browser.post(f"/contacts/import/{upload(world, content)}/reading", {"header": "77"})
    assert "Choose from the lists." in browser.get("/contacts/").text


def test_the_result_file_of_a_report_with_titles_has_its_header_and_rows(world: World) -> None:
    content = f"Spring list,,\n\nContact ID,Mobile,Team\n7,{new_number()},ADM\n8,12,ADM\n".encode()
    done = run(world, content)
    assert counts(done) == (1, 0, 0, 1)
    (refused,) = problems(world, done)
    assert refused.startswith("Line 5: Mobile: “12” is not a phone number.")


def _book(*rows: tuple[object, ...], hidden: tuple[int, ...] = (), sheet: str = "People") -> Workbook:
    book = Workbook()
    made = book.active
    assert made is not None
    made.title = sheet
    for values in rows:
        made.append(values)
    for line in hidden:
        made.row_dimensions[line].hidden = True
    return book


def _saved(book: Workbook) -> bytes:
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_the_first_visible_sheet_is_read_and_hidden_ones_are_named_so(world: World) -> None:
    book = _book(("Mobile",), (new_number(),))
    lists = book.create_sheet("Lists", 0)
    lists.append(("Codes",))
    lists.append(("ADM",))
    lists.sheet_state = "veryHidden"
    import_id = upload(world, _saved(book), "people.xlsx")
    assert row(world, import_id).headers == ["Mobile"]
    page = world.sign_in("admin").get(f"/contacts/import/{import_id}/columns").text
    assert "Lists (hidden)" in page
    file = io.BytesIO(_saved(book))
    assert workbooks.first_visible(workbooks.sheets(file, LIMITS)) == "People"


def test_hidden_rows_are_counted_and_imported_only_where_a_person_says_so(world: World) -> None:
    numbers = [new_number() for _ in range(3)]
    book = _book(("Mobile", "Team"), *((number, "ADM") for number in numbers), hidden=(2, 4))
    import_id = upload(world, _saved(book), "people.xlsx")
    checked = check(world, import_id)
    assert (checked.rows_hidden, counts(checked)) == (2, (1, 0, 0, 2))
    browser = world.sign_in("admin")
    page = browser.get(f"/contacts/import/{import_id}").text
    assert "2 rows are hidden in the sheet" in page
    assert "Hidden in the sheet" in page
    assert browser.post(f"/contacts/import/{import_id}/hidden-rows", {"hidden": "include"}).status_code == 302
    assert counts(work(world, import_id)) == (3, 0, 0, 0)
    assert "They are imported like the others." in browser.get(f"/contacts/import/{import_id}").text
    browser.post(f"/contacts/import/{import_id}/hidden-rows", {"hidden": "leave_out"})
    work(world, import_id)
    start(world, import_id)
    assert counts(work(world, import_id)) == (1, 0, 0, 2)


def test_a_formula_that_is_only_a_text_is_that_text_in_both_sorts_of_file(world: World) -> None:
    one, two = new_number(), new_number()
    content = f'ContactId,Mobile,LastName\n="0012345",="{one}","=""O""""Hara"""\n'.encode()
    run(world, content, [world.team_id])
    book = _book(("ContactId", "Mobile", "LastName"), ('="00077"', two, "=1+1"))
    done = run(world, _saved(book), [world.team_id], name="people.xlsx")
    assert problems(world, done) == ["Line 2: LastName: This is a formula. Put its value in its place."]
    with world.session():
        (found,) = db.session.scalars(select(Contact).where(Contact.number == one))
        assert (found.external_id, found.last_name) == ("0012345", 'O"Hara')


def test_a_cell_of_spaces_beyond_the_header_refuses_nothing(world: World) -> None:
    done = run(world, f"Mobile,Team\n{new_number()},ADM,  , \n".encode())
    assert counts(done) == (1, 0, 0, 0)


def test_two_columns_of_one_name_are_in_the_way_only_of_who_wants_one(world: World) -> None:
    number = new_number()
    content = f"Mobile,Note,note,FirstName\n{number},a,b,Ann\n".encode()
    import_id = upload(world, content)
    browser = world.sign_in("admin")
    path = f"/contacts/import/{import_id}/columns"
    chosen = {"action": "check", "column-0": "number", "column-3": "first_name", "teams": str(world.team_id)}
    wanted = chosen | {"column-1": "last_name", "column-2": "skip"}
    answer = browser.post(path, wanted)
    assert answer.status_code == 422
    assert "Two columns are named “Note”. Rename one in the file, or leave both out." in answer.text
    left_out = chosen | {"column-1": "skip", "column-2": "skip"}
    assert browser.post(path, left_out).status_code == 302
    assert counts(work(world, import_id)) == (1, 0, 0, 0)


def test_control_characters_in_names_are_folded_as_in_the_forms(world: World) -> None:
    number = new_number()
    run(world, csv_of(("Ann\r\nMarie", "O\x1b\tNeil\x07", "7\n", number, "ADM", "")))
    browser = world.sign_in("admin")
    contact_id = world.contact_id(number)
    with world.session():
        imported = db.session.get_one(Contact, contact_id)
        assert (imported.first_name, imported.last_name, imported.external_id) == ("Ann Marie", "O Neil", "7")
    form = {"first_name": "Ann\r\nMarie", "last_name": "O\x1b\tNeil\x07", "external_id": "7\n"}
    assert browser.post(f"/contacts/{contact_id}/edit", form).status_code == 302
    with world.session():
        typed = db.session.get_one(Contact, contact_id)
        assert (typed.first_name, typed.last_name, typed.external_id) == ("Ann Marie", "O Neil", "7")
