"""Who has a number now. Numbers change hands: each record keeps those it had, with the day they ended
(ContactNumber.until).

What bars a later holder is in number_stops.py.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ARRAY, Text, cast, func, select

from cadence_app.contacts.models import ContactNumber
from cadence_app.extensions import db
from cadence_app.phone_numbers import spelled, spellings
from cadence_app.tenancy import tenant_in_use
from cadence_app.work import locks


def contact_with(number: str) -> int | None:
    """The id of the contact who has this number now, texted at it or not: as it is spelled, else in another
    spelling of it."""
    return db.session.scalar(
        select(ContactNumber.contact_id)
        .where(ContactNumber.number.in_(spellings(number)), ContactNumber.until.is_(None))
        .order_by((ContactNumber.number == number).desc())
        .limit(1)
    )


def holders(numbers: Collection[str]) -> set[int]:
    """The ids of the contacts who have these numbers now, in whatever spelling."""
    return {contact_id for contact_id, _ in _holders(numbers)}


def held_from_others(contact_id: int, numbers: Collection[str]) -> set[int]:
    """The ids of who else has these numbers, of whose stops a contact's words are. Until this transaction
    ends nobody gets one that the contact, whom the caller holds, has no more: who is getting one now is
    waited for and among them, and who comes later finds the stop (number_turn() in the database)."""
    now = _holders(numbers)
    own = {spelled(number) for holder_id, number in now if holder_id == contact_id}
    if left := {spelled(number) for number in numbers} - own:
        turns = select(
            func.number_turn(tenant_in_use(), func.unnest(cast(sorted(left), ARRAY(Text)))).label("turn")
        )
        locks.hold_each(turns.distinct().order_by("turn"))
        now = _holders(numbers)
    return {holder_id for holder_id, _ in now} - {contact_id}


def _holders(numbers: Collection[str]) -> list[tuple[int, str]]:
    """Who has these numbers now, by id, and each number as it is stored."""
    stored = {each for number in numbers for each in spellings(number)}
    query = select(ContactNumber.contact_id, ContactNumber.number).where(
        ContactNumber.number.in_(stored), ContactNumber.until.is_(None)
    )
    return [(row.contact_id, row.number) for row in db.session.execute(query)] if stored else []
