"""Forgetting a person: who they are in every spelling, and every area in turn that keeps something of them
(traces.py).

At an erasure the rows that are counted stay, without the person. At a removal by age the database deletes
what hangs on the record (remove_contacts()), so that only what it can't find by it is cleared here.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from cadence_app.consent.models import OptOutChange
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.phone_numbers import spellings
from cadence_app.traces import Leaving, Person, all_traces


def erase(contact_ids: Collection[int], user_id: int) -> None:
    """Takes these contacts out of every area, in this transaction, which holds them. Called while their
    history still says who they were."""
    leaving = _leaving(contact_ids, user_id, waiting_posts=True)
    for traces in all_traces():
        traces.clear(leaving)
        traces.empty(leaving)


def clear_before_removal(contact_ids: Collection[int]) -> None:
    """Clears, in this transaction, which holds these contacts, what the database will not find by their
    records when it removes them. A text that waits to be taken in stays: their number is not barred, and it
    may be a STOP."""
    leaving = _leaving(contact_ids, None, waiting_posts=False)
    for traces in all_traces():
        traces.clear(leaving)


def person_of(contact_ids: Collection[int]) -> Person:
    """These contacts, and those merged into them, as the areas look for them."""
    asked = list(contact_ids)
    merged = db.session.scalars(select(Contact.id).where(Contact.merged_into_id.in_(asked)))
    ids = [*asked, *sorted(set(merged) - set(asked))]
    numbers = _numbers_of(ids)
    return Person(
        ids,
        sorted({each for number in numbers for each in spellings(number)}),
        _digits(numbers),
        sorted(_external_ids_of(ids)),
        sorted(_names_of(ids)),
    )


def _leaving(contact_ids: Collection[int], user_id: int | None, waiting_posts: bool) -> Leaving:
    found = person_of(contact_ids)
    return Leaving(**vars(found), erased_by_id=user_id, waiting_posts=waiting_posts)


def _numbers_of(ids: list[int]) -> set[str]:
    """Every number they have or had, but for what is somebody else's by now."""
    others = aliased(ContactNumber)
    found: set[str] = set()
    for column, contact_id in (
        (ContactNumber.number, ContactNumber.contact_id),
        (OptOutChange.number, OptOutChange.contact_id),
    ):
        given_away = exists().where(
            others.number == column, others.until.is_(None), others.contact_id.not_in(ids)
        )
        query = select(column).where(contact_id.in_(ids), column.startswith("+"), ~given_away)
        found.update(db.session.scalars(query.distinct()))
    return found


def _external_ids_of(ids: list[int]) -> set[str]:
    """Every ContactId they have or had, but for what is somebody else's by now."""
    others = aliased(Contact)
    found: set[str] = set()
    for column, contact_id in (
        (Contact.external_id, Contact.id),
        (OptOutChange.external_id, OptOutChange.contact_id),
    ):
        given_away = exists().where(others.external_id == column, others.id.not_in(ids))
        query = select(column).where(contact_id.in_(ids), column != "", ~given_away)
        found.update(db.session.scalars(query.distinct()))
    return found


def _names_of(ids: list[int]) -> set[str]:
    now = select(Contact.first_name, Contact.last_name).where(Contact.id.in_(ids))
    before = select(OptOutChange.first_name, OptOutChange.last_name).where(OptOutChange.contact_id.in_(ids))
    rows = db.session.execute(now.union(before))
    return {f"{first} {last}".strip() for first, last in rows} - {""}


def _digits(numbers: Collection[str]) -> list[str]:
    """The digits of numbers (E.164), of those of North America without the country too, and of those of
    Mexico with the 1 that they had."""
    whole = {number.removeprefix("+") for number in numbers}
    home = {each[1:] for each in whole if len(each) == 11 and each[0] == "1"}
    return sorted(whole | home | {f"521{each[2:]}" for each in whole if len(each) == 12 and each[:2] == "52"})
