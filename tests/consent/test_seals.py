"""Sealing closed days: which, when, once, and without keeping anybody waiting."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Source, Status
from cadence_app.consent.verifying import Outcome
from cadence_app.extensions import db
from cadence_app.tenancy import set_tenant
from tests.consent.history import COPIED, FIRST, TODAY, check, flip, noon, seal, sealed_days
from tests.world import World


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
        # Just after midnight the day is one of those that share a lock: a sealer holds both.
        held = text(
            "SELECT pg_advisory_xact_lock(history_day_key(:tenant, NULL)),"
            " pg_advisory_xact_lock(history_day_key(:tenant, :day))"
        )
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
    (copied,) = flip(world, world.add_contact(), 3)
    copy = text(
        f"INSERT INTO opt_out_changes (changed_at, {COPIED})"
        f" SELECT now(), {COPIED} FROM opt_out_changes WHERE id = :id"
    )
    with world.app.app_context(), db.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        set_tenant(connection, world.tenant_id)
        with pytest.raises(DBAPIError, match="READ COMMITTED only"):
            connection.execute(copy, {"id": copied})


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
