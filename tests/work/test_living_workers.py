"""Workers that live on between jobs: one that hangs or dies takes no other with it, and is replaced."""

from __future__ import annotations

import os
import uuid
from multiprocessing import get_context
from multiprocessing.context import ForkProcess

import pytest
from flask import Flask

from cadence_app import worker, workers
from cadence_app.extensions import db, rq
from cadence_app.work.queueing import put_once
from cadence_app.worker import Watch
from tests.work import doing


def put(app: Flask, work: object, seconds: int = 60) -> None:
    with app.app_context():
        put_once(rq.get_queue("webhooks"), f"job-{uuid.uuid4().hex[:8]}", work, (1,), {}, seconds)  # type: ignore[arg-type]


@pytest.fixture
def queue(app: Flask) -> None:
    with app.app_context():
        rq.get_queue("webhooks").empty()


def start(app: Flask, watch: Watch, burst: bool = True) -> ForkProcess:
    def run() -> None:
        with app.app_context():
            db.engine.dispose(close=False)
            rq.make_living_worker(("webhooks",), watch, name=uuid.uuid4().hex).work(burst=burst)
        os._exit(0)

    process = get_context("fork").Process(target=run)
    process.start()
    return process


def waiting(app: Flask) -> int:
    with app.app_context():
        return len(rq.get_queue("webhooks").get_job_ids())


@pytest.mark.usefixtures("queue")
def test_one_process_does_one_job_after_the_other_and_one_that_fails_ends_none(app: Flask) -> None:
    for work in (doing.nothing, doing.fail, doing.nothing):
        put(app, work)
    process = start(app, Watch())
    process.join(60)
    assert (process.exitcode, waiting(app)) == (0, 0)


@pytest.mark.usefixtures("queue")
def test_after_a_job_that_had_to_be_ended_the_worker_ends_and_a_fresh_one_goes_on(app: Flask) -> None:
    """Nobody knows what it left behind in its process."""
    put(app, doing.go_on_past_its_time)
    put(app, doing.nothing)
    for left in (1, 0):
        start(app, Watch()).join(60)
        assert waiting(app) == left


@pytest.mark.usefixtures("queue")
def test_a_worker_that_dies_of_a_job_leaves_the_others_where_they_are(app: Flask) -> None:
    put(app, doing.die)
    put(app, doing.nothing)
    process = start(app, Watch())
    process.join(60)
    assert (process.exitcode, waiting(app)) == (9, 1)
    start(app, Watch()).join(60)
    assert waiting(app) == 0


@pytest.mark.usefixtures("queue")
def test_a_worker_that_hears_no_alarm_is_killed_by_who_watches_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_GRACE_SECONDS", 0)
    put(app, doing.hang, seconds=1)
    watch = Watch()
    process = start(app, watch)
    while not watch.overdue:
        process.join(0.05)
        assert process.is_alive()
    crew = workers.Crew(app)
    crew._members["webhooks"], crew._watches["webhooks"] = process, watch
    crew._end_hung()
    process.join(10)
    assert not process.is_alive()


def test_every_queue_has_a_worker_and_no_queue_of_long_jobs_one_that_lives_on(app: Flask) -> None:
    living = {queue for queues in workers.LIVING.values() for queue in queues}
    forking = {queue for queues in workers.FORKING.values() for queue in queues}
    assert living | forking == set(app.config["RQ_QUEUES"])
    assert forking == {"reports", "imports"}
    assert not living & forking
