"""What a kind of export is made of: columns over one query, and the filters it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Label,
    Select,
    SQLColumnExpression,
    Text,
    bindparam,
    func,
    literal,
    select,
)

from cadence_app.accounts.models import User
from cadence_app.reports.filters import Filters
from cadence_app.spreadsheets import defused_in_sql

# What a query may ask of the export it is for (Export.parameters()); the end of the range is excluded.
STARTS_AT = bindparam("starts_at", type_=DateTime(timezone=True))
ENDS_AT = bindparam("ends_at", type_=DateTime(timezone=True))
ZONE = bindparam("time_zone", type_=Text())
REQUESTED_BY = bindparam("requested_by_id", type_=BigInteger())


class Cell(Enum):
    """What a column holds: text that somebody typed, text of our own making, an instant, a day, a number."""

    TYPED = auto()
    OWN = auto()
    MOMENT = auto()
    DAY = auto()
    NUMBER = auto()


@dataclass(frozen=True)
class Column:
    name: str
    value: SQLColumnExpression[Any]
    cell: Cell = Cell.TYPED

    @property
    def title(self) -> str:
        """What screens and mails call an extra column."""
        return self.name

    @property
    def label(self) -> str:
        """The same, where it is chosen."""
        return self.name

    @property
    def in_csv(self) -> Label[Any]:
        """As text of a CSV file: instants as UTC, and typed text defused."""
        if self.cell is Cell.TYPED:
            return defused_in_sql(self.value).label(self.name)
        if self.cell is Cell.MOMENT:
            return func.to_char(func.timezone("UTC", self.value), 'YYYY-MM-DD"T"HH24:MI:SS"Z"').label(
                self.name
            )
        return self.value.label(self.name)

    @property
    def in_sheet(self) -> Label[Any]:
        """As a value for a cell of a workbook, which has types of its own: instants as UTC to the second."""
        if self.cell is Cell.MOMENT:
            return func.date_trunc("second", func.timezone("UTC", self.value)).label(self.name)
        return self.value.label(self.name)


@dataclass(frozen=True)
class Bundle:
    """Extra columns that are asked for as one, by `name`; screens and mails say `title`. `joined` gives the
    query of a kind what they need, and a row each as before; a file without them is asked for without it."""

    name: str
    title: str
    columns: tuple[Column, ...]
    joined: Callable[[Select[Any]], Select[Any]]

    @property
    def label(self) -> str:
        return f"{self.title} ({', '.join(column.name for column in self.columns)})"


@dataclass(frozen=True)
class Kind:
    """`query` has FROM, range and order, and sees one tenant only (tenancy.py); the columns are added to it.

    `extra` columns, or bundles of them, come after the others where asked for by their names. `filters`
    says how each filter that the kind takes narrows the query. `about` says what is in the file, `note`
    what is not or how to read it, `nothing` that the file has no row. A kind that is not `dated` shows
    how things are on the day of the request. With `change_id`, the id of the history's row, a file can
    hold only what another did not yet. A kind that is `own` holds what whoever asks for it may read.
    `holds` gives the rows that a file with some filters is for, where those are not all of the query, and
    `leaves_out` the filters that find what is told of as left out of it, or None.
    """

    key: str
    title: str
    about: str
    note: str
    nothing: str
    query: Select[Any]
    columns: tuple[Column, ...]
    filters: Mapping[str, Callable[[Any], ColumnElement[bool]]] = field(default_factory=dict)
    extra: tuple[Column | Bundle, ...] = ()
    dated: bool = True
    change_id: SQLColumnExpression[int] | None = None
    own: bool = False
    holds: Callable[[Filters], ColumnElement[bool]] | None = None
    leaves_out: Callable[[Filters], Filters | None] | None = None

    def may_go_to(self, user: User) -> bool:
        """Whether a user may have a file of this kind. An auditor reads no texts on screen, so none here."""
        return user.may_export and not (self.own and user.is_auditor)

    def chosen(self, extra: Collection[str]) -> list[Column]:
        """The columns of a file: the kind's own, and the extra ones that are named, in the kind's order."""
        columns = list(self.columns)
        for each in self._named(extra):
            columns += each.columns if isinstance(each, Bundle) else [each]
        return columns

    def titles(self, extra: Collection[str]) -> list[str]:
        """What people call the extra columns that are named."""
        return [each.title for each in self._named(extra)]

    def with_extra(self, query: Select[Any], extra: Collection[str]) -> Select[Any]:
        """A query of this kind with what the extra columns that are named need."""
        for each in self._named(extra):
            query = each.joined(query) if isinstance(each, Bundle) else query
        return query

    def _named(self, extra: Collection[str]) -> list[Column | Bundle]:
        return [each for each in self.extra if each.name in extra]

    def narrowed(self, filters: Filters, changes: tuple[int, int] | None = None) -> Select[Any]:
        """The query with the filters; `changes` are those of Export.changes."""
        query = self.query.where(*self.conditions(filters))
        if changes is not None and self.change_id is not None:
            query = query.where(self.change_id > changes[0], self.change_id <= changes[1])
        return query

    def conditions(self, filters: Filters) -> list[ColumnElement[bool]]:
        return self.held(filters) + [self.filters[name](value) for name, value in filters.stored.items()]

    def held(self, filters: Filters) -> list[ColumnElement[bool]]:
        """The condition of the rows that a file is for, whatever narrows them."""
        return [self.holds(filters)] if self.holds else []

    def left_out(self, filters: Filters) -> Filters | None:
        """The filters that find what a file with some filters leaves out and tells of."""
        return self.leaves_out(filters) if self.leaves_out else None

    def count(self, filters: Filters, changes: tuple[int, int] | None = None) -> Select[Any]:
        """How many rows the file has."""
        narrowed = self.narrowed(filters, changes)
        rows = narrowed.with_only_columns(literal(1).label("row"), maintain_column_froms=True)
        return select(func.count()).select_from(rows.order_by(None).subquery())


def says(text: SQLColumnExpression[str]) -> Callable[[str], ColumnElement[bool]]:
    """The filter that a text holds what was searched for."""
    return lambda search: text.icontains(search, autoescape=True)
