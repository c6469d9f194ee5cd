"""Finding people by what somebody types: the beginnings of the words of a name or a ContactId, any part of a
number, or a tag.

The database's own look-up finds them (migrations/versions/0065_search.py), for under row-level security the
application's role may use an index for few comparisons, and for none of these.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, func, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY

from cadence_app.consent.models import OptOutChange
from cadence_app.contacts.models import Contact, ContactNumber, ContactTag, Tag
from cadence_app.extensions import db
from cadence_app.phone_numbers import digits_of
from cadence_app.words import words_in

# From so many on, a list in the order of names is walked until a page is full, rather than all sorted.
_FEW = 3000


def matches(search: str) -> ColumnElement[bool]:
    """The condition on contacts that each word of the search begins a word of their name or ContactId,
    or that a number of theirs holds its digits, three or more, or that a tag of theirs is called so."""
    return Contact.id.in_(_found(search))


def holds_part(search: str, of: type[Contact] | type[OptOutChange] = Contact) -> ColumnElement[bool]:
    """The condition on contacts, or on history as it was, that a name, a ContactId or a number holds the
    search anywhere; of contacts also a further number of theirs, or a tag. Reports are narrowed by it,
    whose files must go on holding what they held; no index helps it."""
    conditions = [
        func.concat_ws(" ", of.first_name, of.last_name).icontains(search, autoescape=True),
        of.external_id.icontains(search, autoescape=True),
    ]
    if len(digits := digits_of(search)) >= 3:
        conditions.append(of.number.contains(digits))
    if of is Contact:
        conditions.append(Contact.id.in_(_tagged(search)))
        if len(digits) >= 3:
            further = select(ContactNumber.contact_id).where(ContactNumber.until.is_(None))
            conditions.append(Contact.id.in_(further.where(ContactNumber.number.contains(digits))))
    return or_(*conditions)


def matching_ids(search: str, most: int) -> list[int]:
    """The ids of contacts that match, `most` of them, of whichever, if there are more. Some may come twice,
    so that fewer than `most` are all there are."""
    return list(db.session.scalars(_found(search, most).limit(most)))


def ids_like(search: str, few: int) -> Any:
    """Those who match, for a condition on the id of a contact: as ids where they are so `few`, else as a
    query. What is theirs may be of a team that few of them are in, so none is left out."""
    found = matching_ids(search, few + 1)
    return found if len(found) <= few else _found(search)


def tagged_so(search: str, contact_ids: Collection[int]) -> dict[int, str]:
    """Of these contacts, by id, those whom a search finds by a tag, with the tag's name."""
    named = func.lower(Tag.name) == search.strip().lower()
    query = select(ContactTag.contact_id, Tag.name).join(Tag, Tag.id == ContactTag.tag_id)
    query = query.where(named, ContactTag.contact_id.in_(contact_ids))
    return {row.contact_id: row.name for row in db.session.execute(query)}


def narrowed_by_name(query: Select[Contact], search: str) -> Select[Contact]:
    """A query of contacts in the order of names with those alone that match."""
    found = matching_ids(search, _FEW + 1)
    if len(found) <= _FEW:
        return query.where(Contact.id.in_(found))
    # So many that the next ones in the index of names are soon enough.
    return query.where(_holds(search) | Contact.id.in_(_numbered_or_tagged(search)))


def _found(search: str, most: int | None = None) -> Any:
    people = select(func.find_contacts(search, digits_of(search), most).label("id"))
    return people.union_all(_tagged(search))


def _numbered_or_tagged(search: str) -> Any:
    return select(func.find_contacts("", digits_of(search), None).label("id")).union(_tagged(search))


def _holds(search: str) -> ColumnElement[bool]:
    """The same of names as the look-up's, asked of each row."""
    wanted = " & ".join(f"':{word}':*" for word in words_in(search))
    names = func.concat_ws(" ", Contact.first_name, Contact.last_name, Contact.external_id)
    return func.words_at("", names).bool_op("@@")(cast(wanted, TSQUERY))


def _tagged(search: str) -> Select[int]:
    """The ids of the contacts with a tag of this name, whatever its capitals."""
    named = func.lower(Tag.name) == search.strip().lower()
    return select(ContactTag.contact_id).join(Tag, Tag.id == ContactTag.tag_id).where(named)
