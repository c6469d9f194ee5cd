"""Contacts > Import as its users meet it."""

from __future__ import annotations

import io
import re

import pytest
from werkzeug.test import TestResponse

from cadence_app.accounts.models import AuditEntry
from cadence_app.extensions import db
from tests.contacts.importing import check, csv_of, upload, work
from tests.records.people import IN, erase, opt
from tests.world import Browser, World, make_world, new_number


def _send(browser: Browser, content: bytes, name: str = "people.csv") -> TestResponse:
    return browser.post(
        "/contacts/import/", {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data"
    )


def _id_of(answer: TestResponse) -> int:
    assert answer.status_code == 302, answer.text
    found = re.search(r"/contacts/import/(\d+)", answer.location)
    assert found
    return int(found[1])


def test_an_admin_goes_through_the_steps_without_scripts(world: World) -> None:
    number = new_number()
    browser = world.sign_in("admin")
    assert 'href="/contacts/import/"' in browser.get("/contacts/").text
    content = csv_of(("Zoë", "O'Brien", "1", number, "ADM", "no"), ("Bad", "", "2", "12", "ADM", "maybe"))
    import_id = _id_of(_send(browser, content))
    assert "Being read" in browser.get(f"/contacts/import/{import_id}").text
    work(world, import_id)
    page = browser.get(f"/contacts/import/{import_id}", follow_redirects=True).text
    assert "Zoë" in page
    assert re.search(r'<option selected value="external_id">', page)
    chosen = {
        f"column-{n}": kind
        for n, kind in enumerate(("first_name", "last_name", "external_id", "number", "teams", "opted_out"))
    }
    answer = browser.post(f"/contacts/import/{import_id}/columns", {"action": "check", **chosen})
    assert answer.status_code == 302
    assert "Waiting for its turn" in browser.get(f"/contacts/import/{import_id}").text
    work(world, import_id)
    page = browser.get(f"/contacts/import/{import_id}").text
    assert "Look before you start" in page
    assert "“12” is not a phone number." in page
    assert "“maybe” is none of" in page
    assert browser.post(f"/contacts/import/{import_id}/start").status_code == 302
    assert "HX-Refresh" not in browser.get(f"/contacts/import/{import_id}/progress").headers
    work(world, import_id)
    assert browser.get(f"/contacts/import/{import_id}/progress").headers["HX-Refresh"] == "true"
    assert "Import done" in browser.get(f"/contacts/import/{import_id}").text
    file = browser.get(f"/contacts/import/{import_id}/refused.csv")
    assert "attachment" in file.headers["Content-Disposition"]
    lines = file.data.decode("utf-8-sig").splitlines()
    assert lines[0].endswith(",OptedOut,Problem")
    assert lines[1].startswith("Bad,,2,12,ADM,maybe,")
    assert "people.csv" in browser.get("/contacts/import/").text
    with world.session():
        actions = [each.action for each in db.session.query(AuditEntry).order_by(AuditEntry.id)]
    assert actions == ["user.signed_in", "import.started", "import.finished", "import.refused_downloaded"]


@pytest.mark.parametrize("navigation", ["teams", "legacy"])
def test_problems_are_summed_up_at_the_top_and_refused_rows_come_before_the_import(
    world: World, navigation: str
) -> None:
    own = world if navigation == "teams" else make_world(world.app, navigation)
    import_id = upload(
        own,
        csv_of(
            ("Ann", "", "1", new_number(), "ADM", "no"),
            ("=HYPERLINK(1)", "", "2", "12", "ADM", "no"),
            ("Bo", "", "3", "3.03555E9", "ADM", "no"),
            ("Cy", "", "4", new_number(), "NOPE", "no"),
        ),
    )
    checked = check(own, import_id)
    assert checked.rows_refused == 3
    browser = own.sign_in("admin")
    page = browser.get(f"/contacts/import/{import_id}").text
    assert page.index("3 rows cannot be imported") < page.index("First rows")
    assert all(f"Line {line}: " in page for line in (3, 5))
    assert f"/contacts/import/{import_id}?kind=bad_number#problems" in page
    word = "team" if navigation == "teams" else "department"
    assert f"Press Change columns and choose a {word} for each code." in page
    lines = browser.get(f"/contacts/import/{import_id}/refused.csv").data.decode("utf-8-sig").splitlines()
    assert lines[0].endswith(",Problem")
    assert [line.split(",")[0] for line in lines[1:]] == ["'=HYPERLINK(1)", "Bo", "Cy"]
    assert "Line 4: MobileNumber: “3.03555E9” is not a phone number." in lines[2]


def test_refused_rows_before_the_import_are_told_without_who_was_erased_since(world: World) -> None:
    number = new_number()
    contact_id = world.add_contact(number, external_id="777")
    opt(world, contact_id, IN)
    import_id = upload(
        world,
        csv_of(
            ("Zelda", "Gone", "777", number, "ADM", "perhaps"),
            ("Bo", "", "2", number, "ADM", "no"),
            ("Cy", "", "4", "12", "ADM", "no"),
        ),
    )
    check(world, import_id)
    browser = world.sign_in("admin")
    path = f"/contacts/import/{import_id}/refused.csv"
    assert "Zelda" in browser.get(path).text
    erase(world, contact_id)
    told = browser.get(path).text
    assert not any(each in told for each in ("Zelda", "777", number, number.removeprefix("+1")))
    assert "Line 2: " in told
    assert "This person was erased" in told
    assert "Line 4: MobileNumber: “12” is not a phone number." in told


def test_nothing_is_to_download_of_a_file_whose_columns_are_chosen_anew(world: World) -> None:
    import_id = upload(world, csv_of(("Cy", "", "4", "12", "ADM", "no")))
    check(world, import_id)
    browser = world.sign_in("admin")
    assert browser.get(f"/contacts/import/{import_id}/refused.csv").status_code == 200
    browser.post(f"/contacts/import/{import_id}/change-columns")
    assert browser.get(f"/contacts/import/{import_id}/refused.csv").status_code == 404


def test_a_large_file_is_taken_from_admins_and_from_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("A" * 150, "B" * 150, str(n), f"+1212555{n:04}", "ADM", "") for n in range(9000)]
    content = csv_of(*rows)
    assert len(content) > world.app.config["MAX_CONTENT_LENGTH"]
    admin = world.sign_in("admin")
    assert _send(admin, content).status_code == 302
    monkeypatch.setitem(world.app.config, "IMPORT_MAX_BYTES", 1000)
    assert _send(admin, content).status_code == 413
    assert _send(world.sign_in("agent"), content).status_code == 413


def test_only_admins_of_the_organisation_get_in(world: World, legacy_world: World) -> None:
    import_id = upload(world, csv_of(("A", "", "1", new_number(), "ADM", "")))
    pages: tuple[str, ...] = ("/contacts/import/", "/contacts/import/list", f"/contacts/import/{import_id}")
    pages += tuple(f"/contacts/import/{import_id}/{step}" for step in ("columns", "progress", "refused.csv"))
    posts = [
        f"/contacts/import/{import_id}/{step}"
        for step in ("columns", "reading", "start", "cancel", "change-columns", "resume")
    ]
    agent, other = world.sign_in("agent"), legacy_world.sign_in("admin")
    assert 'href="/contacts/import/"' not in agent.get("/contacts/").text
    nobody = Browser(world.app.test_client())
    for page in pages:
        assert agent.get(page).status_code == 403, page
        assert nobody.get(page).status_code == 302, page
    for page in pages[2:]:
        assert other.get(page).status_code == 404, page
    for path in posts:
        assert agent.post(path).status_code == 403, path
        assert other.post(path).status_code == 404, path
    assert world.sign_in("admin").client.post(posts[3]).status_code == 400


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (("first_name", "first_name", "number"), "FirstName is that already."),
        (("first_name", "last_name", "skip"), "Choose which column is the ContactId or the mobile number."),
        (("first_name", "last_name", "number"), "Choose a department: no column names one."),
        (("first_name", "field:99999", "number"), "Not a valid choice"),
        (("first_name", "\x00", "number"), "Not a valid choice"),
    ],
)
def test_columns_that_make_no_sense_are_told_at_their_place(
    legacy_world: World, chosen: tuple[str, ...], said: str
) -> None:
    content = csv_of(("A", "B", new_number()), header=("FirstName", "LastName", "Mobile"))
    import_id = upload(legacy_world, content)
    browser = legacy_world.sign_in("admin")
    form = {f"column-{n}": kind for n, kind in enumerate(chosen)}
    answer = browser.post(f"/contacts/import/{import_id}/columns", {"action": "check", **form})
    assert answer.status_code == 422
    assert said in answer.text


def test_another_delimiter_reads_the_file_anew(world: World) -> None:
    import_id = upload(world, b"First Name|Cell\nA|" + new_number().encode() + b"\n")
    browser = world.sign_in("admin")
    assert "import first name as" in browser.get(f"/contacts/import/{import_id}/columns").text.lower()
    form = {"encoding": "cp1252", "delimiter": ","}
    browser.post(f"/contacts/import/{import_id}/reading", form)
    work(world, import_id)
    assert "First Name|Cell" in browser.get(f"/contacts/import/{import_id}/columns").text
    for hostile in ({"encoding": "rot13", "delimiter": ","}, {"encoding": "\x00", "delimiter": ""}):
        assert browser.post(f"/contacts/import/{import_id}/reading", hostile).status_code == 302
    assert "Choose from the lists." in browser.get(f"/contacts/import/{import_id}/columns").text


def test_columns_are_remembered_for_the_next_file(world: World) -> None:
    header = ("Their phone", "Word")
    content = csv_of((new_number(), "x"), header=header)
    browser = world.sign_in("admin")
    import_id = _id_of(_send(browser, content))
    work(world, import_id)
    form = {"action": "check", "column-0": "number", "column-1": "new", "teams": [str(world.team_id)]}
    assert browser.post(f"/contacts/import/{import_id}/columns", form).status_code == 302
    work(world, import_id)
    assert browser.post(f"/contacts/import/{import_id}/start").status_code == 302
    import_id = _id_of(_send(browser, content))
    work(world, import_id)
    page = browser.get(f"/contacts/import/{import_id}/columns").text
    assert re.search(r'<option selected value="number">', page)
    assert re.search(r'<option selected value="field:\d+">Word', page)


def test_lifting_stops_takes_the_tick_and_the_reason(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "STOP")
    browser = world.sign_in("admin")
    import_id = upload(world, csv_of(("", "", "", number, "ADM", "no")))
    form = {"action": "check"} | {
        f"column-{n}": kind
        for n, kind in enumerate(("first_name", "last_name", "external_id", "number", "teams", "opted_out"))
    }
    browser.post(f"/contacts/import/{import_id}/columns", form)
    work(world, import_id)
    path = f"/contacts/import/{import_id}/start"
    assert "1 opt in is held back" in browser.get(f"/contacts/import/{import_id}").text
    for refused in (
        {"lift_stops": "y"},
        {"stop_reason": "They asked."},
        {"lift_stops": "y", "stop_reason": "\x00"},
    ):
        assert browser.post(path, refused).status_code == 422
    assert browser.post(path, {"lift_stops": "y", "stop_reason": "They asked."}).status_code == 302
    work(world, import_id)
    assert world.status(world.contact_id(number)) == "opted_in"
    with world.session():
        entries = {each.action: each.changes for each in db.session.query(AuditEntry)}
    assert entries["import.lifts_stops"] == {"reason": [None, "They asked."]}


def test_a_draft_can_be_discarded_and_nothing_started_twice(world: World) -> None:
    browser = world.sign_in("admin")
    import_id = upload(world, csv_of(("A", "", "1", new_number(), "ADM", "")))
    assert browser.post(f"/contacts/import/{import_id}/start").status_code == 302
    assert browser.post(f"/contacts/import/{import_id}/cancel").status_code == 302
    assert "Import cancelled" in browser.get(f"/contacts/import/{import_id}").text
    assert browser.post(f"/contacts/import/{import_id}/start").status_code == 302
    assert "Import cancelled" in browser.get(f"/contacts/import/{import_id}").text
    assert browser.get("/contacts/import/999999999").status_code == 404
    assert browser.get(f"/contacts/import/{import_id}?after=99999999999999999999999").status_code == 200
