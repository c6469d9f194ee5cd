"""Who works on what, for as long as it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from cadence_app.extensions import db
from cadence_app.work import leases as locks
from cadence_app.work.leases import LeaseLost, free, held
from tests.world import World, make_world


def _lease(world: World, name: str) -> tuple[str, datetime, int] | None:
    with world.session():
        row = db.session.execute(
            text("SELECT holder, until, fence FROM leases WHERE name = :name"), {"name": name}
        ).first()
        return tuple(row) if row else None


def _set(world: World, name: str, **values: object) -> None:
    changes = ", ".join(f"{column} = :{column}" for column in values)
    with world.session():
        db.session.execute(text(f"UPDATE leases SET {changes} WHERE name = :name"), {"name": name, **values})
        db.session.commit()


def test_only_one_has_the_work_and_it_is_free_again_afterwards(world: World) -> None:
    with world.session():
        assert free("walk")
        with held("walk") as mine:
            assert mine
            assert not free("walk")
            with held("walk") as second:
                assert second is None
        assert free("walk")
    assert _lease(world, "walk") is None


def test_work_of_one_name_in_two_tenants_is_two(world: World) -> None:
    other = make_world(world.app, "teams")
    with world.session(), held("walk") as mine:
        assert mine
        with other.session(), held("walk") as theirs:
            assert theirs
            assert theirs.fence > mine.fence


def test_of_many_who_ask_at_once_one_has_it(world: World) -> None:
    def ask(_: int) -> bool:
        with world.session():
            return locks._take(world.tenant_id, "rush") is not None

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(8))) == 1


def test_a_lease_is_renewed_while_the_work_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_RENEW_SECONDS", 0.01)
    with world.session(), held("long"):
        first = _lease(world, "long")
        assert first
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        while (now := _lease(world, "long")) and now[1] <= first[1]:
            assert datetime.now(UTC) < deadline
        assert now
        assert now[2] == first[2]


def test_who_was_stopped_too_long_finds_the_work_taken_and_commits_nothing(world: World) -> None:
    with world.session(), held("slow") as mine:
        assert mine
        mine.confirm()
        db.session.commit()
        _set(world, "slow", until=datetime.now(UTC) - timedelta(seconds=1))
        with held("slow") as other:
            assert other
            assert other.fence > mine.fence
            with pytest.raises(LeaseLost):
                mine.confirm()
            other.confirm()
            db.session.commit()
        assert free("slow")


def test_who_lost_a_lease_does_not_take_the_next_ones_away(world: World) -> None:
    with world.session():
        with held("slow") as mine:
            assert mine
            _set(world, "slow", until=datetime.now(UTC) - timedelta(seconds=1))
            taken = locks._take(world.tenant_id, "slow")
            assert taken
        assert not free("slow")


def test_nobody_takes_what_was_confirmed_before_that_transaction_ends(world: World) -> None:
    with world.session(), held("text") as mine:
        assert mine
        _set(world, "text", until=datetime.now(UTC) - timedelta(seconds=1))
        mine.confirm()

        def take() -> bool:
            with world.session():
                db.session.execute(text("SET LOCAL lock_timeout = '50ms'"))
                key = {
                    "tenant_id": world.tenant_id,
                    "name": "text",
                    "holder": "x",
                    "seconds": 9,
                    "dead": None,
                }
                db.session.execute(locks._TAKE, key)
            return True

        with ThreadPoolExecutor(1) as thread:
            with pytest.raises(Exception, match="lock timeout"):
                thread.submit(take).result()
            db.session.commit()
            assert thread.submit(take).result()


def test_a_worker_that_has_died_here_is_seen_to_have_and_one_elsewhere_has_its_time(world: World) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        process = locks._process(other.pid)
        assert process.startswith(f"{other.pid} ")
        with world.session():
            locks._take(world.tenant_id, "died")
            _set(world, "died", holder=f"{locks._machine()} {process}")
            assert locks._take(world.tenant_id, "died") is None
            other.kill()
            os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
            assert free("died")
            _set(world, "died", holder=f"elsewhere {process}")
            assert not free("died")
            assert locks._take(world.tenant_id, "died") is None
            _set(world, "died", holder=f"{locks._machine()} {process}")
            assert locks._take(world.tenant_id, "died")
            assert not free("died")


def test_a_number_of_a_process_that_another_has_by_now_is_no_holder() -> None:
    pid = os.getpid()
    assert not locks._has_ended(f"{locks._machine()} {locks._process(pid)}")
    assert locks._has_ended(f"{locks._machine()} {pid} 1")


def test_work_without_a_tenant_is_refused(world: World) -> None:
    with world.app.app_context(), pytest.raises(RuntimeError, match="no tenant"), held("walk"):
        pass
