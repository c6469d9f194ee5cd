"""What an admin signs for a whole file, and files that come twice, are cut off or wait."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import AuditEntry
from cadence_app.consent.evidence_models import Method, Way
from cadence_app.contacts.imports import applying
from cadence_app.contacts.imports.models import ImportRow
from cadence_app.extensions import db
from cadence_app.reports.kinds.imports import IMPORT_LOG
from tests.contacts.agreed_rows import (
    NOTHING,
    STATED,
    evidence_of,
    file_of,
    number_of,
    rests_on,
    signed,
)
from tests.contacts.importing import (
    check,
    counts,
    csv_of,
    row,
    run,
    start,
    upload,
    work,
)
from tests.records.people import IN, erase, known, opt
from tests.reports import exporting
from tests.world import World, new_number


def test_what_is_signed_is_for_whoever_is_in_and_of_whom_the_file_says_nothing(world: World) -> None:
    numbers = {name: new_number() for name in ("new", "inside", "said", "out", "stopped", "team")}
    inside = world.add_contact(numbers["inside"])
    opt(world, inside, IN)
    world.text(numbers["stopped"], "STOP")
    done = signed(
        world,
        file_of(
            ("", numbers["new"], "ADM", "no", *NOTHING),
            ("", numbers["inside"], "ADM", "", *NOTHING),
            ("", numbers["said"], "ADM", "", "2026-01-02", "", "own", ""),
            ("", numbers["out"], "ADM", "yes", *NOTHING),
            ("", numbers["stopped"], "ADM", "no", *NOTHING),
            ("bad", "12", "ADM", "", *NOTHING),
        ),
        on=date(2026, 2, 1),
    )
    assert (done.evidence, done.evidence_idle) == (3, 0)
    for name in ("new", "inside"):
        (kept,) = evidence_of(world, world.contact_id(numbers[name]))
        assert (kept.method, kept.words, kept.origin) == (Method.IMPORT, STATED, "roster.csv")
        assert (kept.agreed_on, kept.agreed_at, kept.collected_by) == (date(2026, 2, 1), None, "")
        assert (kept.user_id, kept.way) == (world.admin_id, Way.IMPORT)
    assert rests_on(world, world.contact_id(numbers["said"])) == ["own"]
    assert evidence_of(world, world.contact_id(numbers["out"])) == []
    assert evidence_of(world, world.contact_id(numbers["stopped"])) == []


def test_what_is_signed_twice_is_recorded_once(world: World) -> None:
    number = new_number()
    content = csv_of(("A", "", "", number, "ADM", ""))
    assert signed(world, content).evidence == 1
    again = signed(world, content)
    assert (again.evidence, counts(again)) == (0, (0, 0, 1, 0))
    assert signed(world, content, "Something else.").evidence == 1


@pytest.mark.parametrize("mode", ["world", "legacy_world"])
def test_an_admin_signs_on_the_page_and_it_stands_with_the_import(
    mode: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(mode)
    number = new_number()
    import_id = upload(world, csv_of(("A", "", "", number, "ADM", "")))
    check(world, import_id)
    browser, path = world.sign_in("admin"), f"/contacts/import/{import_id}/start"
    page = browser.get(f"/contacts/import/{import_id}").text
    assert "I, Admin Person, state that the people in this file agreed" in page
    for form, why in (
        ({"signed": "y"}, "Write how the people in this file agreed."),
        ({"statement": STATED}, "Sign it by checking this box"),
        ({"statement_on": "2026-01-02"}, "Write how they agreed too"),
        ({"signed": "y", "statement": STATED, "statement_on": "2999-01-01"}, "still to come"),
        ({"signed": "y", "statement": STATED, "statement_on": "1990-01-01"}, "from December 3, 1992 on"),
        ({"signed": "y", "statement": STATED, "statement_on": "soon"}, "Enter a date"),
        ({"signed": "y", "statement": "x" * 4_001}, "4000 characters"),
        ({"signed": "y", "statement": "a\x00"}, "stored"),
    ):
        answer = browser.post(path, form)
        assert (answer.status_code, why in answer.text) == (422, True), why
    assert world.sign_in("agent").post(path, {"signed": "y", "statement": STATED}).status_code == 403
    assert row(world, import_id).state == "ready"
    signed = {"signed": "y", "statement": "On paper,\r\n<b>all</b>", "statement_on": "2026-01-02"}
    assert browser.post(path, signed).status_code == 302
    work(world, import_id)
    page = browser.get(f"/contacts/import/{import_id}").text
    assert "On paper,\n&lt;b&gt;all&lt;/b&gt;" in page
    assert "Admin Person. They agreed on Jan 2, 2026." in page
    assert rests_on(world, world.contact_id(number)) == ["On paper,\n<b>all</b>"]
    with world.session():
        (entry,) = db.session.query(AuditEntry).filter_by(action="import.statement_signed")
    assert entry.changes == {
        "statement": [None, "On paper,\n<b>all</b>"],
        "agreed_on": [None, "2026-01-02"],
    }


@pytest.mark.parametrize(("mode", "team"), [("world", "TeamCode"), ("legacy_world", "DepartmentCode")])
def test_a_file_with_the_columns_and_no_row_is_there_to_be_filled_in(
    mode: str, team: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(mode)
    browser = world.sign_in("admin")
    assert 'href="/contacts/import/columns.csv"' in browser.get("/contacts/import/").text
    (names,) = browser.get("/contacts/import/columns.csv").data.decode("utf-8-sig").splitlines()
    assert team in names.split(",")
    number = new_number()
    filled = ("1", "Ann", "Lee", number, "ADM", "no", "fall", "2026-01-02", "Paper", "Yes", "")
    done = run(world, csv_of(filled, header=names.split(",")))
    assert (counts(done), done.evidence) == ((1, 0, 0, 0), 1)
    assert world.sign_in("agent").get("/contacts/import/columns.csv").status_code == 403


def test_the_import_log_tells_what_was_recorded_and_signed_where_it_is_asked_to(world: World) -> None:
    signed(world, csv_of(("A", "", "", new_number(), "ADM", "")), "=On paper", date(2026, 2, 1))
    extra = ("Evidence", "EvidenceIdle", "Statement", "StatementDate")
    exported = exporting.run(world, exporting.ask_for(world, kind=IMPORT_LOG, extra=extra))
    (_, line) = exporting.rows_of(exporting.attachment(exporting.mail_of(world, exported)))
    assert line[-4:] == ["1", "0", "'=On paper", "2026-02-01"]


def test_a_file_that_brings_nothing_new_can_still_be_signed(world: World) -> None:
    contact_id = known(world)
    import_id = upload(world, csv_of(("", "", "", number_of(world, contact_id), "ADM", "")))
    check(world, import_id)
    browser = world.sign_in("admin")
    page = browser.get(f"/contacts/import/{import_id}").text
    assert "There is nothing in this file that is not here already." in page
    assert "Start the import" in page
    browser.post(f"/contacts/import/{import_id}/start", {"signed": "y", "statement": STATED})
    assert (work(world, import_id).evidence, rests_on(world, contact_id)) == (1, [STATED])


def test_a_batch_that_is_cut_off_and_tried_again_records_nobody_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", 2)
    numbers = [new_number() for _ in range(6)]
    import_id = upload(
        world, file_of(*(("", each, "ADM", "no", "2026-01-02", "", "", "") for each in numbers))
    )
    check(world, import_id)
    start(world, import_id)
    with monkeypatch.context() as patched:
        calls: list[int] = []
        note = applying._note_held

        def broken(*arguments: Any) -> None:
            calls.append(1)
            if len(calls) == 2:
                raise OSError("the disk is full")
            note(*arguments)

        patched.setattr(applying, "_note_held", broken)
        cut = work(world, import_id)
    assert (cut.state, cut.evidence) == ("importing", 2)
    done = work(world, import_id)
    assert (done.state, done.evidence) == ("done", 6)
    assert [len(evidence_of(world, world.contact_id(each))) for each in numbers] == [1] * 6


@pytest.mark.parametrize("batch", [1, 100])
def test_people_who_swap_numbers_keep_each_their_own_once_whatever_a_batch_holds(
    world: World, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", batch)
    numbers = new_number(), new_number(), new_number()
    first, second = (known(world, external_id=each) for each in ("1", "2"))
    run(world, csv_of(("A", "", "1", numbers[0], "ADM", "no"), ("B", "", "2", numbers[1], "ADM", "no")))
    rows = (
        ("1", numbers[1], "ADM", "no", "2026-01-02", "", "first", ""),
        ("2", numbers[2], "ADM", "no", "2026-01-03", "", "second", ""),
    )
    done = run(world, file_of(*rows))
    assert (done.evidence, done.evidence_idle) == (2, 0)
    assert [(each.words, each.number) for each in evidence_of(world, first)] == [("first", numbers[1])]
    assert [(each.words, each.number) for each in evidence_of(world, second)] == [("second", numbers[2])]


def test_who_is_erased_while_a_file_waits_is_cleared_from_what_it_says(world: World) -> None:
    number = new_number()
    contact_id = world.add_contact(number)
    opt(world, contact_id, IN)
    import_id = upload(world, file_of(("", number, "ADM", "", "2026-01-02", "Booth", "their words", "")))
    check(world, import_id)
    with world.session():
        assert db.session.scalars(select(ImportRow.given)).one()
    erase(world, contact_id)
    with world.session():
        assert db.session.scalars(select(ImportRow.given)).one() is None
    start(world, import_id)
    done = work(world, import_id)
    assert (done.evidence, done.rows_refused) == (0, 1)
