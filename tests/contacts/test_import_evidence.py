"""How the people of a file agreed: by its columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.contacts.imports import service
from cadence_app.contacts.imports.models import Import
from cadence_app.contacts.imports.refusals import Choice, Kind
from cadence_app.extensions import db
from tests.contacts.agreed_rows import (
    NOTHING,
    STATED,
    evidence_of,
    file_of,
    number_of,
    rests_on,
)
from tests.contacts.importing import (
    HISTORY,
    check,
    counts,
    csv_of,
    everything,
    problems,
    run,
    start,
    upload,
    work,
)
from tests.contacts.test_import_number_stops import stopped
from tests.records.people import IN, OUT, add_number, known, opt
from tests.world import World, new_number


def test_a_row_with_columns_makes_one_row_of_evidence_that_says_exactly_what_it_says(world: World) -> None:
    number = new_number()
    cells = ("2026-03-03", "Paper", "You may text me.\nAna", "https://lakeside.example/join")
    done = run(world, file_of(("1", number, "ADM", "", *cells)), name="students.csv")
    contact_id = world.contact_id(number)
    (kept,) = evidence_of(world, contact_id)
    assert (kept.method, kept.way, kept.agreed_on, kept.agreed_at) == (
        *(Method.PAPER, Way.IMPORT, date(2026, 3, 3), None),
    )
    assert (kept.words, kept.page_url) == (cells[2], cells[3])
    assert (kept.origin, kept.collected_by, kept.number) == ("students.csv: Paper", "", number)
    assert (kept.user_id, kept.user_name, kept.team_id) == (world.admin_id, "Admin Person", world.team_id)
    assert (done.evidence, done.evidence_idle) == (1, 0)
    assert rests_on(world, contact_id) == [cells[2]]


@pytest.mark.parametrize(
    ("cells", "method", "origin", "agreed"),
    [
        (("2026-03-03", "", "", ""), Method.IMPORT, "people.csv", (date(2026, 3, 3), None)),
        (("", "Fall fair booth", "", ""), Method.IMPORT, "people.csv: Fall fair booth", (None, None)),
        (("", "", "I agree", ""), Method.IMPORT, "people.csv", (None, None)),
        (("", "", "", "https://a.example/"), Method.IMPORT, "people.csv", (None, None)),
        (
            # Half past one in UTC is the evening before in New York.
            *(("2026-03-04T01:30:00Z", "website", "", ""), Method.WEB_FORM, "people.csv: website"),
            (date(2026, 3, 3), datetime(2026, 3, 4, 1, 30, tzinfo=UTC)),
        ),
    ],
)
def test_any_one_column_is_enough_and_nothing_is_made_up_for_the_others(
    world: World, cells: Sequence[str], method: Method, origin: str, agreed: Any
) -> None:
    number = new_number()
    run(world, file_of(("", number, "ADM", "no", *cells)))
    (kept,) = evidence_of(world, world.contact_id(number))
    assert (kept.method, kept.origin, (kept.agreed_on, kept.agreed_at)) == (method, origin, agreed)


def test_a_row_without_any_makes_none(world: World) -> None:
    number = new_number()
    done = run(world, file_of(("1", number, "ADM", "no", *NOTHING)))
    assert (evidence_of(world, world.contact_id(number)), done.evidence) == ([], 0)


def test_a_consent_date_changes_no_status_and_no_time_of_one(world: World) -> None:
    first, second = known(world), world.add_contact()
    opt(world, second, OUT)
    before = [
        (each.id, each.status, each.changed_at) for who in (first, second) for each in world.history(who)
    ]
    numbers = [number_of(world, who) for who in (first, second)]
    done = run(world, file_of(*(("", number, "ADM", "", "2025-01-02", *NOTHING[1:]) for number in numbers)))
    after = [
        (each.id, each.status, each.changed_at) for who in (first, second) for each in world.history(who)
    ]
    assert (before, done.statuses_changed) == (after, 0)
    assert (done.evidence, done.evidence_idle, done.rows_updated) == (2, 1, 2)


def test_a_bad_cell_refuses_its_row_in_the_check_and_nothing_applies_before(world: World) -> None:
    rows = [
        ("1", new_number(), "ADM", "no", "2999-01-01", "", "", ""),
        ("2", new_number(), "ADM", "no", "1990-01-01", "", "", ""),
        ("3", new_number(), "ADM", "no", "soon", "", "", ""),
        ("4", new_number(), "ADM", "no", "", "", "", "javascript:alert(1)"),
        ("5", new_number(), "ADM", "no", "", "", "=1+1", ""),
        ("6", new_number(), "ADM", "no", "", "", "x" * 4_001, ""),
        ("7", new_number(), "ADM", "no", "", "", "a\x07b", ""),
        ("8", new_number(), "ADM", "no", "", "@SUM(1)", "+1 yes", ""),
    ]
    import_id = upload(world, file_of(*rows))
    checked = check(world, import_id)
    assert (counts(checked), checked.evidence) == ((1, 0, 0, 7), 1)
    assert checked.refusals == {"bad_consent": 6, "formula": 1}
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Evidence)) == 0
    start(world, import_id)
    done = work(world, import_id)
    said = problems(world, done)
    assert said[0] == ("Line 2: ConsentDate: “2999-01-01” is still to come, so nobody can have agreed then.")
    assert "Line 3: ConsentDate: “1990-01-01” is before December 3, 1992" in said[1]
    (kept,) = evidence_of(world, world.contact_id(rows[7][1]))
    assert (kept.words, kept.origin) == ("+1 yes", "people.csv: @SUM(1)")


def test_what_names_no_team_is_refused_and_not_put_into_one(world: World) -> None:
    contact_id = known(world, external_id="7")
    done = run(world, file_of(("7", "", "", "", "2026-01-02", "", "", "")))
    assert (counts(done), evidence_of(world, contact_id)) == ((0, 0, 0, 1), [])
    assert problems(world, done) == ["Line 2: ConsentDate: Names no team to whose texts they agreed."]


def test_who_is_out_after_the_file_keeps_what_it_said_and_no_consent_rests_on_it(world: World) -> None:
    said_stop, out, new = new_number(), new_number(), new_number()
    world.text(said_stop, "Hello")
    world.text(said_stop, "STOP")
    done = run(
        world,
        file_of(
            ("", said_stop, "ADM", "no", "2026-01-02", "", "stopped", ""),
            ("", out, "ADM", "yes", "2026-01-02", "", "out", ""),
            ("", new, "ADM", "no", "2026-01-02", "", "in", ""),
        ),
    )
    assert (done.evidence, done.evidence_idle) == (3, 2)
    for number, rests in ((said_stop, []), (out, []), (new, ["in"])):
        contact_id = world.contact_id(number)
        assert len(evidence_of(world, contact_id)) == 1
        assert rests_on(world, contact_id) == rests
    page = world.sign_in("admin").get(f"/contacts/import/{done.id}").text
    assert "Evidence recorded" in page
    assert "2 rows of evidence were kept for people who are opted out" in page


def test_what_they_agreed_to_before_they_opted_out_is_counted_as_idle(world: World) -> None:
    contact_id = known(world)
    opt(world, contact_id, OUT)
    done = run(world, file_of(("", number_of(world, contact_id), "ADM", "no", "2020-01-02", "", "", "")))
    assert (world.status(contact_id), done.evidence, done.evidence_idle) == (IN, 1, 1)
    assert rests_on(world, contact_id) == []


def test_the_check_counts_what_the_import_records(world: World) -> None:
    inside, number = known(world), new_number()
    rows = file_of(
        ("", number_of(world, inside), "ADM", "yes", "2026-01-02", "", "", ""),
        ("", number, "ADM;AID", "no", "2026-01-02", "", "", ""),
        ("", new_number(), "ADM", "no", *NOTHING),
    )
    import_id = upload(world, rows)
    checked = check(world, import_id)
    start(world, import_id)
    done = work(world, import_id)
    assert (checked.evidence, checked.evidence_idle) == (done.evidence, done.evidence_idle) == (3, 1)


def test_the_same_file_again_records_nothing_a_second_time(world: World) -> None:
    out, number = known(world), new_number()
    opt(world, out, OUT)
    rows = file_of(
        ("", number, "ADM", "no", "2026-01-02T10:00:00Z", "Paper", "Yes", "https://a.example/"),
        ("", number_of(world, out), "ADM", "", "2026-01-02", "", "", ""),
    )
    assert run(world, rows).evidence == 2
    before = everything(world)
    again = run(world, rows)
    assert (counts(again), again.evidence, everything(world)) == ((0, 0, 2, 0), 0, before)
    # Another file's name, word or day is something else.
    assert run(world, rows, name="other.csv").evidence == 2
    assert len(evidence_of(world, world.contact_id(number))) == 2


def test_what_a_consent_before_rested_on_is_recorded_anew_for_the_one_they_give_now(world: World) -> None:
    number = new_number()
    run(world, file_of(("", number, "ADM", "no", "", "", "Yes", "")))
    contact_id = world.contact_id(number)
    opt(world, contact_id, OUT)
    assert run(world, file_of(("", number, "ADM", "", "", "", "Yes", ""))).evidence == 0
    assert run(world, file_of(("", number, "ADM", "no", "", "", "Yes", ""))).evidence == 1
    assert rests_on(world, contact_id) == ["Yes"]
    assert run(world, file_of(("", number, "ADM", "no", "", "", "Yes", ""))).evidence == 0


def test_equal_rows_and_equal_teams_make_one_row_for_each_team(world: World) -> None:
    number = new_number()
    cells = ("2026-01-02", "Paper", "", "")
    done = run(world, file_of(("", number, "ADM;AID;ADM", "no", *cells), ("", number, "ADM", "no", *cells)))
    assert (done.evidence, done.rows_refused) == (2, 1)
    assert {each.team_id for each in evidence_of(world, world.contact_id(number))} == {
        *(world.team_id, world.other_team_id)
    }


def test_what_is_said_of_another_number_of_theirs_is_not_recorded_and_the_row_told_so(world: World) -> None:
    contact_id, other = known(world), new_number()
    add_number(world, contact_id, other)
    done = run(world, file_of(("", other, "ADM", "", "2026-01-02", "", "", "")))
    assert (evidence_of(world, contact_id), done.evidence) == ([], 0)
    assert problems(world, done) == [
        "Line 2: How they agreed is not recorded: it is said of another number than they are texted at."
    ]


def test_who_gets_another_number_rests_on_what_the_row_says_only_where_it_opts_them_in(world: World) -> None:
    first, second = known(world, external_id="1"), known(world, external_id="2")
    numbers = new_number(), new_number()
    done = run(
        world,
        file_of(
            ("1", numbers[0], "ADM", "", "2026-01-02", "", "kept", ""),
            ("2", numbers[1], "ADM", "no", "2026-01-02", "", "agreed", ""),
        ),
    )
    assert (world.status(first), world.status(second)) == (OUT, IN)
    assert (done.evidence, done.evidence_idle) == (2, 1)
    (kept,), (agreed,) = evidence_of(world, first), evidence_of(world, second)
    assert (kept.number, agreed.number) == numbers
    assert (rests_on(world, first), rests_on(world, second)) == ([], ["agreed"])


def test_whoever_is_ticked_as_agreed_rests_on_their_row_too_and_the_reason_stays(world: World) -> None:
    number = stopped(world)
    import_id = upload(world, file_of(("1", number, "ADM", "no", "2026-01-02", "Paper", "Form 12", "")))
    checked = check(world, import_id)
    assert (checked.evidence, checked.evidence_idle) == (1, 1)
    browser = world.sign_in("admin")
    form = {"agreed": "2", "agreed_reason": "They signed.", "signed": "y", "statement": STATED}
    browser.post(f"/contacts/import/{import_id}/start", form)
    done = work(world, import_id)
    contact_id = world.contact_id(number)
    assert (world.history(contact_id)[0].reason, world.status(contact_id)) == ("They signed.", IN)
    assert rests_on(world, contact_id) == ["Form 12"]
    assert (done.evidence, done.evidence_idle) == (1, 0)


def test_a_choice_for_a_refused_row_records_nothing_of_how_they_agreed(world: World) -> None:
    contact_id = known(world, external_id="1")
    import_id = upload(world, file_of(("1", "12", "ADM", "", "2026-01-02", "Paper", "Yes", "")))
    check(world, import_id)
    with world.session():
        admin, imported = db.session.get_one(User, world.admin_id), db.session.get_one(Import, import_id)
        assert service.choose(admin, imported, Kind.BAD_NUMBER, Choice.UPDATE, None) == 1
    start(world, import_id)
    assert (work(world, import_id).evidence, evidence_of(world, contact_id)) == (0, [])


def test_of_a_history_only_the_last_word_on_a_person_and_team_tells_how_they_agreed(world: World) -> None:
    number, gone = new_number(), new_number()
    header = (*HISTORY, "ConsentText")
    rows = (
        ("A", "", "1", "ADM", number, "Opted In", "2020-01-01T00:00:00Z", "before"),
        ("A", "", "1", "ADM", number, "Opted Out", "2021-01-01T00:00:00Z", ""),
        ("A", "", "1", "ADM", number, "Opted In", "2022-01-01T00:00:00Z", "since"),
        ("A", "", "1", "AID", number, "Opted In", "2019-01-01T00:00:00Z", "aid"),
        ("B", "", "2", "ADM", gone, "Opted In", "2020-01-01T00:00:00Z", "was in"),
        ("B", "", "2", "ADM", gone, "Opted Out", "2021-01-01T00:00:00Z", ""),
    )
    done = run(world, csv_of(*rows, header=header))
    assert (done.evidence, done.evidence_idle) == (2, 0)
    kept = {(each.team_id, each.words) for each in evidence_of(world, world.contact_id(number))}
    assert kept == {(world.team_id, "since"), (world.other_team_id, "aid")}
    assert evidence_of(world, world.contact_id(gone)) == []
    assert run(world, csv_of(*rows, header=header)).evidence == 0


def test_an_opt_out_that_is_older_than_what_is_here_carries_no_consent(world: World) -> None:
    contact_id = known(world)
    header = (*HISTORY, "ConsentDate")
    line = (
        "A",
        "",
        "",
        "ADM",
        number_of(world, contact_id),
        "Opted Out",
        "2021-01-01T00:00:00Z",
        "2020-01-01",
    )
    done = run(world, csv_of(line, header=header))
    assert (world.status(contact_id), done.evidence) == (IN, 0)


def test_a_workbook_s_dates_are_days_and_its_times_instants(world: World) -> None:
    day, instant = new_number(), new_number()
    made, book = io.BytesIO(), Workbook()
    book.active.append(("Mobile", "Team", "Consent Date", "Consent Method"))
    book.active.append((day, "ADM", date(2026, 3, 3), "verbal"))
    book.active.append((instant, "ADM", datetime(2026, 3, 3, 14, 30), "Online form"))
    book.save(made)
    run(world, made.getvalue(), name="signed.xlsx")
    (first,), (second,) = (evidence_of(world, world.contact_id(each)) for each in (day, instant))
    assert (first.agreed_on, first.agreed_at, first.method) == (date(2026, 3, 3), None, Method.SPOKEN)
    assert (second.agreed_at, second.method) == (datetime(2026, 3, 3, 14, 30, tzinfo=UTC), Method.WEB_FORM)
