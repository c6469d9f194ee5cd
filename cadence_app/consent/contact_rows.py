"""A contact's own rows: holding them, and which they are after a merge or among many."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, cast, func, or_, select, tuple_

from cadence_app.contacts.models import Contact
from cadence_app.extensions import db


def lock_contacts(contact_ids: list[int], for_new_numbers: bool = False) -> dict[int, Any]:
    """Holds these contacts, in the order of their ids, so that no status of theirs changes until this
    transaction ends. Returns their names, external id and number by id; those that are gone by then, merged
    or erased, are not among them.

    Who is about to change a number says so here: holding more later on could end in a circle of waiting.
    """
    rows = db.session.execute(
        select(Contact.id, Contact.first_name, Contact.last_name, Contact.external_id, Contact.number)
        .where(Contact.id.in_(contact_ids), Contact.gone_at.is_(None))
        .order_by(Contact.id)
        .with_for_update(key_share=not for_new_numbers)
    )
    return {row.id: row for row in rows}


def lock_free(contact_ids: Collection[int]) -> set[int]:
    """Holds those of these contacts that nobody else holds just now, and waits for none: which they are.
    Those that are gone, merged or erased, are among them."""
    query = select(Contact.id).where(Contact.id.in_(contact_ids)).order_by(Contact.id)
    return set(db.session.scalars(query.with_for_update(key_share=True, skip_locked=True)))


def with_merged(contact_id: int) -> Select[int]:
    """The ids of a contact and of those that were merged into it: the history keeps the id it was written
    with."""
    return select(Contact.id).where(or_(Contact.id == contact_id, Contact.merged_into_id == contact_id))


def among(contact_id: Any, team_id: Any, pairs: list[tuple[int, int]]) -> ColumnElement[bool]:
    """The condition that two columns are one of the pairs of ids. They go as two arrays: PostgreSQL runs out
    of stack over a list of thousands of pairs."""
    ids = [cast([pair[side] for pair in pairs], ARRAY(BigInteger)) for side in (0, 1)]
    rows = func.unnest(*ids).table_valued("contact_id", "team_id").render_derived()
    return tuple_(contact_id, team_id).in_(select(rows.c.contact_id, rows.c.team_id))
