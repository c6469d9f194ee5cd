"""What was changed behind Cadence's back is found and named."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from cadence_app.consent import seals
from cadence_app.consent.models import OptOutChange
from cadence_app.consent.sealed_streams import EVIDENCE, HISTORY
from cadence_app.consent.verifying import Kind
from cadence_app.extensions import db
from tests import sizes
from tests.consent.history import COPIED, FIRST, TODAY, behind_its_back, check, flip, noon, seal
from tests.world import World

ALTERATIONS: dict[str, Any] = {
    "contact_id": "contact_id + 1000000",
    "team_id": "team_id + 1000000",
    "status": "CASE status WHEN 'opted_in' THEN 'opted_out' ELSE 'opted_in' END",
    "changed_at": "changed_at + interval '1 microsecond'",
    "source": "'import'",
    "user_id": "1",
    "message_id": "1",
    "first_name": "first_name || ' '",
    "last_name": "''",
    "external_id": "'0'",
    "number": "number || '1'",
    "team_code": "lower(team_code)",
    "user_name": "'Somebody else'",
    "words": "'START'",
    "reason": "'They asked.'",
}


def test_every_column_of_the_history_is_sealed() -> None:
    assert set(ALTERATIONS) | {"id", "tenant_id"} == set(OptOutChange.__table__.columns.keys())


@pytest.mark.parametrize("column", ALTERATIONS)
def test_a_row_altered_directly_in_the_database_is_found_and_named(
    world: World, owner: Engine, column: str
) -> None:
    contact_id = world.add_contact()
    _, altered, _ = flip(world, contact_id, 5, 3, 2)
    seal(world)
    with behind_its_back(owner) as connection:
        connection.execute(
            text(f"UPDATE opt_out_changes SET {column} = {ALTERATIONS[column]} WHERE id = :id"),
            {"id": altered},
        )
    problem = check(world).problem
    assert problem
    assert (problem.day, problem.kind, problem.change_id) == (
        TODAY - timedelta(days=3),
        Kind.ALTERED,
        altered,
    )
    assert problem.text == f"{TODAY - timedelta(days=3)}: row {altered} was altered after it was sealed"


@pytest.mark.parametrize(
    "to_days_ago", [4, 1, 0, 9], ids=["earlier", "later", "unsealed", "before the first"]
)
def test_a_row_moved_to_another_day_is_named(world: World, owner: Engine, to_days_ago: int) -> None:
    _, moved = flip(world, world.add_contact(), 5, 3)
    seal(world)
    with behind_its_back(owner) as connection:
        connection.execute(
            text("UPDATE opt_out_changes SET changed_at = :at WHERE id = :id"),
            {"at": noon(to_days_ago), "id": moved},
        )
    problem = check(world).problem
    assert problem
    assert (problem.kind, problem.change_id) == (Kind.ALTERED, moved)
    assert problem.day == TODAY - timedelta(days=max(to_days_ago, 3))


def test_a_deleted_row_is_named(world: World, owner: Engine) -> None:
    _, gone, _ = flip(world, world.add_contact(), 5, 3, 2)
    seal(world)
    with behind_its_back(owner) as connection:
        connection.execute(text("DELETE FROM opt_out_changes WHERE id = :id"), {"id": gone})
    outcome = check(world)
    assert outcome.problem
    assert (outcome.problem.day, outcome.problem.kind) == (TODAY - timedelta(days=3), Kind.MISSING)
    assert outcome.problem.change_id == gone
    assert (outcome.days, outcome.rows) == (2, 1)


@pytest.mark.parametrize("days_ago", [4, 3, 20], ids=["an empty day", "a day with rows", "before the first"])
def test_a_row_added_after_the_fact_is_named(world: World, owner: Engine, days_ago: int) -> None:
    _, copied = flip(world, world.add_contact(), 5, 3)
    seal(world)
    with behind_its_back(owner) as connection:
        added = connection.execute(
            text(
                f"INSERT INTO opt_out_changes (changed_at, {COPIED})"
                f" SELECT :at, {COPIED} FROM opt_out_changes WHERE id = :id RETURNING id"
            ),
            {"id": copied, "at": noon(days_ago)},
        ).scalar_one()
    problem = check(world).problem
    assert problem
    assert (problem.day, problem.kind, problem.change_id) == (
        TODAY - timedelta(days=days_ago),
        Kind.ADDED,
        added,
    )


def test_two_rows_that_swapped_their_ids_are_found_at_the_first(world: World, owner: Engine) -> None:
    first, second = flip(world, world.add_contact(), 5, 3)
    seal(world)
    with behind_its_back(owner) as connection:
        for old, new in ((first, -1), (second, first), (-1, second)):
            connection.execute(
                text("UPDATE opt_out_changes SET id = :new WHERE id = :old"), {"old": old, "new": new}
            )
    problem = check(world).problem
    assert problem
    assert problem.kind == Kind.ALTERED
    assert (problem.day, problem.change_id) in [(FIRST, first), (FIRST, second)]


SEAL_ALTERATIONS = {
    "the digest": ("UPDATE seals SET digest = sha256(digest) WHERE {day}", Kind.SEAL),
    "the count": ("UPDATE seals SET rows = rows + 1 WHERE {day}", Kind.SEAL),
    "the rows' digest": ("UPDATE seals SET rows_digest = sha256(digest) WHERE {day}", Kind.SEAL),
    "the version": ("UPDATE seals SET version = 9 WHERE {day}", Kind.VERSION),
    "the whole seal": ("DELETE FROM seals WHERE {day}", Kind.NO_SEAL),
    "a row with its kept digest": (
        "UPDATE opt_out_changes SET words = 'x' WHERE {rows}; UPDATE sealed_changes SET digest ="
        f" (SELECT {seals.ROW_DIGEST} FROM opt_out_changes WHERE id = change_id) WHERE {{day}}",
        Kind.DIGESTS,
    ),
    "a kept digest": ("UPDATE sealed_changes SET digest = sha256(digest) WHERE {day}", Kind.ALTERED),
    "the last seals": ("DELETE FROM seals WHERE {after}", Kind.NO_SEAL),
}


@pytest.mark.parametrize("what", SEAL_ALTERATIONS)
def test_a_seal_that_was_altered_is_found_and_its_day_named(world: World, owner: Engine, what: str) -> None:
    flip(world, world.add_contact(), 5, 3, 2)
    seal(world)
    statement, kind = SEAL_ALTERATIONS[what]
    day = TODAY - timedelta(days=3)
    mine = f"tenant_id = {world.tenant_id} AND day"
    with behind_its_back(owner) as connection:
        wheres = {
            "day": f"{mine} = '{day}'",
            "after": f"{mine} >= '{day}'",
            "rows": f"tenant_id = {world.tenant_id} AND history_day(changed_at) = '{day}'",
        }
        connection.execute(text(statement.format(**wheres)))
    problem = check(world).problem
    assert problem
    assert (problem.day, problem.kind) == (day, kind)


def test_a_day_rewritten_with_its_seal_breaks_the_chain_at_the_next(world: World, owner: Engine) -> None:
    altered, _ = flip(world, world.add_contact(), 5, 2)
    seal(world)
    digest_of_row = text(f"SELECT {seals.ROW_DIGEST} FROM opt_out_changes WHERE id = :id")
    with behind_its_back(owner) as connection:
        connection.execute(text("UPDATE opt_out_changes SET words = 'hi' WHERE id = :id"), {"id": altered})
        row_digest = connection.scalar(digest_of_row, {"id": altered})
        rows_digest = connection.scalar(text("SELECT sha256(:digest)"), {"digest": row_digest})
        values = {
            "id": altered,
            "row": row_digest,
            "rows": rows_digest,
            "digest": seals.seal_digest(
                *(world.tenant_id, FIRST),
                {HISTORY: seals.Sums(1, rows_digest), EVIDENCE: seals.no_sums(EVIDENCE)},
                None,
            ),
            "tenant": world.tenant_id,
            "day": FIRST,
        }
        connection.execute(text("UPDATE sealed_changes SET digest = :row WHERE change_id = :id"), values)
        connection.execute(
            text(
                "UPDATE seals SET rows_digest = :rows, digest = :digest"
                " WHERE tenant_id = :tenant AND day = :day"
            ),
            values,
        )
    problem = check(world).problem
    assert problem
    assert (problem.day, problem.kind) == (FIRST + timedelta(days=1), Kind.CHAIN)


WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


@pytest.mark.sized
@settings(
    max_examples=sizes.size(10, 200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    before=st.lists(WORDS, min_size=9, max_size=9),
    column=st.integers(0, 8),
    after=WORDS,
)
def test_any_alteration_of_a_single_text_is_found(
    world: World, before: list[str], column: int, after: str
) -> None:
    """Whatever the texts hold (digits, colons, commas too), no two rows have one digest."""
    names = [
        "first_name",
        "last_name",
        "external_id",
        "number",
        "team_code",
        "user_name",
        "words",
        "reason",
        "source",
    ]
    altered = [after if index == column else value for index, value in enumerate(before)]
    shifted = [before[0] + before[1][:1], before[1][1:], *before[2:]]
    others = (
        "1 AS id, 2 AS tenant_id, 3 AS contact_id, 4 AS team_id, 'opted_in' AS status, now() AS changed_at,"
    )
    others += " NULL::bigint AS user_id, NULL::bigint AS message_id"
    rows = ", ".join(f"CAST(:{name} AS text) AS {name}" for name in names)
    query = text(f"SELECT {seals.ROW_DIGEST} FROM (SELECT {others}, {rows}) AS row")
    with world.session():
        digests = [
            db.session.scalar(query, dict(zip(names, values, strict=True)))
            for values in (before, altered, shifted)
        ]
    assert (digests[0] == digests[1]) == (before == altered)
    assert (digests[0] == digests[2]) == (before == shifted)


def test_each_tenant_has_a_chain_of_its_own(world: World, legacy_world: World, owner: Engine) -> None:
    flip(world, world.add_contact(), 3)
    (theirs,) = flip(legacy_world, legacy_world.add_contact(), 4)
    assert (seal(world), seal(legacy_world)) == (3, 4)
    with behind_its_back(owner) as connection:
        connection.execute(text("UPDATE opt_out_changes SET words = 'x' WHERE id = :id"), {"id": theirs})
    assert check(world).intact
    problem = check(legacy_world).problem
    assert problem
    assert problem.change_id == theirs


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE seals SET rows = 0",
        "DELETE FROM seals",
        "TRUNCATE seals",
        "UPDATE sealed_changes SET day = day",
        "DELETE FROM sealed_changes",
        "TRUNCATE sealed_changes",
    ],
)
def test_seals_refuse_to_be_changed_even_by_their_owner(owner: Engine, statement: str) -> None:
    with owner.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(statement))


def test_a_moment_outside_the_calendar_is_named_too(world: World, owner: Engine) -> None:
    _, moved = flip(world, world.add_contact(), 5, 3)
    seal(world)
    for moment in ("4713-01-02 BC", "infinity", "-infinity"):
        with behind_its_back(owner) as connection:
            connection.execute(
                text("UPDATE opt_out_changes SET changed_at = CAST(:at AS timestamptz) WHERE id = :id"),
                {"at": moment, "id": moved},
            )
        problem = check(world).problem
        assert problem
        assert (problem.kind, problem.change_id) == (Kind.ALTERED, moved)
        assert problem.day in {date.min, TODAY - timedelta(days=3)}
