"""Files that say how their people agreed, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import evidence, evidence_basis
from cadence_app.consent.evidence_models import Evidence
from cadence_app.contacts.imports import service
from cadence_app.contacts.imports.models import Import
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests.contacts.importing import (
    check,
    csv_of,
    upload,
    work,
)
from tests.world import World

HEADER = (
    *("ContactId", "Mobile", "Team", "OptedOut"),
    *("ConsentDate", "ConsentSource", "ConsentText", "ConsentUrl"),
)
STATED = "Each of them ticked the box on the fall enrollment form."
NOTHING = ("", "", "", "")


def file_of(*rows: Sequence[str], header: Sequence[str] = HEADER) -> bytes:
    return csv_of(*rows, header=header)


def evidence_of(world: World, contact_id: int) -> list[Evidence]:
    with world.session():
        rows = evidence.evidence_of(contact_id)
        db.session.expunge_all()
        return rows


def rests_on(world: World, contact_id: int) -> list[str]:
    with world.session():
        return [each.words for each in evidence_basis.basis_of(contact_id, world.team_id).evidence]


def signed(world: World, content: bytes, statement: str = STATED, on: date | None = None) -> Import:
    """An import of a file that an admin signs."""
    import_id = upload(world, content, "roster.csv")
    assert check(world, import_id).state == "ready"
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        imported = db.session.get_one(Import, import_id)
        assert service.start(admin, imported, False, "", statement=statement, statement_on=on)
    return work(world, import_id)


def number_of(world: World, contact_id: int) -> str:
    with world.session():
        return db.session.scalars(select(Contact.number).where(Contact.id == contact_id)).one()
