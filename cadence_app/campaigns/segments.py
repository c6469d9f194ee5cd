"""Whom a campaign is for: all contacts of a team or those among them who fit, some picked by hand, or a list
that was pasted. A segment is a query, so that no size of it is ever loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    SelectBase,
    Text,
    cast,
    exists,
    func,
    literal,
    select,
)

from cadence_app.consent.models import Consent
from cadence_app.contacts.imports.models import ImportContact
from cadence_app.contacts.models import Contact, ContactTag
from cadence_app.phone_numbers import BadNumber, parse_number

MOST_PASTED = 10_000
MOST_PICKED = 500


class Who(StrEnum):
    TEAM = "team"
    PICKED = "picked"
    PASTED = "pasted"


@dataclass(frozen=True)
class Segment:
    """`narrowing` is {the key of a NARROWING: its value}, for a team; `contact_ids` the picked ones;
    `entries` the pasted lines, each a number or a ContactId."""

    who: Who = Who.TEAM
    narrowing: Mapping[str, Any] = field(default_factory=dict)
    contact_ids: tuple[int, ...] = ()
    entries: tuple[str, ...] = ()

    @property
    def stored(self) -> dict[str, Any]:
        """As the campaign's row keeps it."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Segment:
        return cls(
            Who(stored["who"]),
            stored["narrowing"],
            tuple(stored["contact_ids"]),
            tuple(stored["entries"]),
        )

    @property
    def may_repeat(self) -> bool:
        """Whether somebody can be in it twice: each contact of a team is one row, each pasted line is one."""
        return self.who == Who.PASTED

    def candidates(self, team_id: int) -> SelectBase:
        """contact_id and number (none for an entry that names nobody), entry and place: one row for each
        contact of the segment, or each line of what was pasted."""
        if self.who == Who.PASTED:
            return _pasted(self.entries)
        query = select(
            Contact.id.label("contact_id"),
            Contact.number.label("number"),
            literal("").label("entry"),
            Contact.id.label("place"),
        )
        if self.who == Who.PICKED:
            return query.where(Contact.id.in_(self.contact_ids))
        in_team = query.join(Consent, (Consent.contact_id == Contact.id) & (Consent.team_id == team_id))
        return in_team.where(*(NARROWINGS[name](value) for name, value in self.narrowing.items()))


def _tagged(tag_ids: list[int]) -> ColumnElement[bool]:
    return exists().where(ContactTag.contact_id == Contact.id, ContactTag.tag_id.in_(tag_ids))


def _with_all_tags(tag_ids: list[int]) -> ColumnElement[bool]:
    carried = select(func.count()).where(ContactTag.contact_id == Contact.id, ContactTag.tag_id.in_(tag_ids))
    return carried.scalar_subquery() == len(set(tag_ids))


def _named(import_ids: list[int]) -> ColumnElement[bool]:
    return exists().where(ImportContact.contact_id == Contact.id, ImportContact.import_id.in_(import_ids))


# What narrows a team, by the key that a segment stores.
NARROWINGS: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "tags_any": _tagged,
    "tags_all": _with_all_tags,
    "tags_none": lambda tag_ids: ~_tagged(tag_ids),
    "imports": _named,
    # [the custom field's id, its value]
    "field": lambda wanted: func.lower(Contact.custom[str(wanted[0])].astext) == wanted[1].casefold(),
}


def _pasted(entries: tuple[str, ...]) -> SelectBase:
    """A line is a ContactId if somebody has it, else a number."""
    rows = (
        func.unnest(
            cast(list(entries), ARRAY(Text)),
            cast([_number(entry) for entry in entries], ARRAY(Text)),
            cast(list(range(len(entries))), ARRAY(BigInteger)),
        )
        .table_valued("entry", "number", "place")
        .render_derived()
    )
    by_id = select(Contact.id).where(Contact.external_id == rows.c.entry, Contact.external_id != "")
    by_number = select(Contact.id).where(Contact.number == rows.c.number)
    found = func.coalesce(by_id.scalar_subquery(), by_number.scalar_subquery())
    named = select(rows.c.entry, rows.c.number, rows.c.place, found.label("contact_id")).subquery()
    return select(
        named.c.contact_id,
        func.coalesce(Contact.number, named.c.number).label("number"),
        named.c.entry,
        named.c.place,
    ).outerjoin_from(named, Contact, Contact.id == named.c.contact_id)


def _number(entry: str) -> str | None:
    try:
        return parse_number(entry)
    except BadNumber:
        return None
