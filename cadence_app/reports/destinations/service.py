"""Setting up destinations: add, change, confirm the server's key, try out, pause, delete."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from cadence_app import vault
from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.reports.destinations import sftp
from cadence_app.reports.destinations.models import Destination, Protocol, WhenTaken
from cadence_app.reports.destinations.problems import DeliveryProblem
from cadence_app.reports.destinations.s3 import BucketStore, S3Place
from cadence_app.reports.destinations.sftp import SftpPlace, SftpStore


class NameTaken(ValueError):
    """The tenant has a destination of this name."""


@dataclass(frozen=True)
class Setup:
    """What a form says of a destination. An empty secret keeps the one that is stored."""

    name: str
    place: SftpPlace | S3Place
    secret: str
    file_pattern: str
    with_digest: bool
    when_taken: WhenTaken


def all_destinations() -> list[Destination]:
    """The tenant's destinations, by name."""
    query = select(Destination).where(Destination.deleted_at.is_(None))
    return list(db.session.scalars(query.order_by(func.lower(Destination.name))))


def find_destination(destination_id: int) -> Destination | None:
    """The tenant's destination with this id, unless it was deleted."""
    found = db.session.get(Destination, destination_id)
    return found if found and not found.deleted_at else None


def add(user: User, protocol: Protocol, setup: Setup) -> Destination:
    """Adds a destination and commits it. Errors: NameTaken."""
    destination = Destination(tenant_id=user.tenant_id, kind=protocol)
    _take(destination, setup)
    db.session.add(destination)
    _flush()
    audit.record(user, "destination.added", setup.name, **_told({}, _facts(destination)))
    db.session.commit()
    return destination


def change(user: User, destination: Destination, setup: Setup) -> None:
    """Changes a destination and commits it. One that is on another server now has its key to confirm again.
    Errors: NameTaken."""
    before, moved = _facts(destination), is_elsewhere(destination, setup.place)
    _take(destination, setup)
    if moved:
        destination.host_key = ""
    _flush()
    told = _told(before, _facts(destination))
    if setup.secret:
        told["secret"] = (None, "replaced")
    audit.record(user, "destination.changed", setup.name, **told)
    db.session.commit()


def is_elsewhere(destination: Destination, place: SftpPlace | S3Place) -> bool:
    """Whether a place is on another server than the destination: the stored secret must not be sent there,
    lest who may not see it has it sent to a server of their own."""
    names = ("host", "port") if destination.kind == Protocol.SFTP else ("endpoint",)
    return any(destination.place[name] != getattr(place, name) for name in names)


def confirm_key(user: User, destination: Destination, host_key: str) -> None:
    """Trusts the server that has this key from now on, and commits. Errors: ValueError for what is no key."""
    before = sftp.fingerprint(destination.host_key) if destination.host_key else None
    after = sftp.fingerprint(host_key)
    destination.host_key = host_key
    audit.record(user, "destination.key_confirmed", destination.name, host_key=(before, after))
    db.session.commit()


def store_of(destination: Destination) -> SftpStore | BucketStore:
    """The place itself, to write to. Errors: DeliveryProblem."""
    try:
        secret = vault.decrypt(destination.secret)
    except vault.Unreadable as error:
        text = "The stored password or key can't be read any more; enter it again"
        raise DeliveryProblem(text, lasting=True) from error
    if destination.kind == Protocol.SFTP:
        return SftpStore(SftpPlace(**destination.place), secret, destination.host_key)
    return BucketStore(S3Place(**destination.place), secret)


def try_out(destination: Destination) -> None:
    """Writes a small file there, reads it back and removes it. Errors: DeliveryProblem."""
    name = f"cadence-test-{secrets.token_hex(4)}.txt"
    store_of(destination).try_out(name, b"Cadence was here to see whether files arrive.\n")


def pause(user: User, destination: Destination) -> None:
    """What is to go there waits from now on."""
    if destination.paused_at is None:
        destination.paused_at = datetime.now(UTC)
        audit.record(user, "destination.paused", destination.name)
    db.session.commit()


def resume(user: User, destination: Destination) -> None:
    if destination.paused_at:
        destination.paused_at = None
        audit.record(user, "destination.resumed", destination.name)
    db.session.commit()


def mark_deleted(user: User, destination: Destination) -> None:
    """Deletes a destination with its secret; the caller commits (removal.py takes it out of schedules)."""
    destination.deleted_at, destination.secret = datetime.now(UTC), ""
    audit.record(user, "destination.deleted", destination.name)


def chosen(ids: Collection[int]) -> list[Destination]:
    """The tenant's destinations with these ids."""
    return [destination for destination in all_destinations() if destination.id in ids]


def _take(destination: Destination, setup: Setup) -> None:
    destination.name, destination.place = setup.name, asdict(setup.place)
    destination.file_pattern, destination.with_digest = setup.file_pattern, setup.with_digest
    destination.when_taken = setup.when_taken
    if setup.secret:
        destination.secret = vault.encrypt(setup.secret)


def _facts(destination: Destination) -> dict[str, Any]:
    """What the audit log tells of a destination: everything but the secret."""
    place = {"account" if name == "user" else name: value for name, value in destination.place.items()}
    return {
        "name": destination.name,
        **place,
        "file_name": destination.file_pattern,
        "digest_file": destination.with_digest,
        "when_taken": str(destination.when_taken),
    }


def _told(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (before.get(name), value) for name, value in after.items()}


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise NameTaken from error
