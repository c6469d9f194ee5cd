"""How who is opted in agreed, as columns that a file has only where somebody asks for them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import evidence, evidence_basis, first_status
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Method, Way
from cadence_app.consent.models import Consent, OptOutChange, Status
from cadence_app.extensions import db
from cadence_app.reports.kinds import KINDS, OPT_OUT_HISTORY, Kind
from cadence_app.reports.models import Export, Format
from cadence_app.reports.ranges import today
from cadence_app.reports.writing import copy_statement
from tests.api.conftest import make_api, problem
from tests.records.people import merge
from tests.reports.exporting import (
    HEADER,
    agent_changes,
    ask_for,
    attachment,
    mail_of,
    rows_of,
    run,
)
from tests.world import World, new_number

_NAME = "HowTheyAgreed"
_COLUMNS = (
    *("ConsentMethod", "ConsentDate", "ConsentText", "ConsentUrl", "ConsentSha256"),
    *("CollectedBy", "EvidenceRecorded"),
)
_PAPER = Given(Method.PAPER, date(2026, 3, 3), words="Yes, text me", collected_by="Ana at the desk")
_asked = itertools.count(1)
_NONE = [""] * 7
_STATUS = KINDS["opt-out-status"]


def _add(world: World, given: Given | None, number: str | None = None, first_name: str = "Maya") -> int:
    contact_id = world.add_contact(number, first_name=first_name)
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        first_status.add_by_user(admin, contact_id, world.team_id, given=given)
        db.session.commit()
    return contact_id


def _give(world: World, contact_id: int, given: Given, at: datetime | None = None) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        evidence.record([(contact_id, world.team_id)], given, Way.RECORD, admin, at=at)
        db.session.commit()


def _file(world: World, kind: Kind = OPT_OUT_HISTORY) -> list[list[str]]:
    # Another first day each time, or it would be a second press of the same request.
    start = today(ZoneInfo("America/New_York")) - timedelta(days=next(_asked))
    done = run(world, ask_for(world, start, kind=kind, extra=(_NAME,)))
    return rows_of(attachment(mail_of(world, done)))


def _agreed(world: World, kind: Kind = OPT_OUT_HISTORY) -> list[list[str]]:
    """What the columns say of each row, without when it was recorded."""
    own = len(kind.columns)
    return [row[own : own + 6] for row in _file(world, kind)[1:]]


def test_they_come_after_the_seven_and_nothing_of_the_seven_changes(world: World) -> None:
    _add(world, _PAPER)
    classic = rows_of(attachment(mail_of(world, run(world, ask_for(world)))))
    header, row = _file(world)
    assert (tuple(header), header[:7], [row[:7]]) == ((*HEADER, *_COLUMNS), classic[0], classic[1:])
    assert row[7:13] == ["Paper form", "2026-03-03", "Yes, text me", "", "", "Ana at the desk"]
    assert datetime.strptime(row[13], "%Y-%m-%dT%H:%M:%SZ").date()


@pytest.mark.parametrize("kind", [OPT_OUT_HISTORY, _STATUS], ids=lambda kind: kind.key)
def test_without_them_the_statement_asks_nothing_of_evidence(world: World, kind: Kind) -> None:
    with world.session():
        asked = {}
        for extra in ((), (_NAME,)):
            export = db.session.get_one(Export, ask_for(world, kind=kind, extra=extra))
            asked[extra], _ = copy_statement(export, kind)
        assert "consent_evidence" in asked[_NAME,]
        assert "consent_evidence" not in asked[()]
        assert "LATERAL" not in asked[()]


def test_each_sort_of_opt_in_says_what_is_known_and_no_more(world: World) -> None:
    web = Given(
        *(Method.WEB_FORM, None, datetime(2026, 3, 4, 1, 30, tzinfo=UTC), "I agree"),
        *("https://lakeside.example/join", bytes(range(32)), "203.0.113.7", "The website"),
    )
    _add(world, None)
    _add(world, _PAPER)
    _add(world, web)
    number = new_number()
    world.text(number, "Hello, when do classes begin?")
    world.text(number, "STOP")
    with world.session():
        first = db.session.scalars(select(OptOutChange).where(OptOutChange.words.startswith("Hello"))).one()
        day = first.changed_at.astimezone(db.session.get_one(User, world.admin_id).tenant.zone).date()
    expected = [
        _NONE[:6],
        ["Paper form", "2026-03-03", "Yes, text me", "", "", "Ana at the desk"],
        [
            *("Web form", "2026-03-03", "I agree", "https://lakeside.example/join"),
            *(bytes(range(32)).hex(), "The website"),
        ],
        ["Text message", day.isoformat(), "Hello, when do classes begin?", "", "", ""],
        _NONE[:6],
    ]
    assert _agreed(world) == expected
    # Of now: who texted STOP rests on nothing.
    assert sorted(_agreed(world, _STATUS)) == sorted([*expected[:3], _NONE[:6]])


def test_the_latest_for_that_opt_in_counts_and_nothing_that_came_after_the_next_opt_out(world: World) -> None:
    contact_id = _add(world, _PAPER)
    _give(world, contact_id, replace(_PAPER, words="Once more"))
    agent_changes(world, contact_id, Status.OPTED_OUT)
    _give(world, contact_id, replace(_PAPER, words="While they were out"))
    agent_changes(world, contact_id, Status.OPTED_IN)
    # Agreed to before they opted out, and so no evidence of this one.
    _give(world, contact_id, replace(_PAPER, words="The old form again"))
    assert [row[2] for row in _agreed(world)] == ["Once more", "", ""]
    assert [row[2] for row in _agreed(world, _STATUS)] == [""]
    _give(world, contact_id, Given(Method.SPOKEN, words="By phone"))
    assert [row[2] for row in _agreed(world)] == ["Once more", "", "By phone"]
    assert [row[2] for row in _agreed(world, _STATUS)] == ["By phone"]


@pytest.mark.parametrize(("of_kept", "of_gone", "said"), [(None, _PAPER, ""), (_PAPER, None, "Paper form")])
def test_of_a_merged_person_the_status_rests_on_what_is_of_the_number_that_is_texted(
    world: World, of_kept: Given | None, of_gone: Given | None, said: str
) -> None:
    kept, gone = _add(world, of_kept, first_name="Kept"), _add(world, of_gone, first_name="Gone")
    merge(world, kept, gone)
    assert [row[0] for row in _agreed(world, _STATUS)] == [said]
    with world.session():
        assert bool(evidence_basis.basis_of(kept, world.team_id)) == bool(said)


def test_what_a_file_says_of_now_is_what_the_consent_rests_on(world: World) -> None:
    """The two say it by statements of their own."""
    number = new_number()
    world.text(number, "hi")
    ids = [world.contact_id(number), *(_add(world, given) for given in (None, _PAPER))]
    for contact_id in [_add(world, _PAPER), _add(world, None)]:
        agent_changes(world, contact_id, Status.OPTED_OUT)
        agent_changes(world, contact_id, Status.OPTED_IN)
        _give(world, contact_id, Given(Method.KEYWORD, words="JOIN"))
        ids.append(contact_id)
    merge(world, ids[1], ids[2])
    with world.session():
        rows = db.session.scalars(select(Consent).where(evidence_basis.rests_on_evidence()))
        resting = sorted(row.contact_id for row in rows if row.status == Status.OPTED_IN)
        said = []
        for contact_id in resting:
            basis = evidence_basis.basis_of(contact_id, world.team_id)
            last = basis.evidence[-1] if basis.evidence else None
            name = evidence.METHOD_NAMES[last.method] if last else ""
            said.append("Text message" if basis.text else name)
    assert sorted(row[0] for row in _agreed(world, _STATUS) if row[0]) == sorted(said)


def test_no_spreadsheet_runs_what_somebody_wrote(world: World) -> None:
    evil = "=HYPERLINK(1)"
    given = Given(Method.PAPER, words=evil, collected_by="@SUM(1)", page_url="\tx")
    _add(world, given)
    (row,) = _agreed(world)
    assert row == ["Paper form", "", f"'{evil}", "'\tx", "", "'@SUM(1)"]


def test_a_workbook_has_them_too(world: World) -> None:
    _add(world, _PAPER)
    done = run(world, ask_for(world, extra=(_NAME,), file_format=Format.XLSX))
    assert done.rows_written == 1


def test_the_mail_and_the_list_say_it_in_words(world: World, legacy_world: World) -> None:
    for here in (world, legacy_world):
        done = run(here, ask_for(here, extra=("Source", _NAME)))
        mail = mail_of(here, done)
        for part in ("plain", "html"):
            body = mail.get_body((part,))
            assert body is not None
            assert "Source, How they agreed" in body.get_content()
        page = here.sign_in("admin").get("/exports/list?kind=opt-out-history")
        assert page.status_code == 200, page.status
        assert "With Source, How they agreed" in page.text


def test_a_program_asks_for_them_by_name_and_gets_no_column_that_the_kind_has_not(world: World) -> None:
    api = make_api(world)
    body = {"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": "2026-12-31"}
    made = api.post("/exports", json=body | {"extra_columns": [_NAME, "Source"]})
    assert (made.status_code, made.get_json()["extra_columns"]) == (202, ["Source", _NAME])
    assert api.post("/exports", json=body).get_json()["extra_columns"] == []
    for columns, pointer in ((["FileSHA256"], "/extra_columns/0"), ([_NAME, "Nonsense"], "/extra_columns/1")):
        refused = api.post("/exports", json=body | {"extra_columns": columns})
        assert problem(refused) == (422, "invalid")
        assert refused.get_json()["errors"][0]["pointer"] == pointer


def test_evidence_of_long_ago_is_loaded_as_of_then(world: World) -> None:
    contact_id = _add(world, None)
    at = datetime.now(UTC) + timedelta(seconds=5)
    _give(world, contact_id, _PAPER, at)
    with world.session():
        (row,) = evidence.evidence_of(contact_id)
        assert row.recorded_at == at
