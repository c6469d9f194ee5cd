"""Tags, fields of the organisation's own, further and changed numbers and a duplicate, so that records look
lived in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from sqlalchemy import insert, select, text, update

from cadence_app.accounts.models import Tenant, User
from cadence_app.administration import labels
from cadence_app.consent import merge_and_number_change
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Consent, Source, Status
from cadence_app.contacts.models import Contact, ContactNumber, ContactTag, CustomField, FieldKind
from cadence_app.extensions import db

TAGS = ("Transfer", "First generation", "Campus visit", "Scholarship", "Athlete", "Orientation")
FIELDS = (("Intended major", FieldKind.TEXT), ("GPA", FieldKind.NUMBER), ("Campus visit on", FieldKind.DATE))
MAJORS = ("Biology", "Nursing", "Computer science", "History", "Mechanical engineering", "Undecided")
# Nobody was known before their first change, nor a moment ago.
_SINCE_THEIR_HISTORY = (
    text(
        "UPDATE contacts SET created_at = (SELECT min(changed_at + interval '0') FROM opt_out_changes"
        " WHERE contact_id = contacts.id)"
        " WHERE EXISTS (SELECT FROM opt_out_changes WHERE contact_id = contacts.id)"
    ),
    text(
        "UPDATE contact_numbers n SET since = contacts.created_at FROM contacts"
        " WHERE contacts.id = n.contact_id AND n.user_id IS NULL"
    ),
)


def load_records(
    tenant: Tenant,
    contacts: list[dict[str, Any]],
    admin: User,
    agent: User,
    numbers: Iterator[str],
    chance: random.Random,
) -> None:
    """Fills in the records of some of these contacts."""
    tags = [labels.make_tag(admin, name) for name in TAGS]
    fields = [labels.make_field(admin, name, kind) for name, kind in FIELDS]
    chosen = chance.sample(contacts, len(contacts) // 3)
    db.session.execute(
        insert(ContactTag),
        [
            {"tenant_id": tenant.id, "contact_id": contact["id"], "tag_id": tag.id}
            for contact in chosen
            for tag in chance.sample(tags, chance.choice((1, 1, 2)))
        ],
    )
    db.session.execute(
        update(Contact),
        [{"id": contact["id"], "custom": _values(fields, chance)} for contact in chosen],
    )
    for contact in chosen[:8]:
        db.session.add(
            ContactNumber(
                tenant_id=tenant.id,
                contact_id=contact["id"],
                number=next(numbers),
                user_id=agent.id,
                reason="They wrote to us from this phone too.",
            )
        )
    _duplicate(tenant, contacts[0], agent, next(numbers))
    _changed_number([contact["id"] for contact in chosen[8:]], agent, next(numbers))
    for statement in _SINCE_THEIR_HISTORY:
        db.session.execute(statement)


def _changed_number(contact_ids: list[int], agent: User, number: str) -> None:
    """One of these, who were opted in, has another phone by now and has not said that they want texts there."""
    opted_in = select(Consent.contact_id).where(
        Consent.contact_id.in_(contact_ids), Consent.status == Status.OPTED_IN
    )
    contact_id = db.session.scalars(opted_in.order_by(Consent.contact_id).limit(1)).one()
    contact = db.session.get_one(Contact, contact_id)
    before, contact.number = contact.number, number
    db.session.flush()
    db.session.execute(
        update(ContactNumber)
        .where(ContactNumber.contact_id == contact_id, ContactNumber.number == number)
        .values(user_id=agent.id, reason="Has a new phone, says the registrar.")
    )
    merge_and_number_change.number_changed(agent, contact_id, before, "")


def _values(fields: list[CustomField], chance: random.Random) -> dict[str, str]:
    major, average, visit = (str(field.id) for field in fields)
    values = {major: chance.choice(MAJORS), average: f"{chance.uniform(2.4, 4):.2f}"}
    if chance.random() < 0.4:
        values[visit] = f"2026-{chance.randint(9, 11):02}-{chance.randint(1, 28):02}"
    return values


def _duplicate(tenant: Tenant, contact: dict[str, Any], agent: User, number: str) -> None:
    """The same person once more, as somebody added them by hand."""
    again = Contact(
        tenant_id=tenant.id,
        first_name=contact["first_name"],
        last_name=contact["last_name"],
        external_id="",
        number=number,
    )
    db.session.add(again)
    db.session.flush()
    added = Change(again.id, agent.teams[0].id, Status.OPTED_IN, Source.MANUAL_ADD, user_id=agent.id)
    record_changes([added])
