"""Imports that meet crashes, lost jobs and somebody who cancels them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import psutil
import pytest
from sqlalchemy import func, select, text, update

from cadence_app.accounts.models import User
from cadence_app.consent.evidence_models import Evidence
from cadence_app.consent.models import Consent, OptOutChange
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts import mending
from cadence_app.contacts.imports import jobs, quiet, running, service
from cadence_app.contacts.imports.models import Import, ImportOutcome, ImportRow, ImportState
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db, rq
from tests import sizes
from tests.conftest import ROOT
from tests.contacts.importing import (
    HEADER,
    check,
    counts,
    csv_of,
    row,
    run,
    start,
    upload,
    work,
)
from tests.contacts.mending import make_due
from tests.queues import waits
from tests.records.people import IN, OUT, opt
from tests.world import World, new_number


def test_a_failure_in_the_middle_leaves_whole_batches_and_the_next_try_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", 4)
    numbers = [new_number() for _ in range(10)]
    import_id = upload(world, csv_of(*(("A", "", "", number, "ADM", "") for number in numbers)))
    check(world, import_id)
    start(world, import_id)
    with monkeypatch.context() as patched:
        calls: list[int] = []
        apply = quiet.apply

        def broken(*arguments: object) -> object:
            calls.append(1)
            if len(calls) == 2:
                raise OSError("the disk is full")
            return apply(*arguments)  # type: ignore[arg-type]

        patched.setattr(quiet, "apply", broken)
        cut = work(world, import_id)
    assert (cut.state, cut.rows_new) == ("importing", 4)
    assert "the disk is full" in cut.problem
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Contact)) == 4
    done = work(world, import_id)
    assert (done.state, counts(done), done.problem) == ("done", (10, 0, 0, 0), "")
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(OptOutChange)) == 10
        assert db.session.scalar(select(func.count()).select_from(ImportRow)) == 0
        assert db.session.scalar(select(func.count()).select_from(ImportOutcome)) == 0


def test_what_is_cut_off_again_and_again_fails_and_can_be_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = upload(world, csv_of(("A", "", "", new_number(), "ADM", "")))
    check(world, import_id)
    start(world, import_id)
    with monkeypatch.context() as patched:

        def broken(*arguments: object) -> None:
            raise OSError("no disk")

        patched.setattr(running, "_apply", broken)
        states = [work(world, import_id).state for _ in range(6)]
    assert states == ["importing"] * 5 + ["failed"]
    with world.session():
        service.resume(db.session.get_one(Import, import_id))
    assert counts(work(world, import_id)) == (1, 0, 0, 0)


def test_where_stored_numbers_can_not_be_read_again_an_import_fails_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = upload(world, csv_of(("A", "", "", new_number(), "ADM", "")))
    check(world, import_id)
    start(world, import_id)
    make_due(world)
    with monkeypatch.context() as patched:

        def broken(*arguments: object) -> None:
            raise ValueError("what is stored can't be read")

        patched.setattr(mending, "read_again", broken)
        tries = [work(world, import_id) for _ in range(6)]
    assert [each.state for each in tries] == ["importing"] * 5 + ["failed"]
    assert tries[-1].problem.startswith("The numbers of your contacts must be read again after the update")
    assert tries[-1].problem.endswith("It says: what is stored can't be read")
    with world.session():
        service.resume(db.session.get_one(Import, import_id))
    assert counts(work(world, import_id)) == (1, 0, 0, 0)


def test_who_waits_while_another_process_reads_numbers_has_used_up_no_try(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = upload(world, csv_of(("A", "", "", new_number(), "ADM", "")))
    check(world, import_id)
    start(world, import_id)
    with monkeypatch.context() as patched:
        patched.setattr(mending, "read_if_due", lambda: False)
        tries = [work(world, import_id) for _ in range(7)]
    assert {(each.state, each.attempts) for each in tries} == {("importing", 0)}
    assert counts(work(world, import_id)) == (1, 0, 0, 0)


def test_one_that_failed_before_an_update_is_read_again_by_todays_reading(world: World) -> None:
    good, old, stored = new_number(), "+442012", "+10000000000"
    stopping = world.add_contact(stored)
    opt(world, stopping, IN)
    rows = csv_of(
        ("A", "", "", good, "ADM", "no"),
        ("B", "", "", new_number(), "ADM", "no"),
        ("C", "", "", new_number(), "ADM", "yes"),
    )
    import_id = upload(world, rows)
    check(world, import_id)
    start(world, import_id)
    with world.session():
        # As a release that read numbers less strictly left it.
        for line, number in ((3, old), (4, stored)):
            db.session.execute(
                update(ImportRow)
                .where(ImportRow.import_id == import_id, ImportRow.line == line)
                .values(number=number)
            )
        imported = db.session.get_one(Import, import_id)
        imported.state = ImportState.FAILED
        db.session.commit()
        service.resume(imported)
    done = work(world, import_id)
    assert (done.state, counts(done)) == ("done", (1, 0, 0, 2))
    assert world.status(world.contact_id(good)) == IN
    assert world.status(stopping) == OUT
    with world.session():
        assert contact_with(old) is None


def test_a_cancelled_import_keeps_what_is_in_and_says_how_far_it_came(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", 3)
    content = csv_of(*(("A", "", "", new_number(), "ADM", "") for _ in range(9)))
    import_id = upload(world, content)
    check(world, import_id)
    start(world, import_id)
    with world.session():
        service.cancel(db.session.get_one(User, world.admin_id), db.session.get_one(Import, import_id))
    cut = work(world, import_id)
    assert (cut.state, counts(cut), cut.rows_done) == ("cancelled", (3, 0, 0, 0), 3)
    assert counts(run(world, content)) == (6, 0, 3, 0)


def test_a_check_can_be_cancelled(world: World) -> None:
    import_id = upload(world, csv_of(("A", "", "", new_number(), "ADM", "")))
    with world.session():
        imported = db.session.get_one(Import, import_id)
        imported.state = ImportState.CHECKING
        imported.columns = [{"kind": kind} for kind in ("skip", "skip", "skip", "number", "teams", "skip")]
        db.session.commit()
        service.cancel(db.session.get_one(User, world.admin_id), imported)
    assert work(world, import_id).state == "cancelled"


@pytest.mark.sized
def test_a_worker_killed_in_the_middle_is_followed_by_one_that_finishes(world: World) -> None:
    count = sizes.size(400, 4_000)
    first = int(new_number()[1:])
    content = csv_of(
        *(
            (f"F{n}", "L", "", f"+{first + n * 100_003 % 899_999_999}", "ADM", "", "2026-01-02")
            for n in range(count)
        ),
        header=(*HEADER, "ConsentDate"),
    )
    import_id = upload(world, content)
    checked = check(world, import_id)
    assert checked.rows_refused + checked.rows_new == count
    with world.app.app_context():
        # Other tests are their own workers and leave their jobs here.
        rq.get_queue("imports").empty()
    start(world, import_id)
    command = [sys.executable, "-m", "flask", "--app", "wsgi:app", "rq", "worker", "imports", "--burst"]
    worker = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"CADENCE_IMPORT_BATCH": "10"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(lambda: row(world, import_id).rows_done > 0)
    finally:
        for process in [*psutil.Process(worker.pid).children(recursive=True), psutil.Process(worker.pid)]:
            process.send_signal(signal.SIGKILL)
        worker.wait()
    cut = row(world, import_id)
    assert cut.state == "importing"
    assert 0 < cut.rows_done < count
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Contact)) == cut.rows_new
        db.session.execute(update(Import).values(touched_at=func.now() - timedelta(minutes=1)))
        db.session.commit()
    _until(lambda: _nobody_holds(world))
    with world.app.app_context():
        jobs.sweep_imports()
        assert waits("imports", f"import-{import_id}") == 1
    done = work(world, import_id)
    assert (done.state, sum(counts(done)), done.rows_new) == ("done", count, checked.rows_new)
    with world.session():
        for table in (Contact, OptOutChange, Consent, Evidence):
            assert db.session.scalar(select(func.count()).select_from(table)) == done.rows_new
    assert done.evidence == done.rows_new


def _nobody_holds(world: World) -> bool:
    with world.session():
        return not db.session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%import_%' AND state <> 'idle'"
                " AND pid <> pg_backend_pid()"
            )
        )


def _until(what: object) -> None:
    deadline = time.monotonic() + 60
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
