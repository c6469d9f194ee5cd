"""From a request to the mail: a real worker, Redis, and SMTP over a socket."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import threading
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from cadence_app import files
from cadence_app.accounts.models import Role, User
from cadence_app.consent import by_user as consent
from cadence_app.consent import seals
from cadence_app.consent.models import Source, Status
from cadence_app.contacts import service as contacts
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.reports import jobs, service, writing
from cadence_app.reports.models import Delivery, Export, ExportState
from cadence_app.reports.ranges import utc_bounds
from tests.reports.exporting import (
    HEADER,
    ask_for,
    attachment,
    cells_of,
    change,
    export_row,
    mails_to,
    open_in_spreadsheet,
    rows_of,
    run,
)
from tests.smtp import HangingUp, KnowingNobody, Taking, mail_goes_to
from tests.world import World, new_number

NEW_YORK = ZoneInfo("America/New_York")


def test_the_four_kinds_of_change_are_in_the_file_oldest_first_and_no_import_is(world: World) -> None:
    cold = new_number()
    world.text(cold, "hi")
    world.text(cold, "STOP")
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        team = next(team for team in admin.teams if team.id == world.team_id)
        added = contacts.add_contact(admin, team, new_number(), "Zoë", "O'Brien", "00123")
        number, added_id = added.number, added.id
    with world.session():
        consent.set_by_user(
            db.session.get_one(User, world.agent_id), added_id, world.team_id, Status.OPTED_OUT
        )
        db.session.commit()
    imported = world.add_contact()
    change(world, imported, Status.OPTED_IN, Source.IMPORT, datetime.now(UTC))
    change(world, imported, Status.OPTED_OUT, Source.API, datetime.now(UTC))

    export = run(world, ask_for(world))
    (mail,) = mails_to(world)
    header, *rows = rows_of(attachment(mail))
    assert header == HEADER
    assert [row[:6] for row in rows] == [
        ["", "", "", "ADM", cold, "Opted In"],
        ["", "", "", "ADM", cold, "Opted Out"],
        ["Zoë", "O'Brien", "00123", "ADM", number, "Opted In"],
        ["Zoë", "O'Brien", "00123", "ADM", number, "Opted Out"],
    ]
    assert [row[6] for row in rows] == sorted(row[6] for row in rows)
    assert all(datetime.strptime(row[6], "%Y-%m-%dT%H:%M:%SZ") for row in rows)
    assert (export.state, export.rows_written, export.delivery) == ("sent", 4, Delivery.CSV)


def test_a_rename_after_the_change_leaves_the_old_row_as_it_was(world: World) -> None:
    contact_id = world.add_contact(first_name="Old", last_name="Name")
    change(world, contact_id, Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    with world.session():
        contacts.edit_contact(
            db.session.get_one(User, world.admin_id),
            db.session.get_one(Contact, contact_id),
            first_name="New",
            last_name="Name",
            external_id="77",
        )
    run(world, ask_for(world))
    assert rows_of(attachment(mails_to(world)[0]))[1][:3] == ["Old", "Name", ""]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 8), 23), (date(2025, 11, 2), 25), (date(2026, 7, 1), 24)],
    ids=["clocks go forward", "clocks go back", "an ordinary day"],
)
def test_the_first_and_last_second_of_a_day_are_in_its_file(world: World, day: date, hours: int) -> None:
    start, end = utc_bounds(day, day, NEW_YORK)
    assert end - start == timedelta(hours=hours)
    moments = [start - timedelta(seconds=1), start, end - timedelta(seconds=1), end]
    contact_id = world.add_contact()
    statuses = [Status.OPTED_OUT, Status.OPTED_IN] * 2
    for moment, status in zip(moments, statuses, strict=True):
        change(world, contact_id, status, Source.TOGGLE, moment)
    run(world, ask_for(world, day, day))
    dates = [row[6] for row in rows_of(attachment(mails_to(world)[0]))[1:]]
    assert dates == [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in moments[1:3]]


def test_no_rows_are_mailed_too_as_a_file_with_only_its_header(world: World) -> None:
    run(world, ask_for(world))
    (mail,) = mails_to(world)
    assert rows_of(attachment(mail)) == [HEADER]
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert "no change" in body.get_content().lower()


def test_what_a_spreadsheet_would_run_is_defused_and_the_rest_is_left_alone(world: World) -> None:
    names = [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+1", "'+1"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\uff1d1", "'\uff1d1"),
        ('Zoë "Z", O\'Brien', 'Zoë "Z", O\'Brien'),
        ("two\nlines", "two\nlines"),
        ("\u05d3\u05d5\u05d3", "\u05d3\u05d5\u05d3"),
        ("a=b", "a=b"),
    ]
    for first_name, _ in names:
        contact_id = world.add_contact(first_name=first_name)
        change(world, contact_id, Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    run(world, ask_for(world))
    rows = rows_of(attachment(mails_to(world)[0]))[1:]
    assert [row[0] for row in rows] == [expected for _, expected in names]
    assert all(row[4].startswith("+1") for row in rows)


def test_hostile_cells_survive_into_a_spreadsheet(world: World, tmp_path: Path) -> None:
    names = [
        '=HYPERLINK("http://x")',
        'Zoë "Z", O\'Brien',
        "two\nlines",
        "\u05d3\u05d5\u05d3 \u0628",
        "Plain",
    ]
    for index, name in enumerate(names):
        contact_id = world.add_contact(first_name=name, external_id=f"0012{index}")
        change(world, contact_id, Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    run(world, ask_for(world))
    source = tmp_path / "export.csv"
    source.write_bytes(attachment(mails_to(world)[0]))
    converted = open_in_spreadsheet(source, "fods")
    cells = cells_of(converted, len(HEADER))
    assert cells[0] == HEADER
    assert [row[0] for row in cells[1:]] == ["'" + names[0], *names[1:]]
    assert [row[2] for row in cells[1:]] == [f"0012{index}" for index in range(len(names))]
    assert all(row[4].startswith("+1") for row in cells[1:])
    assert "of:=" not in converted.read_text()


def test_one_request_pressed_twice_at_once_is_one_export(world: World) -> None:
    ids: list[int] = []
    threads = [threading.Thread(target=lambda: ids.append(ask_for(world))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    assert ask_for(world, date(2026, 1, 1), date(2026, 1, 2)) not in ids


def test_running_an_export_twice_at_once_mails_it_once(world: World) -> None:
    export_id = ask_for(world)
    threads = [threading.Thread(target=run, args=(world, export_id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mails_to(world)) == 1


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


def test_the_digest_of_the_row_is_that_of_the_file(world: World) -> None:
    world.text(new_number(), "hi")
    export = run(world, ask_for(world))
    content = attachment(mails_to(world)[0])
    assert export.sha256 == hashlib.sha256(content).hexdigest()
    assert export.size == len(content)
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Export)) == 1


def test_a_file_of_many_pieces_is_whole_and_its_digest_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_PIECE", 64)
    numbers = [new_number() for _ in range(40)]
    for number in numbers:
        world.text(number, "hi")
    export = run(world, ask_for(world))
    content = attachment(mails_to(world)[0])
    assert [row[4] for row in rows_of(content)[1:]] == numbers
    assert (export.size, export.sha256) == (len(content), hashlib.sha256(content).hexdigest())


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
