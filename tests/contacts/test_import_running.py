"""Imports that meet crashes, STOPs, lost jobs, other imports and themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update

from cadence_app import files
from cadence_app.accounts.models import User
from cadence_app.consent.models import Consent, OptOutChange, Source, Status
from cadence_app.contacts.imports import applying, jobs, running, service
from cadence_app.contacts.imports.models import Import, ImportOutcome, ImportRow, ImportState
from cadence_app.contacts.models import Contact
from cadence_app.contacts.service import contact_with
from cadence_app.extensions import db, rq
from cadence_app.reports.kinds import KINDS
from tests.conftest import ROOT
from tests.contacts.importing import (
    HEADER,
    check,
    counts,
    csv_of,
    everything,
    problems,
    row,
    run,
    start,
    upload,
    work,
)
from tests.queues import waits
from tests.records.people import IN, OUT, opt
from tests.reports.exporting import ask_for, attachment, mail_of, rows_of
from tests.reports.exporting import run as run_export
from tests.world import World, make_world, new_number

NUMBERS = [new_number() for _ in range(4)]
ROWS = st.tuples(
    st.sampled_from(["", "Ann", "Bo"]),
    st.sampled_from(["", "Lee"]),
    st.sampled_from(["", "1", "2", "3"]),
    st.sampled_from(["", *NUMBERS]),
    st.sampled_from(["ADM", "AID", "ADM;AID", ""]),
    st.sampled_from(["", "yes", "no", "perhaps"]),
)
BEFORE = st.lists(
    st.tuples(st.sampled_from(NUMBERS), st.sampled_from(["hi", "STOP", "START", "STOPALL"])), max_size=5
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=BEFORE, first=st.lists(ROWS, min_size=1, max_size=4), second=st.lists(ROWS, min_size=1, max_size=5)
)
def test_importing_twice_changes_nothing_and_nobody_who_stopped_is_opted_in(
    world: World, before: list[tuple[str, str]], first: list[tuple[str, ...]], second: list[tuple[str, ...]]
) -> None:
    own = make_world(world.app, "teams")
    for number, words in before:
        own.text(number, words)
    for rows in (first, second):
        # A row that is blank is none, and a file needs one.
        content = csv_of(*rows, ("Zed", "", "99", "", "", ""))
        stopped = _stopped(own)
        done = run(own, content)
        assert sum(counts(done)) == done.rows_total
        assert stopped <= _stopped(own)
        after = everything(own)
        again = run(own, content)
        assert counts(again)[:2] == (0, 0)
        assert again.statuses_changed == 0
        assert everything(own) == after


def _stopped(world: World) -> set[tuple[int, int]]:
    """The contacts and teams that are opted out by the contact's own words."""
    with world.session():
        query = select(Consent.contact_id, Consent.team_id).where(
            Consent.status == Status.OPTED_OUT, Consent.stopped_at.is_not(None)
        )
        return {(found.contact_id, found.team_id) for found in db.session.execute(query)}


def test_stops_that_come_while_an_import_opts_in_are_kept_and_nobody_waits_in_a_circle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", 5)
    numbers = [new_number() for _ in range(30)]
    for number in numbers:
        world.text(number, "hi")
    moved = {number: new_number() for number in numbers[::3]}
    with world.session():
        for index, number in enumerate(numbers):
            db.session.execute(
                update(Contact).where(Contact.number == number).values(external_id=f"R{index}")
            )
        db.session.commit()
    rows = [
        ("A", "", f"R{index}", moved.get(number, number), "ADM;AID", "no")
        for index, number in enumerate(numbers)
    ]
    import_id = upload(world, csv_of(*rows, *(("N", "", "", new_number(), "ADM", "") for _ in range(10))))
    check(world, import_id)
    start(world, import_id)
    failures: list[BaseException] = []
    stopping = [number for number in numbers if number not in moved]

    def stop(part: list[str]) -> None:
        try:
            for number in part:
                world.text(number, "STOP")
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=stop, args=(part,)) for part in (stopping[::2], stopping[:0:-2])]
    for thread in threads:
        thread.start()
    done = work(world, import_id)
    for thread in threads:
        thread.join()
    assert failures == []
    assert (done.state, sum(counts(done))) == ("done", 40)
    for number in {*stopping[::2], *stopping[:0:-2]}:
        assert world.status(world.contact_id(number)) == Status.OPTED_OUT
        assert world.history(world.contact_id(number), world.team_id)[-1].source == Source.KEYWORD


def test_two_imports_at_once_are_both_applied_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", 7)
    numbers = [new_number() for _ in range(40)]
    ids = []
    for order in (numbers, numbers[::-1]):
        import_id = upload(world, csv_of(*(("A", "", "", number, "ADM", "") for number in order)))
        check(world, import_id)
        start(world, import_id)
        ids.append(import_id)
    threads = [threading.Thread(target=work, args=(world, import_id)) for import_id in ids * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whichever had to let the other go first is taken up by the sweep.
    done = [work(world, import_id) for import_id in ids]
    assert sorted(counts(each) for each in done) == [(0, 0, 40, 0), (40, 0, 0, 0)]


def test_somebody_who_texts_between_check_and_import_is_updated(world: World) -> None:
    number = new_number()
    import_id = upload(world, csv_of(("Ann", "Lee", "5", number, "ADM", "no")))
    assert counts(check(world, import_id)) == (1, 0, 0, 0)
    world.text(number, "STOP")
    start(world, import_id)
    done = work(world, import_id)
    assert counts(done) == (0, 1, 0, 0)
    assert (world.status(world.contact_id(number)), done.opt_ins_held) == (Status.OPTED_OUT, 1)


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
        set_by_import = applying.set_by_import

        def broken(*arguments: object) -> object:
            calls.append(1)
            if len(calls) == 2:
                raise OSError("the disk is full")
            return set_by_import(*arguments)  # type: ignore[arg-type]

        patched.setattr(applying, "set_by_import", broken)
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


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_finishes(world: World) -> None:
    count = 2_000
    first = int(new_number()[1:])
    content = csv_of(
        *((f"F{n}", "L", "", f"+{first + n * 100_003 % 899_999_999}", "ADM", "") for n in range(count))
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
        for table in (Contact, OptOutChange, Consent):
            assert db.session.scalar(select(func.count()).select_from(table)) == done.rows_new


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


def test_a_file_whose_time_is_over_is_deleted_with_its_rows(world: World) -> None:
    import_id = upload(world, csv_of(("A", "", "", new_number(), "ADM", "")))
    key = check(world, import_id).file_key
    with world.session():
        db.session.execute(update(Import).values(expires_at=func.now() - timedelta(seconds=1)))
        db.session.commit()
    with world.app.app_context():
        jobs.remove_expired_imports()
    over = row(world, import_id)
    assert (over.state, over.file_key) == ("cancelled", "")
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(ImportRow)) == 0
        with pytest.raises(FileNotFoundError):
            files.read(key)


def test_a_file_that_is_gone_says_so(world: World) -> None:
    import_id = upload(world, csv_of(("A", "", "", new_number(), "ADM", "")))
    with world.session():
        files.remove(db.session.get_one(Import, import_id).file_key)
    assert "gone from the storage" in check(world, import_id).problem


def test_another_tenants_people_are_neither_found_nor_touched(world: World, legacy_world: World) -> None:
    number = new_number()
    theirs = legacy_world.add_contact(number, external_id="1", first_name="Theirs")
    assert counts(run(world, csv_of(("Ours", "", "1", number, "ADM", "")))) == (1, 0, 0, 0)
    with legacy_world.session():
        assert db.session.get_one(Contact, theirs).first_name == "Theirs"
        assert db.session.scalars(select(Import)).all() == []


def test_the_log_of_imports_is_a_kind_of_export(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "STOP")
    run(
        world,
        csv_of(("A", "", "", number, "ADM", "no"), ("B", "", "", "x", "ADM", ""), header=HEADER),
        stop_reason="=They signed.",
        name="=roster.csv",
    )
    upload(world, csv_of(("A", "", "", number, "ADM", "no")))
    export = run_export(world, ask_for(world, kind=KINDS["import-log"]))
    header, only = rows_of(attachment(mail_of(world, export)))
    told = dict(zip(header, only, strict=True))
    assert (told["User"], told["FileName"], told["State"]) == ("Admin Person", "'=roster.csv", "Done")
    assert (told["Rows"], told["New"], told["Updated"], told["Refused"]) == ("2", "0", "1", "1")
    assert (told["StatusesChanged"], told["LiftedStops"], told["Reason"]) == ("1", "Yes", "'=They signed.")


def test_every_problem_of_a_file_is_in_its_result_in_order(world: World) -> None:
    rows = [("A", "", "", "bad" if n % 2 else new_number(), "ADM", "") for n in range(40)]
    done = run(world, csv_of(*rows))
    said = problems(world, done)
    assert [each.split(":")[0] for each in said] == [f"Line {n + 2}" for n in range(40) if n % 2]
