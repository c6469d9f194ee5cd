"""Sealing closed days, and finding what was changed behind Cadence's back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from cadence_app.consent import seals
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import OptOutChange, Source, Status
from cadence_app.consent.seal_models import Seal
from cadence_app.consent.verifying import Kind, Outcome, verify
from cadence_app.extensions import db
from cadence_app.tenancy import set_tenant
from tests.world import World

# The first day that is not closed: a day is sealed ten minutes after its end.
TODAY = (datetime.now(UTC) - timedelta(minutes=10)).date()
FIRST = TODAY - timedelta(days=5)


def noon(days_ago: int) -> datetime:
    return datetime.combine(TODAY - timedelta(days=days_ago), datetime.min.time(), UTC) + timedelta(hours=12)


def flip(world: World, contact_id: int, *days_ago: int, source: Source = Source.TOGGLE) -> list[int]:
    """Changes of one contact's status at noon (UTC) of these days; their ids."""
    ids = []
    with world.session():
        for index, ago in enumerate(days_ago):
            status = (Status.OPTED_OUT, Status.OPTED_IN)[index % 2]
            (change_id,) = record_changes(
                [Change(contact_id, world.team_id, status, source, words="Zoë, STOP", at=noon(ago))]
            )
            assert change_id
            ids.append(change_id)
        db.session.commit()
    return ids


def seal(world: World) -> int:
    with world.session():
        return seals.seal_closed_days()


def check(world: World) -> Outcome:
    with world.session():
        return verify()


def sealed_days(world: World) -> list[Seal]:
    with world.session():
        found = list(db.session.scalars(select(Seal).order_by(Seal.day)))
        db.session.expunge_all()
        return [each for each in found if each.tenant_id == world.tenant_id]


@pytest.fixture
def owner(world: World) -> Iterator[Engine]:
    """The tables' owner, for whom row-level security is no bar."""
    engine = db.create_engine(world.app.config["DATABASE_OWNER_URL"])
    yield engine
    engine.dispose()


@contextmanager
def behind_its_back(owner: Engine) -> Iterator[Connection]:
    """What a person with the database's password can do: the triggers off, in this transaction only."""
    with owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection


def test_every_closed_day_is_sealed_with_or_without_rows_and_each_is_chained_to_the_one_before(
    world: World,
) -> None:
    flip(world, world.add_contact(), 5, 3)
    flip(world, world.add_contact(), 3, 0, source=Source.IMPORT)
    assert seal(world) == 5
    days = sealed_days(world)
    assert [(each.day, each.rows) for each in days] == [
        (FIRST + timedelta(days=index), rows) for index, rows in enumerate((1, 0, 2, 0, 0))
    ]
    assert [each.previous_digest for each in days] == [None, *(each.digest for each in days[:-1])]
    assert len({each.digest for each in days}) == 5
    assert seal(world) == 0
    outcome = check(world)
    assert (outcome.intact, outcome.days, outcome.rows) == (True, 5, 3)
    assert (outcome.last_day, outcome.last_digest) == (TODAY - timedelta(days=1), days[-1].digest)


def test_a_new_tenant_without_history_is_intact_and_sealed_from_its_first_day(
    world: World, owner: Engine
) -> None:
    assert seal(world) == 0
    assert check(world) == Outcome(0, 0, None, None)
    with owner.begin() as connection:
        connection.execute(
            text("UPDATE tenants SET created_at = :at WHERE id = :id"),
            {"id": world.tenant_id, "at": noon(3)},
        )
    assert seal(world) == 3
    assert check(world).days == 3


def test_years_asleep_are_caught_up_in_batches(world: World) -> None:
    flip(world, world.add_contact(), 800)
    assert seal(world) == 800
    assert check(world).days == 800


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
            text(f"UPDATE opt_out_changes SET {column} = {ALTERATIONS[column]} WHERE id = :id"), {"id": altered}
        )
    problem = check(world).problem
    assert problem
    assert (problem.day, problem.kind, problem.change_id) == (
        TODAY - timedelta(days=3),
        Kind.ALTERED,
        altered,
    )
    assert problem.text == f"{TODAY - timedelta(days=3)}: row {altered} was altered after it was sealed"


@pytest.mark.parametrize("to_days_ago", [4, 1, 0, 9], ids=["earlier", "later", "unsealed", "before the first"])
def test_a_row_moved_to_another_day_is_named(world: World, owner: Engine, to_days_ago: int) -> None:
    _, moved = flip(world, world.add_contact(), 5, 3)
    seal(world)
    with behind_its_back(owner) as connection:
        connection.execute(
            text("UPDATE opt_out_changes SET changed_at = :at WHERE id = :id"), {"at": noon(to_days_ago), "id": moved}
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
                "INSERT INTO opt_out_changes (tenant_id, contact_id, team_id, status, changed_at, source,"
                " first_name, last_name, external_id, number, team_code, user_name, words, reason)"
                " SELECT tenant_id, contact_id, team_id, status, :at, source, first_name, last_name, external_id,"
                " number, team_code, user_name, words, reason FROM opt_out_changes WHERE id = :id RETURNING id"
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
            "digest": seals.seal_digest(world.tenant_id, FIRST, 1, rows_digest, None),
            "tenant": world.tenant_id,
            "day": FIRST,
        }
        connection.execute(text("UPDATE sealed_changes SET digest = :row WHERE change_id = :id"), values)
        connection.execute(
            text("UPDATE seals SET rows_digest = :rows, digest = :digest WHERE tenant_id = :tenant AND day = :day"),
            values,
        )
    problem = check(world).problem
    assert problem
    assert (problem.day, problem.kind) == (FIRST + timedelta(days=1), Kind.CHAIN)


WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(WORDS, min_size=9, max_size=9),
    column=st.integers(0, 8),
    after=WORDS,
)
def test_any_alteration_of_a_single_text_is_found(
    world: World, before: list[str], column: int, after: str
) -> None:
    """Whatever the texts hold (digits, colons, commas too), no two rows have one digest."""
    names = ["first_name", "last_name", "external_id", "number", "team_code", "user_name", "words", "reason", "source"]
    altered = [after if index == column else value for index, value in enumerate(before)]
    shifted = [before[0] + before[1][:1], before[1][1:], *before[2:]]
    others = "1 AS id, 2 AS tenant_id, 3 AS contact_id, 4 AS team_id, 'opted_in' AS status, now() AS changed_at,"
    others += " NULL::bigint AS user_id, NULL::bigint AS message_id"
    rows = ", ".join(f"CAST(:{name} AS text) AS {name}" for name in names)
    query = text(f"SELECT {seals.ROW_DIGEST} FROM (SELECT {others}, {rows}) AS row")
    with world.session():
        digests = [
            db.session.scalar(query, dict(zip(names, values, strict=True))) for values in (before, altered, shifted)
        ]
    assert (digests[0] == digests[1]) == (before == altered)
    assert (digests[0] == digests[2]) == (before == shifted)


def test_a_backdated_row_into_a_sealed_day_is_refused(world: World) -> None:
    flip(world, world.add_contact(), 5)
    seal(world)
    for days_ago in (1, 4, 30):
        with pytest.raises(DBAPIError, match=f"the history is sealed up to {TODAY - timedelta(days=1)}"):
            flip(world, world.add_contact(), days_ago)
    flip(world, world.add_contact(), 0)
    assert check(world).intact


def test_a_row_still_on_its_way_keeps_its_day_open_and_nobody_waits(world: World) -> None:
    flip(world, world.add_contact(), 3)
    late = world.add_contact()
    with world.session():
        record_changes([Change(late, world.team_id, Status.OPTED_OUT, Source.TOGGLE, at=noon(1))])
        db.session.flush()
        with_others = threading.Thread(target=lambda: sealed.append(seal(world)))
        sealed: list[int] = []
        with_others.start()
        with_others.join(30)
        assert sealed == [0]
        flip(world, world.add_contact(), 0)
        db.session.commit()
    assert seal(world) == 3
    assert [each.rows for each in sealed_days(world)] == [1, 0, 1]
    assert check(world).intact


def test_a_writer_that_comes_while_a_day_is_being_sealed_waits_and_is_then_refused(world: World) -> None:
    flip(world, world.add_contact(), 3)
    late = world.add_contact()
    refused: list[str] = []

    def write() -> None:
        with world.session():
            try:
                record_changes([Change(late, world.team_id, Status.OPTED_OUT, Source.TOGGLE, at=noon(1))])
            except DBAPIError as error:
                refused.append(str(error.orig))

    with world.app.app_context(), db.engine.connect() as sealer:
        set_tenant(sealer, world.tenant_id)
        held = text("SELECT pg_advisory_xact_lock(history_day_key(:tenant, :day))")
        sealer.execute(held, {"tenant": world.tenant_id, "day": TODAY - timedelta(days=1)})
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(0.5)
        assert writer.is_alive()
        # Today's changes, which are what texts make, do not wait.
        flip(world, world.add_contact(), 0)
        sealer.execute(
            text(
                "INSERT INTO seals (tenant_id, day, version, rows, rows_digest, digest)"
                " VALUES (:tenant, :day, 1, 0, '', '')"
            ),
            {"tenant": world.tenant_id, "day": TODAY - timedelta(days=1)},
        )
        sealer.commit()
        writer.join(30)
    assert len(refused) == 1
    assert "the history is sealed up to" in refused[0]


def test_an_old_snapshot_can_not_write_past_a_seal_it_does_not_see(world: World) -> None:
    contact_id = world.add_contact()
    with world.app.app_context(), db.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        set_tenant(connection, world.tenant_id)
        with pytest.raises(DBAPIError, match="READ COMMITTED only"):
            connection.execute(
                text(
                    "INSERT INTO opt_out_changes (tenant_id, contact_id, team_id, status, changed_at, source,"
                    " first_name, last_name, external_id, number, team_code, user_name, words, reason)"
                    " VALUES (:tenant, :contact, :team, 'opted_in', now(), 'toggle', '', '', '', '', '', '', '', '')"
                ),
                {"tenant": world.tenant_id, "contact": contact_id, "team": world.team_id},
            )


def test_two_sealers_at_once_make_one_chain(world: World) -> None:
    flip(world, world.add_contact(), 400, 3)
    sealed: list[int] = []
    threads = [threading.Thread(target=lambda: sealed.append(seal(world))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealed.append(seal(world))
    assert sum(sealed) == 400
    assert (check(world).intact, check(world).days) == (True, 400)


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
