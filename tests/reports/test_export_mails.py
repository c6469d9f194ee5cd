"""From a request to the mail: a real worker, Redis, and SMTP over a socket."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, update

from cadence_app import files
from cadence_app.accounts.models import Role, User
from cadence_app.consent import seals
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.reports import jobs, service
from cadence_app.reports.models import Delivery, Export, ExportState
from tests.reports.exporting import (
    ask_for,
    attachment,
    change,
    export_row,
    mails_to,
    rows_of,
    run,
)
from tests.smtp import HangingUp, KnowingNobody, Taking, mail_goes_to
from tests.world import World, new_number


def test_a_file_past_the_limit_goes_as_a_zip_and_past_that_as_a_link(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(60):
        change(world, world.add_contact(), Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    monkeypatch.setitem(world.app.config, "MAIL_ATTACHMENT_LIMIT", 3000)
    assert run(world, ask_for(world)).delivery == Delivery.ZIP
    (mail,) = mails_to(world)
    with zipfile.ZipFile(io.BytesIO(attachment(mail))) as archive:
        (name,) = archive.namelist()
        assert len(rows_of(archive.read(name))) == 61
    monkeypatch.setitem(world.app.config, "MAIL_ATTACHMENT_LIMIT", 500)
    linked = run(world, ask_for(world, date(2026, 1, 1)))
    assert linked.delivery == Delivery.LINK
    mail = next(m for m in mails_to(world) if not list(m.iter_attachments()))
    body = mail.get_body(("plain",))
    assert body is not None
    assert f"/exports/{linked.id}/download" in body.get_content()


def test_the_limit_counts_the_size_after_base64(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    change(world, world.add_contact(), Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    size = run(world, ask_for(world)).size
    assert size is not None
    monkeypatch.setitem(world.app.config, "MAIL_ATTACHMENT_LIMIT", int(size * 1.2))
    assert run(world, ask_for(world, date(2026, 1, 1))).delivery != Delivery.CSV


def test_a_mail_server_that_is_down_delays_the_mail_and_the_file_is_there_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_extension = world.app.extensions["mail"]
    right = mail_extension.port
    monkeypatch.setattr(mail_extension, "port", 1)
    export_id = ask_for(world)
    waiting = run(world, export_id)
    assert (waiting.state, waiting.attempts) == (ExportState.MAILING, 1)
    assert "refused" in waiting.problem
    with world.session():
        assert service.downloadable(db.session.get_one(Export, export_id))
        db.session.execute(update(Export).values(next_attempt_at=func.now() - timedelta(minutes=1)))
        db.session.commit()
    monkeypatch.setattr(mail_extension, "port", right)
    _sweep_and_work(world)
    assert export_row(world, export_id).state == ExportState.SENT
    assert len(mails_to(world)) == 1


def test_a_final_refusal_fails_the_export_and_retry_mails_the_file_again(world: World) -> None:
    export_id = ask_for(world)
    with mail_goes_to(world.app, KnowingNobody()):
        failed = run(world, export_id)
    assert failed.state == ExportState.FAILED
    assert "no such user" in failed.problem
    with world.session():
        service.retry(db.session.get_one(Export, export_id))
    assert run(world, export_id).state == ExportState.SENT
    assert len(mails_to(world)) == 1


def test_a_mail_that_is_too_large_for_the_server_goes_as_a_link(world: World) -> None:
    for _ in range(120):
        change(world, world.add_contact(), Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    server = Taking()
    with mail_goes_to(world.app, server, data_size_limit=10_000):
        assert run(world, ask_for(world)).delivery == Delivery.LINK
    assert server.taken == 1


def test_a_server_that_hangs_up_after_taking_the_mail_gets_it_once(world: World) -> None:
    server = HangingUp()
    export_id = ask_for(world)
    with mail_goes_to(world.app, server):
        assert run(world, export_id).state == ExportState.SENT
        run(world, export_id)
    assert server.taken == 1


def test_an_address_no_mail_can_have_fails_the_export_with_its_reason(world: World) -> None:
    with world.session():
        db.session.get_one(User, world.admin_id).email = f"zoë-{world.tenant_id}@college.example"
        db.session.commit()
    failed = run(world, ask_for(world))
    assert failed.state == ExportState.FAILED
    assert "could not be sent" in failed.problem


def test_who_is_no_admin_any_more_gets_no_file(world: World) -> None:
    world.text(new_number(), "hi")
    export_id = ask_for(world)
    with world.session():
        db.session.get_one(User, world.admin_id).role = Role.AGENT
        db.session.commit()
    failed = run(world, export_id)
    assert (failed.state, mails_to(world)) == (ExportState.FAILED, [])


def test_a_file_that_is_gone_from_the_storage_is_written_again_at_retry(world: World) -> None:
    world.text(new_number(), "hi")
    export_id = ask_for(world)
    with mail_goes_to(world.app, KnowingNobody()):
        run(world, export_id)
    with world.session():
        export = db.session.get_one(Export, export_id)
        files.remove(export.file_key)
        service.retry(export)
    assert "gone from the storage" in run(world, export_id).problem
    with world.session():
        service.retry(db.session.get_one(Export, export_id))
    assert run(world, export_id).state == ExportState.SENT
    assert len(rows_of(attachment(mails_to(world)[0]))) == 2


def test_an_export_whose_every_try_was_cut_off_fails_and_says_so(world: World) -> None:
    export_id = ask_for(world)
    with world.session():
        db.session.execute(update(Export).values(state=ExportState.RUNNING, attempts=5))
        db.session.commit()
    failed = run(world, export_id)
    assert failed.state == ExportState.FAILED
    assert "cut off" in failed.problem


def test_what_a_broken_database_or_disk_interrupts_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(world.app.config, "FILES_URL", "file:///proc/nowhere")
        export_id = ask_for(world)
        waiting = run(world, export_id)
        assert (waiting.state, waiting.file_key) == (ExportState.QUEUED, "")
        assert "could not be written" in waiting.problem
    with world.session():
        db.session.execute(update(Export).values(next_attempt_at=func.now()))
        db.session.commit()
    assert run(world, export_id).state == ExportState.SENT


def test_a_request_whose_job_redis_lost_is_swept_up_and_mailed_by_a_real_worker(world: World) -> None:
    world.text(new_number(), "hi")
    export_id = ask_for(world)
    with world.session():
        db.session.execute(update(Export).values(next_attempt_at=func.now() - timedelta(minutes=1)))
        db.session.commit()
    _sweep_and_work(world)
    assert export_row(world, export_id).state == ExportState.SENT
    assert len(rows_of(attachment(mails_to(world)[0]))) == 2


def test_expired_files_are_deleted_and_can_not_be_had_any_more(world: World) -> None:
    export_id = ask_for(world)
    run(world, export_id)
    with world.session():
        db.session.execute(update(Export).values(expires_at=func.now() - timedelta(seconds=1)))
        db.session.commit()
    browser = world.sign_in("admin")
    assert browser.get(f"/exports/{export_id}/download").status_code == 404
    with world.app.app_context():
        jobs.remove_expired_exports()
    assert export_row(world, export_id).file_key == ""


def _sweep_and_work(world: World) -> None:
    """The sweep, then a worker in a process of its own that runs until the queue is empty."""
    with world.app.app_context():
        jobs.sweep_exports()
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi:app", "rq", "worker", "reports", "--burst"],
        check=True,
        capture_output=True,
        timeout=60,
    )


def test_the_mail_carries_the_newest_seal_for_keeping(world: World) -> None:
    contact_id = world.add_contact()
    change(world, contact_id, Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC) - timedelta(days=3))
    with world.session():
        seals.seal_closed_days()
        seal = seals.head()
        assert seal
        digest, day = seal.digest.hex(), seal.day
    run(world, ask_for(world))
    for kind in ("plain", "html"):
        body = mails_to(world)[0].get_body((kind,))
        assert body is not None
        assert digest in body.get_content()
        assert f"{day:%b} {day.day}, {day.year} (UTC)" in body.get_content()
