"""What tests of numbers that are read again do: make a tenant due, read, look at the list."""

from __future__ import annotations

import itertools
import secrets

from sqlalchemy import select, update

from cadence_app.accounts.models import Tenant
from cadence_app.contacts import mending
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.sending import refusal
from tests.world import World

UNSENDABLE = "Nothing is sent to this number until it is mended: it is no full one, or two contacts share it."
_lines = itertools.count(secrets.randbelow(10**8))


def mexican() -> tuple[str, str]:
    """A phone's number in its older and its present spelling."""
    digits = f"55{next(_lines) % 10**8:08d}"
    return f"+521{digits}", f"+52{digits}"


def make_due(world: World) -> None:
    with world.session():
        db.session.execute(update(Tenant).where(Tenant.id == world.tenant_id).values(numbers_read=0))
        db.session.commit()


def read_again(world: World) -> None:
    make_due(world)
    with world.session():
        mending.read_again()


def listed(world: World) -> dict[int, str]:
    """The numbers on the list by contact."""
    with world.session():
        return {entry.contact.id: entry.number.number for entry in mending.to_mend()[0]}


def why_not(world: World, contact_id: int, inbox: str | None = None, **options: bool) -> str | None:
    with world.session():
        found = db.session.scalars(select(Inbox).where(Inbox.number == (inbox or world.shared))).one()
        return refusal(found, contact_id, MessageKind.PERSON, **options)


def number_of(world: World, contact_id: int) -> str:
    with world.session():
        return db.session.get_one(Contact, contact_id).number
