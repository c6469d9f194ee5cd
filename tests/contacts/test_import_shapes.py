"""Files as people's systems write them: titles above the header, hidden sheets and rows, histories of
statuses, and what a person chooses about all of these."""

from __future__ import annotations

import io
import re
from datetime import datetime

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from cadence_app.consent.models import Status
from cadence_app.contacts.imports import reading, workbooks
from cadence_app.contacts.imports.models import Import
from cadence_app.contacts.models import Contact, Tag
from cadence_app.extensions import db
from tests.contacts.importing import (
    check,
    counts,
    csv_of,
    everything,
    problems,
    row,
    run,
    start,
    upload,
    work,
)
from tests.contacts.test_import_files import LIMITS
from tests.records.people import IN, OUT, current_numbers, opt
from tests.world import Browser, World, new_number

KNOWN = {"contactid", "firstname", "mobile", "team", "status", "statusdate"}
HISTORY = ("FirstName", "LastName", "ContactId", "DepartmentCode", "MobileNumber", "Status", "StatusDate")


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
    assert refused.startswith("Line 5: Mobile: “12” is no phone number.")


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


def _columns(browser: Browser, world: World, import_id: int, **codes: str) -> Import:
    """Takes the suggested columns with these teams for codes, and checks."""
    kinds = [each["kind"] for each in row(world, import_id).columns]
    form = {"action": "check"} | {f"column-{number}": kind for number, kind in enumerate(kinds)} | codes
    answer = browser.post(f"/contacts/import/{import_id}/columns", form)
    assert answer.status_code == 302, answer.text
    return work(world, import_id)


def test_a_history_is_read_as_one_and_unknown_codes_are_chosen_once(world: World) -> None:
    one, two = new_number(), new_number()
    content = csv_of(
        ("Jo", "Park", "L1", "Athletics", one, "Opted Out", "2026-03-01T12:00:00Z"),
        ("Lu", "Diaz", "L2", "Athletics", two, "Opted In", "2026-03-01T12:00:00Z"),
        ("Jo", "Park", "L1", "ADM", one, "opted in", "3/2/2026 4:05 PM"),
        header=HISTORY,
    )
    import_id = upload(world, content)
    assert [each["kind"] for each in row(world, import_id).columns][-2:] == ["status", "status_date"]
    browser = world.sign_in("admin")
    assert "Athletics" in browser.get(f"/contacts/import/{import_id}/columns").text
    refused = _columns(browser, world, import_id)
    assert (refused.unknown_codes, refused.refusals) == ({"Athletics": 2}, {"unknown_team": 2})
    browser.post(f"/contacts/import/{import_id}/change-columns")
    checked = _columns(browser, world, import_id, **{"code-0": str(world.other_team_id)})
    assert checked.rows_refused == 0
    start(world, import_id)
    assert work(world, import_id).state == "done"
    first, second = world.contact_id(one), world.contact_id(two)
    assert [world.status(first, each) for each in (world.team_id, world.other_team_id)] == [IN, OUT]
    assert world.status(second, world.other_team_id) == IN
    # The next file has the same code.
    page = browser.get(f"/contacts/import/{upload(world, content)}/columns").text
    assert re.search(rf'<option selected value="{world.other_team_id}">', page)


def test_a_column_named_status_is_one_of_consent_only_beside_a_status_date(world: World) -> None:
    content = csv_of((new_number(), "Admitted"), header=("Mobile", "Status"))
    assert [each["kind"] for each in row(world, upload(world, content)).columns] == ["number", "skip"]


def test_what_can_not_be_read_in_a_history_is_refused_at_its_cell(world: World) -> None:
    later = datetime.now().year + 5
    content = csv_of(
        ("A", "", "1", "ADM", new_number(), "Opted", "2026-03-01"),
        ("B", "", "2", "ADM", new_number(), "Opted In", f"{later}-03-01"),
        ("C", "", "3", "ADM", new_number(), "Opted In", "soon"),
        header=HISTORY,
    )
    done = run(world, content)
    assert done.refusals == {"bad_status": 1, "bad_day": 2}
    assert problems(world, done)[0] == "Line 2: Status: “Opted” is neither Opted Out nor Opted In."


def test_opted_in_of_a_history_never_lifts_a_stop_whatever_is_ticked(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "STOP")
    contact_id = world.contact_id(number)
    content = csv_of(
        ("A", "", "", "ADM", number, "Opted In", datetime.now().isoformat()),
        header=HISTORY,
    )
    done = run(world, content, stop_reason="They signed a form.")
    assert (world.status(contact_id), done.opt_ins_held) == (Status.OPTED_OUT, 1)
    import_id = upload(world, content)
    check(world, import_id)
    assert 'name="lift_stops"' not in world.sign_in("admin").get(f"/contacts/import/{import_id}").text


def _family(number: str) -> bytes:
    header = ("FirstName", "ContactId", "MobileNumber", "Tags", "DepartmentCode")
    return csv_of(
        ("Pat", "P1", number, "", "ADM"),
        ("Kim", "P2", number, "Twin", "ADM;AID"),
        ("Lou", "P3", number, "", "ADM"),
        ("Pat", "P1", new_number(), "", "ADM"),
        ("X", "P9", "12", "", "ADM"),
        header=header,
    )


def test_refusals_are_grouped_by_kind_with_a_count_and_a_choice_for_all_or_one(world: World) -> None:
    number = new_number()
    content = _family(number)
    further = content.decode().splitlines()[4].split(",")[2]
    import_id = upload(world, content)
    checked = check(world, import_id)
    assert checked.refusals == {"same_number": 2, "same_id": 1, "bad_number": 1}
    browser = world.sign_in("admin")
    page = browser.get(f"/contacts/import/{import_id}").text
    assert "A mobile number that is in the file twice" in page
    assert "Add as a further number" in page
    path = f"/contacts/import/{import_id}/refused"
    for kind, choice, line in (
        ("same_number", "update", ""),
        ("same_number", "", "4"),
        ("same_id", "further", ""),
    ):
        assert browser.post(path, {"kind": kind, "choice": choice, "line": line}).status_code == 302
    page = browser.get(f"/contacts/import/{import_id}?kind=same_number").text
    assert "Update that person: 1 of 2" in page
    assert page.count('<option value="update" selected>') == 1
    start(world, import_id)
    done = work(world, import_id)
    assert (counts(done), done.refusals) == ((1, 2, 0, 2), {"same_number": 1, "bad_number": 1})
    contact_id = world.contact_id(number)
    assert current_numbers(world, contact_id) == {number, further}
    with world.session():
        contact = db.session.get_one(Contact, contact_id)
        assert (contact.first_name, contact.external_id, contact.number) == ("Kim", "P1", number)
        assert db.session.scalars(select(Tag.name)).all() == ["Twin"]
    # Kim's row names a team that Pat was not in.
    assert [(c.team_id, c.status) for c in world.history(contact_id)] == [(world.team_id, IN)]
    assert len(problems(world, done)) == 2


def test_a_choice_can_be_made_in_the_result_and_is_done_at_once(world: World) -> None:
    number = new_number()
    done = run(world, _family(number))
    contact_id = world.contact_id(number)
    before = world.history(contact_id)
    browser = world.sign_in("admin")
    page = browser.get(f"/contacts/import/{done.id}").text
    assert "A ContactId that is in the file twice" in page
    path = f"/contacts/import/{done.id}/refused"
    browser.post(path, {"kind": "same_number", "choice": "update", "line": "4"})
    again = work(world, done.id)
    assert (again.state, counts(again)) == ("done", (1, 1, 0, 3))
    with world.session():
        assert db.session.get_one(Contact, contact_id).first_name == "Lou"
    assert len(world.history(contact_id)) == len(before)
    assert len(problems(world, again)) == 3


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "bad_number", "choice": "further"},
        {"kind": "same_number", "choice": "further"},
        {"kind": "nothing", "choice": "update"},
        {"kind": "same_number", "choice": "opt_in"},
        {"kind": "same_number", "choice": "update", "line": "99999999999999999999"},
        {"kind": "same_number", "choice": "update", "line": "-1"},
        {},
    ],
)
def test_what_a_kind_does_not_allow_is_not_kept(world: World, form: dict[str, str]) -> None:
    import_id = upload(world, _family(new_number()))
    check(world, import_id)
    before = everything(world)
    browser = world.sign_in("admin")
    assert browser.post(f"/contacts/import/{import_id}/refused", form).status_code == 302
    assert "This can not be chosen for these rows." in browser.get("/contacts/").text
    start(world, import_id)
    assert counts(work(world, import_id)) == (1, 0, 0, 4)
    assert before != everything(world)


def test_a_choice_opts_nobody_in_or_out_and_gives_nobody_a_number_that_somebody_has(world: World) -> None:
    one, two = new_number(), new_number()
    first, second = world.add_contact(one, external_id="1"), world.add_contact(two, external_id="2")
    opt(world, first, OUT)
    import_id = upload(
        world,
        csv_of(("Uno", "", "1", two, "ADM;AID", "no"), ("", "", "1", two, "ADM", "no")),
    )
    check(world, import_id)
    browser = world.sign_in("admin")
    for kind, choice in (("number_taken", "update"), ("same_id", "further")):
        browser.post(f"/contacts/import/{import_id}/refused", {"kind": kind, "choice": choice})
    start(world, import_id)
    done = work(world, import_id)
    assert counts(done) == (0, 1, 0, 1)
    assert [world.status(each) for each in (first, second)] == [OUT, None]
    assert world.status(first, world.other_team_id) is None
    assert (current_numbers(world, first), current_numbers(world, second)) == ({one}, {two})
    with world.session():
        assert db.session.get_one(Contact, first).first_name == "Uno"
