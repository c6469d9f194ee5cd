"""Delivery to SFTP servers and S3 storage: whole, once, and in words where it fails."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from sqlalchemy import text

from cadence_app import files
from cadence_app.accounts.models import AuditEntry, User
from cadence_app.extensions import db
from cadence_app.reports.destinations import naming, service
from cadence_app.reports.destinations.jobs import sweep_failed_deliveries
from cadence_app.reports.destinations.models import Destination, WhenTaken
from cadence_app.reports.destinations.problems import DeliveryProblem
from cadence_app.reports.models import DeliveryState, Export, ExportDelivery, ExportState
from tests.conftest import free_port
from tests.reports.delivery import add_s3, add_sftp, ask, change_place, delivery_of, try_again
from tests.reports.exporting import mail_of, mails_to, run
from tests.reports.servers import PASSWORD, SftpHost, s3_serving, sftp_serving
from tests.world import World


def problem_of_test(world: World, destination_id: int) -> str:
    """What the Test button says; empty where all went well."""
    with world.session():
        try:
            service.try_out(db.session.get_one(Destination, destination_id))
        except DeliveryProblem as problem:
            return str(problem)
    return ""


def test_a_file_arrives_whole_under_its_name_by_way_of_a_part(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host, with_digest=True)
    export = run(world, ask(world, place))
    assert (export.state, export.problem) == (ExportState.SENT, "")
    name = f"changes-{export.start_date}.csv"
    assert sftp_host.names() == [f"in/{name}", f"in/{name}.sha256"]
    content = (sftp_host.folder / "in" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == export.sha256
    assert (sftp_host.folder / "in" / f"{name}.sha256").read_text() == f"{export.sha256}  {name}\n"
    assert all(each.endswith(".part") for each in sftp_host.seen)
    assert delivery_of(world, export.id, place).state == DeliveryState.DELIVERED
    assert mail_of(world, export)


def test_a_private_key_signs_in(world: World, sftp_host: SftpHost) -> None:
    secret = sftp_host.user_key.export_private_key().decode()
    assert problem_of_test(world, add_sftp(world, sftp_host, by_key=True, secret=secret)) == ""
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    refused = add_sftp(world, sftp_host, by_key=True, secret=other, name="Other")
    assert "refused the sign-in" in problem_of_test(world, refused)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, ""),
        ({"folder": ""}, ""),
        ({"folder": "/in"}, ""),
        ({"secret": "wrong"}, "127.0.0.1 refused the sign-in of cadence"),
        ({"folder": "nowhere"}, "There is no folder nowhere"),
        ({"host": "nowhere.invalid"}, "The name nowhere.invalid was not found"),
        ({"host": "169.254.169.254"}, "an address that files may not be delivered to"),
        ({"confirmed": False}, "The server's key is not confirmed yet"),
    ],
)
def test_the_test_button_says_what_failed(
    world: World, sftp_host: SftpHost, changed: dict[str, Any], says: str
) -> None:
    problem = problem_of_test(world, add_sftp(world, sftp_host, **changed))
    assert (says in problem) if says else problem == ""
    assert sftp_host.names() == []


def test_a_server_that_refuses_or_has_no_room_is_told_apart(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host)
    sftp_host.full = True
    assert problem_of_test(world, place).endswith("there is no room left")
    change_place(world, place, port=1)
    assert problem_of_test(world, place) == "127.0.0.1 refused the connection on port 1"


def test_nothing_goes_to_a_server_with_another_key_until_it_is_confirmed(
    world: World, sftp_host: SftpHost
) -> None:
    place = add_sftp(world, sftp_host)
    impostor = SftpHost(sftp_host.folder)
    with sftp_serving(impostor):
        change_place(world, place, port=impostor.port)
        export = run(world, ask(world, place))
        assert export.state == ExportState.MAILING
        assert "is not the one that was confirmed" in delivery_of(world, export.id, place).problem
        assert sftp_host.names() == []
        page = world.sign_in("admin").get(f"/settings/destinations/{place}/key").text
        assert sftp_host.key.get_fingerprint() in page
        assert impostor.key.get_fingerprint() in page
        assert "has changed" in page
        admin = world.sign_in("admin")
        admin.post(f"/settings/destinations/{place}/key", {"host_key": impostor.host_key})
        assert try_again(world, export.id).state == ExportState.SENT


def test_a_connection_that_breaks_in_the_middle_leaves_no_file_and_the_next_try_delivers(
    world: World, sftp_host: SftpHost
) -> None:
    place = add_sftp(world, sftp_host)
    sftp_host.drop_after = 10
    export = run(world, ask(world, place))
    assert export.state == ExportState.MAILING
    assert "broke off" in delivery_of(world, export.id, place).problem
    assert [name for name in sftp_host.names() if not name.endswith(".part")] == []
    sftp_host.drop_after = None
    export = try_again(world, export.id)
    assert export.state == ExportState.SENT
    assert sftp_host.names() == [f"in/changes-{export.start_date}.csv"]
    assert len([mail for mail in mails_to(world) if "Opt out history" in str(mail["Subject"])]) == 1


def test_a_worker_killed_after_the_rename_does_not_deliver_twice(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host, with_digest=True)
    export = run(world, ask(world, place))
    # As it is where the worker dies between the rename and its note of it.
    with world.session():
        row = db.session.get_one(ExportDelivery, (export.id, place))
        row.state, row.delivered_at = DeliveryState.WAITING, None
        db.session.get_one(Export, export.id).state = ExportState.MAILING
        db.session.commit()
    (sftp_host.folder / "in" / f"changes-{export.start_date}.csv.sha256").unlink()
    sftp_host.seen.clear()
    assert try_again(world, export.id).state == ExportState.SENT
    assert [name.partition(".csv")[2].partition(".")[2].split(".")[0] for name in sftp_host.seen] == [
        "sha256"
    ]
    assert len(sftp_host.names()) == 2


@pytest.mark.parametrize("plain", [False, True], ids=["posix-rename", "plain-rename"])
def test_a_file_of_the_same_name_is_replaced(world: World, sftp_host: SftpHost, plain: bool) -> None:
    sftp_host.plain_rename = plain
    place = add_sftp(world, sftp_host, file_pattern="nightly")
    (sftp_host.folder / "in" / "nightly.csv").write_text("old")
    assert run(world, ask(world, place)).state == ExportState.SENT
    assert (sftp_host.folder / "in" / "nightly.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert sftp_host.names() == ["in/nightly.csv"]


def test_or_the_new_file_waits_until_the_old_one_is_loaded(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host, file_pattern="nightly", when_taken=WhenTaken.WAIT)
    old = sftp_host.folder / "in" / "nightly.csv"
    old.write_text("old")
    export = run(world, ask(world, place))
    assert (export.state, old.read_text()) == (ExportState.MAILING, "old")
    assert "is still there" in export.problem
    old.unlink()
    assert try_again(world, export.id).state == ExportState.SENT


def test_what_needs_somebody_fails_after_five_tries_is_told_by_mail_once_and_can_be_retried(
    world: World, sftp_host: SftpHost
) -> None:
    place = add_sftp(world, sftp_host, folder="nowhere")
    export = run(world, ask(world, place))
    assert try_again(world, export.id, 3).state == ExportState.MAILING
    export = try_again(world, export.id)
    assert export.state == ExportState.FAILED
    assert export.problem == "Not delivered to Loader: There is no folder nowhere."
    with world.app.app_context():
        sweep_failed_deliveries()
        sweep_failed_deliveries()
    (mail,) = [mail for mail in mails_to(world) if str(mail["Subject"]).startswith("Not delivered")]
    assert "There is no folder nowhere." in mail.get_content()
    admin = world.sign_in("admin")
    page = admin.get("/reports/exports/opt-out-history").text
    assert "Not delivered" in page
    (sftp_host.folder / "nowhere").mkdir()
    admin.post(f"/exports/{export.id}/retry")
    assert run(world, export.id).state == ExportState.SENT
    # The mail had gone out with the first try.
    assert len([mail for mail in mails_to(world) if "SHA-256" in str(mail.get_body(("plain",)))]) == 1


def test_a_paused_destination_keeps_its_files_waiting(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host)
    admin = world.sign_in("admin")
    admin.post(f"/settings/destinations/{place}/pause")
    export = run(world, ask(world, place))
    assert (export.state, sftp_host.names()) == (ExportState.MAILING, [])
    assert delivery_of(world, export.id, place).attempts == 0
    admin.post(f"/settings/destinations/{place}/resume")
    assert try_again(world, export.id).state == ExportState.SENT


def test_storage_gets_the_file_and_its_digest(world: World, s3_folder: Path, s3_url: str) -> None:
    bucket = f"bucket-{world.tenant_id}"
    (s3_folder / bucket).mkdir()
    place = add_s3(world, s3_url, bucket)
    assert problem_of_test(world, place) == ""
    export = run(world, ask(world, place))
    assert (export.state, export.problem) == (ExportState.SENT, "")
    stored = s3_folder / bucket / "nightly"
    name = f"changes-{export.start_date}.csv"
    assert sorted(path.name for path in stored.iterdir()) == [name, f"{name}.sha256"]
    with world.app.app_context():
        assert (stored / name).read_bytes() == files.read(export.file_key)


def test_what_storage_refuses_is_told_in_words(
    world: World, s3_folder: Path, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the machine's own storage uses must not reach a tenant's.
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    (s3_folder / f"refused-{world.tenant_id}").mkdir()
    bucket = f"refused-{world.tenant_id}"
    place = add_s3(world, s3_url, bucket, secret="wrong")
    assert problem_of_test(world, place) == "127.0.0.1 refused the sign-in of the key cadence-key"
    port = free_port()
    change_place(world, place, endpoint=f"http://127.0.0.1:{port}")
    assert problem_of_test(world, place) == f"127.0.0.1 refused the connection on port {port}"
    change_place(world, place, endpoint="http://nowhere.invalid")
    assert problem_of_test(world, place) == "The name nowhere.invalid was not found"
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        service.mark_deleted(admin, db.session.get_one(Destination, place))
        db.session.commit()
    assert problem_of_test(world, add_s3(world, s3_url, "no-such")) == "There is no bucket no-such"


def test_storage_that_is_away_gets_the_file_when_it_is_back(world: World, tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    with s3_serving(tmp_path) as url:
        place = add_s3(world, url, "bucket")
    export = run(world, ask(world, place))
    assert export.state == ExportState.MAILING
    with s3_serving(tmp_path) as url:
        change_place(world, place, endpoint=url)
        assert try_again(world, export.id).state == ExportState.SENT
    assert (tmp_path / "bucket" / "nightly" / f"changes-{export.start_date}.csv").exists()


def test_a_hosted_cadence_delivers_to_no_private_address(
    world: World, sftp_host: SftpHost, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [add_sftp(world, sftp_host), add_s3(world, s3_url.replace("http:", "https:"), "bucket")]
    monkeypatch.setitem(world.app.config, "PRIVATE_DESTINATIONS", ())
    for place in places:
        assert "may not be delivered to" in problem_of_test(world, place)


def test_a_secret_is_stored_encrypted_and_neither_shown_nor_logged(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host)
    with world.session():
        row = db.session.execute(
            text("SELECT d.*::text AS row FROM destinations d WHERE id = :id"), {"id": place}
        ).one()
        entries = db.session.query(AuditEntry).order_by(AuditEntry.id).all()
        assert [entry.action for entry in entries] == ["destination.added", "destination.key_confirmed"]
        assert PASSWORD not in row.row + "".join(str(entry.changes) for entry in entries)
    assert PASSWORD not in world.sign_in("admin").get(f"/settings/destinations/{place}/edit").text
    key = world.app.config["SECRET_KEY"]
    world.app.config["SECRET_KEY"] = "another"
    try:
        assert "enter it again" in problem_of_test(world, place)
    finally:
        world.app.config["SECRET_KEY"] = key


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("{kind}-{from}-to-{to}", ""),
        ("nightly {date}_{time}", ""),
        ("{day}", "no placeholder {day}"),
        ("../../etc/passwd", "letters, digits"),
        ("a/b", "letters, digits"),
        (".hidden", "hidden"),
        ("x.csv", "ending"),
        ("{kind", "letters, digits"),
    ],
)
def test_a_pattern_makes_a_plain_file_name_or_is_refused(pattern: str, says: str) -> None:
    assert says in naming.problem_of(pattern)
    assert bool(naming.problem_of(pattern)) == bool(says)
