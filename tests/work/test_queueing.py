"""A job of a key waits once, whatever became of the one before, and Redis being away is no error."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.job import Job as RQJob
from rq.job import JobStatus

from cadence_app.extensions import rq
from cadence_app.work import queueing
from cadence_app.work.queueing import Job, OnTheClock, job, put_once, waiting
from tests import sizes
from tests.conftest import free_port
from tests.work import doing


@dataclass
class Line:
    """A queue of a test's own."""

    queue: Queue

    def put(self, key: str = "mail-1", work: Callable[..., object] = doing.nothing) -> None:
        put_once(self.queue, key, work, (7,), {}, 5)

    @property
    def keys(self) -> list[str]:
        return [each.rpartition("_")[0] for each in self.queue.get_job_ids()]

    def pop(self) -> RQJob:
        """What a worker does first."""
        job_id = self.queue.pop_job_id()
        assert job_id
        return RQJob.fetch(job_id, self.queue.connection)

    def start(self) -> RQJob:
        """What it does next: one that dies now leaves this behind."""
        taken = self.pop()
        taken.set_status(JobStatus.STARTED)
        return taken

    def work(self) -> None:
        SimpleWorker([self.queue], connection=self.queue.connection).work(burst=True, max_jobs=1)


@pytest.fixture
def line(app: Flask) -> Iterator[Line]:
    with app.app_context():
        queue = Queue(f"test-{uuid.uuid4().hex[:8]}", rq.get_queue("sweeps").connection)
        yield Line(queue)
        queue.delete()


def test_a_job_that_waits_is_not_queued_again(line: Line) -> None:
    for _ in range(3):
        line.put()
    line.put("mail-2")
    redis, known = line.queue.connection, f"cadence:waits:{line.queue.name}:mail-1"
    redis.expire(known, 10)
    line.put()
    assert line.keys == ["mail-1", "mail-2"]
    # Known for as long as somebody asks, and then forgotten.
    assert 3500 < redis.ttl(known) <= 3600


def test_many_at_once_queue_one(line: Line) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: line.put(), range(40)))
    assert line.keys == ["mail-1"]


def test_new_work_waits_behind_the_job_that_runs_and_outlives_its_end(line: Line) -> None:
    line.put()
    running = line.start()
    line.put()
    line.put()
    assert line.keys == ["mail-1"]
    # As RQ ends a job of result_ttl=0.
    running.delete(remove_from_queue=False)
    doing.done.clear()
    line.work()
    assert doing.done == [7]
    assert line.keys == []


def test_a_worker_that_died_with_a_job_that_was_running_keeps_no_other_from_being_queued(line: Line) -> None:
    line.put()
    line.start()
    line.put()
    line.put()
    assert line.keys == ["mail-1"]


@pytest.mark.parametrize("others", [[], ["mail-2"]])
def test_a_job_that_was_taken_and_never_started_is_queued_again(line: Line, others: list[str]) -> None:
    line.put()
    for key in others:
        line.put(key)
    line.pop()
    line.put()
    line.put()
    assert line.keys == [*others, "mail-1"]


def test_a_job_that_failed_is_queued_again(line: Line) -> None:
    line.put(work=doing.fail)
    line.work()
    line.put()
    assert line.keys == ["mail-1"]


def test_a_queue_that_was_emptied_or_a_redis_that_was_flushed_takes_it_again(line: Line) -> None:
    line.put()
    line.queue.empty()
    line.put()
    line.queue.connection.delete(line.queue.key)
    line.put()
    assert line.keys == ["mail-1"]


def test_a_job_that_somebody_took_out_by_hand_is_missed_after_a_while(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.put("mail-0")
    line.put()
    line.queue.remove(line.queue.get_job_ids()[1])
    line.put()
    assert line.keys == ["mail-0"]
    monkeypatch.setattr(queueing, "_SEARCH_AFTER", 0)
    line.put("mail-0")
    line.put()
    assert line.keys == ["mail-0", "mail-1"]


def test_a_job_of_an_older_cadence_at_the_head_hides_nothing(line: Line) -> None:
    line.queue.enqueue(doing.nothing, 1, job_id=str(uuid.uuid4()))
    line.put()
    line.put()
    assert line.keys[1:] == ["mail-1"]


@pytest.mark.sized
@settings(max_examples=sizes.size(10, 100), deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["put", "pop", "start", "end"]), st.sampled_from(["a-1", "b-1"]))))
def test_whatever_happens_one_job_of_each_key_waits(app: Flask, steps: list[tuple[str, str]]) -> None:
    with app.app_context():
        line = Line(Queue(f"test-{uuid.uuid4().hex[:8]}", rq.get_queue("sweeps").connection))
        taken: list[RQJob] = []
        for step, key in steps:
            before = line.keys
            if step == "put":
                line.put(key)
                assert line.keys == (before if key in before else [*before, key])
            elif step == "end" and taken:
                taken.pop().delete(remove_from_queue=False)
            elif step in {"pop", "start"} and before:
                taken.append(line.start() if step == "start" else line.pop())
        line.queue.delete()


def test_without_redis_it_says_so_and_raises_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Redis(port=free_port(), retry=Retry(NoBackoff(), 0))
    with app.app_context():
        assert own.put("own-1")
        assert "own-1" in waiting("webhooks")
        monkeypatch.setattr(rq.get_queue("webhooks"), "connection", nobody)
        assert own.put("own-2") is False


def test_the_clock_queues_a_job_once_while_it_waits(app: Flask) -> None:
    with app.app_context():
        key = f"clock-{uuid.uuid4().hex[:8]}"
        clock = OnTheClock(own, key, 10)
        for _ in range(3):
            clock.enqueue(rq.get_queue("webhooks").connection)
        assert waiting("webhooks").count(key) == 1


def test_the_scheduler_has_what_is_done_by_the_clock(app: Flask) -> None:
    with app.app_context():
        jobs = rq.make_cron_scheduler().get_jobs()
    assert [(each.name, each.interval) for each in jobs] == [("sweeps", 10)]


def test_a_job_does_one_thing_and_nothing_before_that_is_said() -> None:
    undone = Job[[int]]("mails")
    with pytest.raises(RuntimeError, match="nothing says yet"):
        undone(1)
    undone.does(doing.nothing)
    assert undone.name == "tests.work.doing.nothing"
    with pytest.raises(RuntimeError, match="done already"):
        undone.does(doing.nothing)


@job("webhooks")
def own() -> None:
    """For this file."""
