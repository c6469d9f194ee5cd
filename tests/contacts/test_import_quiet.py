"""Rows about which nothing is to be decided are judged at once: no file can tell the difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from cadence_app.consent.models import OptOutChange, Status
from cadence_app.contacts.imports import applying, quiet
from cadence_app.contacts.imports.batches import Applied, Order
from cadence_app.contacts.imports.models import Import
from cadence_app.extensions import db
from tests import sizes
from tests.contacts.importing import HEADER, check, csv_of, start, upload, work
from tests.records.people import IN, OUT, opt, text_at
from tests.world import World, make_world, new_number

NUMBERS = [new_number() for _ in range(4)]
STATED = ("ConsentDate", "ConsentSource")
_COUNTS = (
    *("rows_new", "rows_updated", "rows_unchanged", "rows_refused", "statuses_changed", "opt_ins_held"),
    *("opt_ins_outvoted", "opt_outs_older", "refused_opt_outs", "evidence", "evidence_idle", "refusals"),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "Ann", "x" * 300]),
        st.just("Lee"),
        st.sampled_from(["", "1", "2", "3"]),
        st.sampled_from(["", "12", *NUMBERS]),
        st.sampled_from(["ADM", "AID", "ADM;AID", "NOPE", ""]),
        st.sampled_from(["", "yes", "no", "perhaps"]),
        st.sampled_from(["", "", "tall", "tall;kind"]),
        st.sampled_from(["", "", "2026-02-03"]),
        st.just(""),
    ),
    min_size=1,
    max_size=5,
)
# What is there: a number, a ContactId, the status in Admissions, and whether its phone has texted STOP.
BEFORE = st.lists(
    st.tuples(
        st.sampled_from(NUMBERS),
        st.sampled_from(["", "1", "2"]),
        st.sampled_from([None, IN, OUT]),
        st.sampled_from(["", "STOP", "STOPALL", "left"]),
    ),
    max_size=3,
    unique_by=(lambda known: known[0], lambda known: known[1] or known[0]),
)


@pytest.mark.sized
@settings(
    max_examples=sizes.size(3, 150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(before=BEFORE, rows=ROWS, says=st.booleans(), lifts=st.booleans(), batch=st.sampled_from([1, 2, 2000]))
def test_whether_rows_are_judged_together_or_one_batch_after_the_other_a_file_comes_to_the_same(
    world: World,
    before: list[tuple[str, str, Status | None, str]],
    rows: list[tuple[str, ...]],
    says: bool,
    lifts: bool,
    batch: int,
) -> None:
    world.app.config["IMPORT_BATCH"] = batch
    try:
        quick = _came_to(make_world(world.app, "teams"), before, rows, says, lifts)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(quiet, "check", _none_in_check)
            patched.setattr(quiet, "apply", _none)
            whole = _came_to(make_world(world.app, "teams"), before, rows, says, lifts)
        assert quick == whole
    finally:
        world.app.config["IMPORT_BATCH"] = 2000


def test_a_check_of_plain_rows_locks_nobody_and_writes_nothing_but_what_it_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = new_number()
    opt(world, world.add_contact(known), IN)
    import_id = upload(
        world, csv_of(("", "", "", known, "ADM", "no"), ("Ann", "Lee", "1", new_number(), "ADM;AID", "yes"))
    )
    # Rolled back, it would have used up an id.
    last = world.add_contact()
    with monkeypatch.context() as patched:
        patched.setattr(applying, "apply_batch", None)
        checked = check(world, import_id)
    assert (checked.state, checked.rows_new, checked.statuses_changed) == ("ready", 1, 2)
    assert world.add_contact() == last + 1
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(OptOutChange)) == 1


def _none_in_check(order: Order, lines: Sequence[int]) -> tuple[Applied, list[int]]:
    return Applied(), list(lines)


def _none(order: Order, lines: Sequence[int], any_new: bool) -> tuple[int, list[int]]:
    return 0, list(lines)


def _came_to(
    world: World,
    before: list[tuple[str, str, Status | None, str]],
    rows: list[tuple[str, ...]],
    says: bool,
    lifts: bool,
) -> list[Any]:
    """What the check found, what the import did, and who is what now."""
    for number, external_id, status, said in before:
        contact_id = world.add_contact(number, external_id=external_id)
        if status:
            opt(world, contact_id, status)
        if said:
            world.text(number, "STOP" if said == "left" else said)
        if said == "left":
            text_at(world, contact_id, new_number())
    width = 9 if says else 7
    header = (*HEADER, "Tags", *STATED)[:width]
    import_id = upload(world, csv_of(*(each[:width] for each in rows), header=header))
    found = _counted(check(world, import_id))
    told = _rows(world, "SELECT line, result, kind, note, number_stopped FROM import_outcomes ORDER BY line")
    start(world, import_id, "They agreed again on form 7." if lifts else "")
    done = work(world, import_id)
    assert done.state == "done", done.problem
    return [
        *(found, told, _counted(done)),
        _rows(
            world,
            "SELECT c.number, c.external_id, c.first_name, t.code, s.status, s.stopped_at IS NULL,"
            " (SELECT array_agg(g.name ORDER BY g.name) FROM contact_tags x JOIN tags g ON g.id = x.tag_id"
            "  WHERE x.contact_id = c.id), s.out_again"
            " FROM contacts c LEFT JOIN consents s ON s.contact_id = c.id"
            " LEFT JOIN teams t ON t.id = s.team_id"
            " WHERE c.number = ANY (CAST(:numbers AS text[])) ORDER BY 1, 4",
        ),
        _rows(
            world,
            "SELECT number, team_code, status, source, first_name, external_id, reason = ''"
            " FROM opt_out_changes WHERE number = ANY (CAST(:numbers AS text[]))"
            " ORDER BY number, team_code, id",
        ),
    ]


def _counted(imported: Import) -> list[Any]:
    return [getattr(imported, name) for name in _COUNTS]


def _rows(world: World, query: str) -> list[tuple[Any, ...]]:
    with world.session():
        values = {"numbers": NUMBERS} if ":numbers" in query else {}
        return [tuple(row) for row in db.session.execute(text(query), values)]
