"""The sweeps: each does what is due, whoever else fails or takes long, and looks when it is time."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, update

from cadence_app.extensions import db, rq
from cadence_app.mails import service
from cadence_app.mails.models import OutgoingMail
from cadence_app.tenancy import tenant_in_use
from cadence_app.work import sweeps
from cadence_app.work.queueing import Job
from cadence_app.work.sweeps import Sweep, declared, run_sweeps, sweep
from tests.conftest import ROOT
from tests.queues import waits
from tests.world import World

Work = Callable[[int, int], object]


def _put(world: World, count: int) -> list[int]:
    """Mails that have been due for a day."""
    with world.session():
        mails = [service.enqueue("test", "a@college.example", "Hello", "", "") for _ in range(count)]
        ids = [mail.id for mail in mails]
        db.session.commit()
        day = func.now() - timedelta(days=1)
        db.session.execute(update(OutgoingMail).values(next_attempt_at=day))
        db.session.commit()
    return ids


@pytest.fixture
def declare(world: World) -> Iterator[Callable[..., Sweep]]:
    """Declares a sweep of mails for a test, under a name of its own."""
    names: list[str] = []

    def declare(work: Callable[..., object], query: str | None = "due_mails", **how: Any) -> Sweep:
        work.__name__ = f"sweep_{uuid.uuid4().hex}"
        names.append(work.__name__)
        return sweep(query, **how)(work)

    yield declare
    for name in names:
        del sweeps._declared[name]


def test_each_row_is_dealt_with_in_its_own_tenant_and_one_that_fails_holds_up_no_other(
    world: World, legacy_world: World, declare: Callable[..., Sweep]
) -> None:
    ids, (theirs,) = _put(world, 3), _put(legacy_world, 1)
    done = []

    def work(tenant_id: int, mail_id: int) -> None:
        assert tenant_in_use() == tenant_id
        mail = db.session.get_one(OutgoingMail, mail_id)
        mail.problem = "looked at"
        if mail_id in ids[:2]:
            db.session.flush()
            raise ValueError(mail_id)
        db.session.commit()
        done.append(mail_id)

    with world.app.app_context():
        declare(work, at_most=5000)()
    assert {ids[2], theirs} <= set(done)
    with world.session():
        problems = {mail.id: mail.problem for mail in db.session.query(OutgoingMail)}
    assert problems == {ids[0]: "", ids[1]: "", ids[2]: "looked at"}


def test_a_tenant_whose_work_takes_long_has_its_share_and_the_others_theirs(
    world: World, legacy_world: World, declare: Callable[..., Sweep], monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(world, 3), _put(legacy_world, 3)
    clock, done = [0.0], []
    monkeypatch.setattr(sweeps, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def work(tenant_id: int, mail_id: int) -> None:
        if tenant_id == world.tenant_id:
            clock[0] += 11
        if tenant_id in (world.tenant_id, legacy_world.tenant_id):
            done.append(tenant_id)

    with world.app.app_context():
        declare(work, queue="sweeps", at_most=5000)()
    assert sorted(done) == [world.tenant_id, *[legacy_world.tenant_id] * 3]


def test_a_sweep_ends_before_its_time_is_up(
    world: World, declare: Callable[..., Sweep], monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(world, 3)
    clock, done = [0.0], []
    monkeypatch.setattr(sweeps, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def work(tenant_id: int, mail_id: int) -> None:
        clock[0] += 70
        done.append(mail_id)

    with world.app.app_context():
        declare(work, queue="sweeps", seconds=100)()
    assert len(done) == 1


def test_one_that_waits_for_others_gets_a_job_of_its_own_only_if_something_is_due(
    world: World, declare: Callable[..., Sweep]
) -> None:
    _put(world, 1)
    later = timedelta(days=3650)
    due = declare(lambda tenant_id, mail_id: None, queue="webhooks")
    idle = declare(lambda tenant_id, mail_id: None, queue="webhooks", late=later)
    with world.app.app_context():
        for each in (due, due, idle):
            each.take_turn()
        assert waits("webhooks", due.name.replace("_", "-")) == 1
        assert waits("webhooks", idle.name.replace("_", "-")) == 0


def test_one_that_is_rare_is_looked_at_when_it_is_time(world: World, declare: Callable[..., Sweep]) -> None:
    looked = []
    rare = declare(lambda: looked.append(1), query=None, every=3600)
    with world.app.app_context():
        rare.take_turn()
        rare.take_turn()
        assert looked == [1]
        redis = rq.get_queue("sweeps").connection
        assert 3590 < redis.ttl(f"cadence:swept:{rare.name}") <= 3600
        redis.delete(f"cadence:swept:{rare.name}")
        rare.take_turn()
    assert looked == [1, 1]


def test_a_round_goes_on_past_a_sweep_that_fails(
    world: World, declare: Callable[..., Sweep], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def fail() -> None:
        raise ValueError

    mine = [declare(fail, query=None), declare(lambda: done.append(1), query=None)]
    mine.append(declare(fail, query=None))
    monkeypatch.setattr(sweeps, "declared", lambda: mine)
    with world.app.app_context():
        run_sweeps()
    assert done == [1]


def test_a_name_is_declared_once(declare: Callable[..., Sweep]) -> None:
    first = declare(lambda: None, query=None)
    with pytest.raises(ValueError, match="two sweeps"):
        sweep(None)(first.work)


def test_the_docs_list_every_sweep_with_its_query_its_pace_and_its_queue() -> None:
    listed = re.findall(
        r"^\| `(\w+)` \| `?(\w+|-)`? \| ([\d,]+) s \| (\w+|-) \|", (ROOT / "docs/work.md").read_text(), re.M
    )
    assert [(*row[:2], int(row[2].replace(",", "")), row[3]) for row in listed] == [
        (each.name, each.query or "-", each.every, each.own.queue if each.own else "-") for each in declared()
    ]


def test_no_job_asks_every_tenant() -> None:
    asking = [
        path.relative_to(ROOT)
        for path in (ROOT / "cadence_app").rglob("*jobs.py")
        if re.search(r"select\(\s*Tenant\b", path.read_text())
    ]
    assert asking == []


def test_every_sweeps_queue_is_one_of_ours_and_has_a_worker(world: World) -> None:
    own = {each.own.queue for each in declared() if each.own}
    assert own <= set(world.app.config["RQ_QUEUES"])
    assert all(isinstance(each.own, Job | None) for each in declared())
