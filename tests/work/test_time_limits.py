"""Nothing keeps a job alive past its time, and a unit of work that fails keeps no other from being done."""

from __future__ import annotations

import ast
import logging
import re
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq.job import Job as RQJob
from rq.timeouts import HorseMonitorTimeoutException, JobTimeoutException
from sqlalchemy import select

from cadence_app.accounts.models import Team
from cadence_app.extensions import db, rq
from cadence_app.work.queueing import put_once
from cadence_app.work.units import on_its_own
from cadence_app.worker import ForkingWorker, TimeIsUp, TimeLimit
from tests.conftest import ROOT
from tests.work import doing
from tests.world import World

_ALL = {"BaseException", "TimeIsUp", "JobTimeoutException", "BaseTimeoutException"}
_MAY_CATCH_ALL = re.compile(rf"except\s*:|except\b.*({'|'.join(_ALL)})")


def test_a_job_that_catches_everything_ends_when_its_time_is_up(world: World) -> None:
    with world.app.app_context():
        queue = rq.get_queue("webhooks")
        # What other tests left there.
        queue.empty()
        put_once(queue, f"stubborn-{uuid.uuid4().hex[:8]}", doing.go_on_past_its_time, (1,), {}, 60)
        (job_id,) = queue.get_job_ids()
        rq.make_worker(["webhooks"]).work(burst=True)
        failed = RQJob.fetch(job_id, queue.connection)
        assert failed.is_failed
        result = failed.latest_result()
        assert result is not None
        assert "TimeIsUp: it took longer than 60 seconds" in str(result.exc_string)
        failed.delete()


def test_a_worker_still_looks_at_its_job_by_the_usual_alarm() -> None:
    with pytest.raises(HorseMonitorTimeoutException), TimeLimit(60, HorseMonitorTimeoutException):
        signal.raise_signal(signal.SIGALRM)
    assert signal.alarm(0) == 0
    assert ForkingWorker.death_penalty_class is TimeLimit


def test_an_alarm_that_goes_off_as_the_job_ends_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = TimeLimit(60, JobTimeoutException)
    cancel = limit.cancel_death_penalty

    def late() -> None:
        cancel()
        raise TimeIsUp

    monkeypatch.setattr(limit, "cancel_death_penalty", late)
    with limit:
        pass
    assert signal.alarm(0) == 0


def test_what_fails_is_rolled_back_and_logged_and_the_next_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    done = []
    with world.session(), caplog.at_level(logging.ERROR):
        for number in range(3):
            with on_its_own("number %s failed", number):
                db.session.scalars(select(Team)).all()[0].name = "Changed"
                if number == 1:
                    db.session.flush()
                    raise ValueError(number)
                db.session.rollback()
                done.append(number)
        assert "Changed" not in set(db.session.scalars(select(Team.name)))
    assert done == [0, 2]
    assert "number 1 failed" in caplog.text


@pytest.mark.parametrize("end", [TimeIsUp, KeyboardInterrupt, SystemExit])
def test_what_ends_the_job_ends_it(world: World, end: type[BaseException]) -> None:
    with world.app.app_context(), pytest.raises(end), on_its_own("it failed"):
        raise end


def test_no_code_of_ours_catches_what_ends_a_job_without_raising_it_again() -> None:
    swallowing = [
        f"{path.relative_to(ROOT)}:{handler.lineno}"
        for path in sorted(Path(ROOT, "cadence_app").rglob("*.py"))
        for handler in _handlers(path)
        if _catches_all(handler) and not isinstance(handler.body[-1], ast.Raise)
    ]
    assert swallowing == []


def _handlers(path: Path) -> Iterator[ast.ExceptHandler]:
    source = path.read_text()
    if _MAY_CATCH_ALL.search(source):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ExceptHandler):
                yield node


def _catches_all(handler: ast.ExceptHandler) -> bool:
    """A bare `except:`, or one that names what an `except Exception` does not catch."""
    if handler.type is None:
        return True
    named = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(named & _ALL)
