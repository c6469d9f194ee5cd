"""No log, no error page and no record of a failed job says whose data a statement was about."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import cast

import psycopg
import pytest
from flask import Flask
from rq import SimpleWorker
from rq.job import Job
from rq.registry import FailedJobRegistry
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from cadence_app.contacts.imports import staging
from cadence_app.contacts.imports.understanding import Understood
from cadence_app.contacts.models import Contact
from cadence_app.database_errors import without_values
from cadence_app.extensions import db, rq
from cadence_app.messaging.models import Direction, Message, MessageState
from tests.closed import failing
from tests.world import World, new_number

NAME, WORDS = "Wilhelmina", "please call me about my grades"


def _said(error: BaseException) -> str:
    """All that a log or RQ could write of an error: itself, its causes, and the lines that it passed."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error.args)


def _duplicate(world: World, number: str) -> None:
    failing.add_twice(world.tenant_id, number, NAME)


def _null(world: World, number: str) -> None:
    values = {"t": world.tenant_id, "n": number, "f": NAME}
    db.session.execute(
        text("INSERT INTO contacts (tenant_id, number, first_name) VALUES (:t, :n, :f)"), values
    )


def _checked(world: World, number: str) -> None:
    message = Message(tenant_id=world.tenant_id, conversation_id=1, body=f"{WORDS} {number} {NAME}")
    message.direction, message.state = cast(Direction, "sideways"), MessageState.RECEIVED
    db.session.add(message)
    db.session.flush()


def _foreign_key(world: World, number: str) -> None:
    values = {"t": world.tenant_id, "n": f"{number} {NAME} {WORDS}"}
    db.session.execute(
        text("INSERT INTO teams (tenant_id, name, code) SELECT 0, :n, :n WHERE :t > 0"), values
    )


def _not_a_number(world: World, number: str) -> None:
    db.session.execute(text("SELECT CAST(:n AS bigint)"), {"n": f"{number} {NAME} {WORDS}"})


def _not_a_date(world: World, number: str) -> None:
    db.session.execute(text("SELECT CAST(:n AS timestamptz)"), {"n": f"{NAME} {WORDS} {number}"})


def _not_json(world: World, number: str) -> None:
    db.session.execute(text("SELECT CAST(:n AS jsonb)"), {"n": f"{NAME} {WORDS} {number}"})


def _raised(world: World, number: str) -> None:
    code = "DO $$ BEGIN RAISE EXCEPTION 'no %', current_setting('test.value'); END $$"
    db.session.execute(text("SELECT set_config('test.value', :n, true)"), {"n": f"{number} {NAME} {WORDS}"})
    db.session.execute(text(code))


def _cannot_be_sent(world: World, number: str) -> None:
    db.session.execute(text("SELECT :n"), {"n": f"{number} {NAME} {WORDS}\0"})


def _not_of_the_type(world: World, number: str) -> None:
    row = Contact(tenant_id=world.tenant_id, number=number, first_name=NAME, last_name=WORDS, external_id="")
    row.id = f"{number} {NAME} {WORDS}"  # type: ignore[assignment]
    db.session.add(row)
    db.session.flush()


def _copied(world: World, number: str) -> None:
    row = Understood(line=7)
    row.first_name, row.last_name, row.number, row.external_id = NAME, WORDS, number, "\0" + NAME
    row.said_at = f"{NAME} {WORDS}"  # type: ignore[assignment]
    with db.engine.begin() as connection:
        connection.execute(staging._SCRATCH)
        staging._copy(connection, (world.tenant_id, 1), [row])


FAILING = [
    *(_duplicate, _null, _checked, _foreign_key, _not_a_number, _not_a_date, _not_json, _raised),
    *(_cannot_be_sent, _not_of_the_type, _copied),
]


@pytest.mark.parametrize("fail", FAILING)
def test_an_error_of_a_statement_says_nothing_of_its_values(
    world: World, fail: Callable[[World, str], None]
) -> None:
    number = new_number()
    with world.session(), pytest.raises((DBAPIError, psycopg.Error)) as caught:
        fail(world, number)
    said = _said(caught.value)
    for secret in (number, number[2:], NAME, WORDS):
        assert secret not in said


def test_it_still_says_what_is_wrong_and_code_can_look_at_it(world: World) -> None:
    number = new_number()
    with world.session(), pytest.raises(IntegrityError) as caught:
        _duplicate(world, number)
    assert "duplicate key value violates unique constraint" in str(caught.value)
    assert "SQLSTATE 23505, table contacts, constraint" in str(caught.value)
    assert isinstance(caught.value.orig, psycopg.errors.UniqueViolation)
    assert caught.value.orig.diag.constraint_name


def test_the_session_that_failed_says_no_more_of_it(world: World) -> None:
    number = new_number()
    with world.session():
        with pytest.raises(IntegrityError):
            _duplicate(world, number)
        with pytest.raises(PendingRollbackError) as caught:
            db.session.execute(text("SELECT 1"))
    assert number not in _said(caught.value)


def test_a_migrations_error_is_cut_too(app: Flask) -> None:
    engine = create_engine(app.config["DATABASE_OWNER_URL"], hide_parameters=True)
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text(f"SELECT CAST('{NAME}' || :n AS bigint)"), {"n": WORDS})
    assert WORDS not in _said(caught.value)
    engine.dispose()


def test_a_server_out_of_reach_is_still_told() -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect("postgresql://nobody@127.0.0.1:1/nowhere", connect_timeout=2)
    assert "port 1" in without_values(caught.value)


def test_neither_the_page_of_a_crash_nor_the_log_says_whom_it_was_about(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    number, admin = new_number(), world.sign_in("admin")
    world.add_contact(number, first_name=NAME)

    def broken() -> str:
        failing.add_twice(world.tenant_id, number, NAME)
        return ""

    monkeypatch.setitem(world.app.view_functions, "contacts.index", broken)
    with caplog.at_level(logging.DEBUG):
        answer = admin.get(f"/contacts/?q={number}")
    assert answer.status_code == 500
    formatter = logging.Formatter()
    logged = "\n".join(formatter.format(record) for record in caplog.records)
    assert "unhandled error" in logged
    assert "UniqueViolation" in logged
    for secret in (number, number[1:], NAME):
        assert secret not in answer.text
        assert secret not in logged


def test_rqs_record_of_a_failed_job_says_no_more_than_ids(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    number = new_number()
    contact_id = world.add_contact(number, first_name=NAME, last_name=WORDS)
    with world.app.app_context(), caplog.at_level(logging.DEBUG):
        queue = rq.get_queue("reports")
        # Other tests leave jobs, and this worker takes one.
        queue.empty()
        job = queue.enqueue(failing.add_by_sql, args=(world.tenant_id, contact_id))
        redis = queue.connection
        SimpleWorker([queue], connection=redis, job_class=queue.job_class).work(burst=True, max_jobs=1)
        assert job.id in FailedJobRegistry(queue=queue).get_job_ids()
        kept = _all_of(redis, job)
        FailedJobRegistry(queue=queue).remove(job, delete_job=True)
    assert "IntegrityError" in kept
    logged = "\n".join(logging.Formatter().format(record) for record in caplog.records)
    for secret in (number, number[1:], NAME, WORDS):
        assert secret not in kept
        assert secret not in logged


def _all_of(redis: object, job: Job) -> str:
    """All that Redis holds of a job, unpacked: its hash, what it failed with, and its own words."""
    result = job.latest_result()
    assert result
    raw = redis.hgetall(job.key)  # type: ignore[attr-defined]
    return f"{raw} {job.description} {job.args} {job.kwargs} {job.meta} {result.exc_string}"


def test_the_log_of_the_embedded_postgresql_has_no_statement_that_failed(
    world: World, data_dir: Path
) -> None:
    number = new_number()
    for fail in (_duplicate, _not_a_number):
        with world.session(), pytest.raises(DBAPIError):
            fail(world, number)
    log = (data_dir / "postgres" / "log").read_text(errors="replace")
    assert number not in log
    assert NAME not in log
