"""Contacts with a history, and an admin's or agent's acts on them."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Source, Status
from cadence_app.contacts.models import ContactNumber
from cadence_app.extensions import db
from cadence_app.records import erasing, merging, phones
from tests.world import World

IN, OUT = Status.OPTED_IN, Status.OPTED_OUT


def opt(world: World, contact_id: int, status: Status, team_id: int | None = None) -> int:
    """Gives a contact a status as a user does; the history row's id."""
    with world.session():
        change = Change(contact_id, team_id or world.team_id, status, Source.TOGGLE, world.agent_id)
        (change_id,) = record_changes([change])
        db.session.commit()
        assert change_id
        return change_id


def known(world: World, **names: str) -> int:
    """A contact of the first team, opted in."""
    contact_id = world.add_contact(**names)
    opt(world, contact_id, IN)
    return contact_id


def merge(world: World, kept: int, gone: int, texted: int | None = None) -> None:
    with world.session():
        merging.merge(db.session.get_one(User, world.admin_id), kept, gone, texted or kept)


def erase(world: World, contact_id: int, reason: str = "Asked for, GDPR article 17.") -> None:
    with world.session():
        erasing.erase(db.session.get_one(User, world.admin_id), contact_id, reason)


def text_at(world: World, contact_id: int, number: str, given: str = "") -> None:
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        phones.text_at(user, contact_id, number, "They told us on the phone.", given)


def add_number(world: World, contact_id: int, number: str) -> None:
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        phones.add_number(user, contact_id, number, "Their work phone.")


def current_numbers(world: World, contact_id: int) -> set[str]:
    with world.session():
        query = select(ContactNumber.number).where(
            ContactNumber.contact_id == contact_id, ContactNumber.until.is_(None)
        )
        return set(db.session.scalars(query))
