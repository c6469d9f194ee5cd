"""What tests of delivery do: set up a destination, and read how an export went there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.reports.destinations import service
from cadence_app.reports.destinations.models import Destination, Protocol, WhenTaken
from cadence_app.reports.destinations.s3 import S3Place
from cadence_app.reports.destinations.service import Setup
from cadence_app.reports.destinations.sftp import SftpPlace
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Export, ExportDelivery, Format
from cadence_app.reports.ranges import today
from cadence_app.reports.service import request_export
from tests.reports.exporting import run
from tests.reports.servers import KEY_ID, PASSWORD, SECRET_KEY, USER, SftpHost
from tests.world import World


def add_sftp(world: World, server: SftpHost, confirmed: bool = True, **changed: Any) -> int:
    """`changed` is what differs of the place or the set-up."""
    place = {"host": "127.0.0.1", "port": server.port, "user": USER, "folder": "in", "by_key": False}
    setup = {
        "name": "Loader",
        "secret": PASSWORD,
        "file_pattern": "changes-{from}",
        "with_digest": False,
        "when_taken": WhenTaken.REPLACE,
    }
    place |= {name: value for name, value in changed.items() if name in place}
    setup |= {name: value for name, value in changed.items() if name in setup}
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        made = service.add(admin, Protocol.SFTP, Setup(place=SftpPlace(**place), **setup))  # type: ignore[arg-type]
        if confirmed:
            service.confirm_key(admin, made, server.host_key)
        return made.id


def add_s3(world: World, url: str, bucket: str, secret: str = SECRET_KEY) -> int:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        place = S3Place(url, "us-east-1", bucket, "nightly", KEY_ID)
        setup = Setup("Storage", place, secret, "changes-{from}", True, WhenTaken.REPLACE)
        return service.add(admin, Protocol.S3, setup).id


def ask(world: World, *destination_ids: int, days_ago: int = 0) -> int:
    """The admin's request by hand, also for the destinations."""
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        day = today(admin.tenant.zone) - timedelta(days=days_ago)
        places = service.chosen(destination_ids)
        export, _ = request_export(admin, OPT_OUT_HISTORY, day, day, Filters(), (), Format.CSV, places)
        return export.id


def delivery_of(world: World, export_id: int, destination_id: int) -> ExportDelivery:
    with world.session():
        found = db.session.get_one(ExportDelivery, (export_id, destination_id))
        db.session.expunge_all()
        return found


def try_again(world: World, export_id: int, times: int = 1) -> Export:
    """Lets the waits pass, and does the worker's part each time."""
    for _ in range(times):
        with world.session():
            db.session.get_one(Export, export_id).next_attempt_at = datetime.now(UTC) - timedelta(minutes=1)
            db.session.commit()
        export = run(world, export_id)
    return export


def change_place(world: World, destination_id: int, **values: Any) -> None:
    with world.session():
        destination = db.session.get_one(Destination, destination_id)
        destination.place = destination.place | values
        db.session.commit()
