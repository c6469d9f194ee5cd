"""Settings > Destinations, and destinations on the forms: what every role sees and can do."""

from __future__ import annotations

from typing import Any

import asyncssh
import pytest
from sqlalchemy import select

from cadence_app.extensions import db
from cadence_app.reports.destinations.models import Destination
from cadence_app.reports.models import Export
from tests.api.conftest import make_api
from tests.reports.delivery import add_sftp
from tests.reports.exporting import run
from tests.reports.servers import PASSWORD, USER, SftpHost
from tests.world import World

PAGE = "/settings/destinations"
SFTP = {
    "name": "Loader",
    "host": "127.0.0.1",
    "port": "22",
    "user": USER,
    "folder": "in",
    "sign_in": "password",
    "password": PASSWORD,
    "file_pattern": "{kind}-{date}",
    "when_taken": "replace",
}
S3 = {
    "name": "Storage",
    "endpoint": "",
    "region": "us-west-2",
    "bucket": "records",
    "prefix": "/nightly/",
    "key_id": "AK",
    "secret_key": "very secret",
    "file_pattern": "{kind}",
    "when_taken": "wait",
}


@pytest.mark.parametrize("mode", ["teams", "legacy"])
def test_an_admin_adds_a_server_confirms_its_key_tests_it_and_exports_to_it(
    mode: str, world: World, legacy_world: World, sftp_host: SftpHost
) -> None:
    here = world if mode == "teams" else legacy_world
    admin = here.sign_in("admin")
    assert "No destinations yet" in admin.get(PAGE).text
    made = admin.post(f"{PAGE}/new/sftp", SFTP | {"port": str(sftp_host.port)})
    assert made.status_code == 302
    asked = admin.get(made.location).text
    assert sftp_host.key.get_fingerprint() in asked
    assert "Key not confirmed" in admin.get(PAGE).text
    admin.post(made.location, {"host_key": sftp_host.host_key})
    place = made.location.split("/")[-2]
    assert "It works." in admin.post(f"{PAGE}/{place}/test", follow_redirects=True).text
    path = "/reports/exports/opt-out-status" if mode == "teams" else "/reports/opt-out-status/export"
    answer = admin.post(path, {"format": "csv", "destinations": [place]}, follow_redirects=True)
    assert ", Loader, usually" in answer.text
    with here.session():
        export_id = db.session.scalars(select(Export.id)).one()
    export = run(here, export_id)
    assert export.state == "sent"
    assert f"opt-out-status-{export.start_date}.csv" in admin.get(path).text
    (shown,) = make_api(here).get("/exports").get_json()["items"]
    (delivery,) = shown["deliveries"]
    assert (delivery["destination"], delivery["state"], delivery["attempts"]) == ("Loader", "delivered", 1)


def test_storage_of_amazon_needs_no_endpoint_and_no_key_to_confirm(world: World) -> None:
    admin = world.sign_in("admin")
    assert admin.post(f"{PAGE}/new/s3", S3).location == PAGE
    with world.session():
        stored = db.session.scalars(select(Destination)).one()
        assert stored.place["endpoint"] == "https://s3.us-west-2.amazonaws.com"
        assert (stored.place["prefix"], stored.when_taken) == ("nightly", "wait")
    page = admin.get(PAGE).text
    assert "very secret" not in page
    assert "Ready" in page


@pytest.mark.parametrize(
    ("protocol", "changed", "says"),
    [
        ("sftp", {"name": " "}, "Give it a name."),
        ("sftp", {"name": "a\x00b"}, "can&#39;t be stored"),
        ("sftp", {"host": "files.example/x"}, "Enter a name such as"),
        ("sftp", {"host": "\x00"}, "Enter a name such as"),
        ("sftp", {"port": "70000"}, "From 1 to 65535."),
        ("sftp", {"port": "9" * 40}, "From 1 to 65535."),
        ("sftp", {"port": "ssh"}, "Not a valid integer"),
        ("sftp", {"password": ""}, "Enter this."),
        ("sftp", {"password": "a\x00"}, "can&#39;t be stored"),
        ("sftp", {"sign_in": "key", "private_key": "nonsense"}, "no private key that can be read"),
        ("sftp", {"sign_in": "finger"}, "Choose from the list."),
        ("sftp", {"file_pattern": "{what}"}, "There is no placeholder {what}."),
        ("sftp", {"when_taken": "explode"}, "Choose from the list."),
        ("s3", {"endpoint": "ftp://x"}, "Enter an address such as"),
        ("s3", {"endpoint": "https://x:99999"}, "Enter an address such as"),
        ("s3", {"endpoint": "https://[x"}, "Enter an address such as"),
        ("s3", {"bucket": "a/b"}, "letters, digits, points and hyphens"),
        ("s3", {"region": "x y"}, "Enter a region such as"),
        ("s3", {"secret_key": ""}, "Enter this."),
    ],
)
def test_what_can_not_be_saved_is_told_at_its_field(
    world: World, protocol: str, changed: dict[str, Any], says: str
) -> None:
    answer = world.sign_in("admin").post(
        f"{PAGE}/new/{protocol}", (SFTP if protocol == "sftp" else S3) | changed
    )
    assert answer.status_code == 422
    assert says in answer.text
    with world.session():
        assert db.session.scalars(select(Destination)).all() == []


def test_a_key_behind_a_passphrase_is_refused_in_words(world: World) -> None:
    made = asyncssh.generate_private_key("ssh-ed25519")
    locked = made.export_private_key("pkcs8-pem", passphrase="x").decode()
    form = SFTP | {"sign_in": "key", "private_key": locked}
    answer = world.sign_in("admin").post(f"{PAGE}/new/sftp", form)
    assert "has a passphrase" in answer.text


def test_the_example_of_a_name_is_shown_without_saving(world: World) -> None:
    answer = world.sign_in("admin").post(
        f"{PAGE}/new/sftp", SFTP | {"preview": "1", "file_pattern": "x-{kind}"}
    )
    assert answer.status_code == 200
    assert ">x-opt-out-history.csv</output>" in answer.text
    with world.session():
        assert db.session.scalars(select(Destination)).all() == []


def test_a_stored_secret_is_kept_but_never_goes_to_another_server(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host)
    admin = world.sign_in("admin")
    form = SFTP | {"port": str(sftp_host.port), "password": "", "file_pattern": "changed"}
    assert admin.post(f"{PAGE}/{place}/edit", form).status_code == 302
    moved = admin.post(f"{PAGE}/{place}/edit", form | {"host": "localhost"})
    assert moved.status_code == 422
    assert "It is on another server now" in moved.text
    assert (
        admin.post(f"{PAGE}/{place}/edit", form | {"host": "localhost", "password": "x"}).status_code == 302
    )
    with world.session():
        assert not db.session.get_one(Destination, place).confirmed


def test_a_name_is_given_once(world: World, sftp_host: SftpHost) -> None:
    add_sftp(world, sftp_host)
    answer = world.sign_in("admin").post(f"{PAGE}/new/sftp", SFTP | {"name": "LOADER"})
    assert answer.status_code == 422
    assert "There is a destination of this name." in answer.text


def test_destinations_are_for_admins_of_their_own_tenant(
    world: World, legacy_world: World, sftp_host: SftpHost
) -> None:
    place = add_sftp(world, sftp_host)
    gets = [PAGE, f"{PAGE}/new/sftp", *(f"{PAGE}/{place}/{page}" for page in ("edit", "key", "delete"))]
    posts = [f"{PAGE}/{place}/{page}" for page in ("edit", "key", "test", "pause", "resume", "delete")]
    agent, stranger = world.sign_in("agent"), legacy_world.sign_in("admin")
    for path in gets:
        assert world.app.test_client().get(path).status_code == 302
        assert agent.get(path).status_code == 403
        assert stranger.get(path).status_code == (404 if str(place) in path.split("/") else 200)
    for path in posts:
        assert world.sign_in("admin").client.post(path).status_code == 400
        assert agent.post(path).status_code == 403
        assert stranger.post(path).status_code == 404
    answer = stranger.post("/reports/opt-out-status/export", {"format": "csv", "destinations": [str(place)]})
    assert answer.status_code == 422
    assert stranger.get(f"{PAGE}/{2**70}/edit").status_code == 404


def test_a_schedule_needs_a_way_to_go(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host)
    admin = world.sign_in("admin")
    form = {"every": "day", "hour": "6", "weekday": "0", "month_day": "1", "format": "csv"}
    path = "/reports/schedules/new?kind=opt-out-status"
    assert "Choose at least one admin or a destination." in admin.post(path, form).text
    assert admin.post(path, form | {"destinations": [str(place)]}).status_code == 302
    assert "Loader" in admin.get("/reports/schedules/").text
