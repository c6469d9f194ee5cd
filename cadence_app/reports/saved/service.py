"""Saving filters, finding them again, and what of one still means something when it is opened."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select

from cadence_app.accounts.models import Team, User
from cadence_app.extensions import db
from cadence_app.reports.filters import Filters
from cadence_app.reports.forms import FILTER_FIELDS
from cadence_app.reports.kinds import Kind
from cadence_app.reports.models import Format
from cadence_app.reports.ranges import presets
from cadence_app.reports.saved.models import FIXED, NO_DAYS, SavedFilter
from cadence_app.ui.navigation import Words
from cadence_app.work.locks import Pair, hold


class NameTaken(ValueError):
    """The owner has one of this name for this kind."""


@dataclass(frozen=True)
class Wanted:
    """What is to be saved. `days` is as SavedFilter.days; first and last day count for FIXED only."""

    filters: Filters
    extra: Collection[str]
    file_format: Format
    days: str = NO_DAYS
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True)
class Opened:
    """A saved filter as the fields of a form; `lost` says in words what of it is no more."""

    fields: dict[str, Any]
    lost: list[str] = field(default_factory=list)


def saved_for(user: User, kind: Kind | None = None) -> list[SavedFilter]:
    """The user's own and the shared ones, of one kind or of all, by name."""
    query = select(SavedFilter).where(or_(SavedFilter.owner_id == user.id, SavedFilter.shared))
    if kind:
        query = query.where(SavedFilter.kind == kind.key)
    return list(db.session.scalars(query.order_by(func.lower(SavedFilter.name), SavedFilter.id)))


def find(user: User, saved_id: int) -> SavedFilter | None:
    """One that the user may open."""
    saved = db.session.get(SavedFilter, saved_id)
    return saved if saved and (saved.shared or saved.owner_id == user.id) else None


def save(user: User, kind: Kind, name: str, shared: bool, wanted: Wanted, replace: bool) -> SavedFilter:
    """Saves filters under a name and commits: in the place of the user's own of that name with `replace`.
    Errors: NameTaken without, and for one that is shared where the user is no admin any more."""
    same = _named(user.id, kind.key, name)
    if same and (not replace or (same.shared and not user.is_admin)):
        raise NameTaken
    saved = same or SavedFilter(tenant_id=user.tenant_id, owner_id=user.id, kind=kind.key)
    saved.name, saved.shared = name, shared
    saved.filters, saved.extra_columns = wanted.filters.stored, list(wanted.extra)
    saved.format, saved.days = wanted.file_format, wanted.days
    fixed = wanted.days == FIXED
    saved.start_date, saved.end_date = (wanted.start, wanted.end) if fixed else (None, None)
    db.session.add(saved)
    db.session.commit()
    return saved


def rename(saved: SavedFilter, name: str, shared: bool) -> None:
    """Errors: NameTaken."""
    same = _named(saved.owner_id, saved.kind, name)
    if same and same.id != saved.id:
        raise NameTaken
    saved.name, saved.shared = name, shared
    db.session.commit()


def delete(saved: SavedFilter) -> None:
    db.session.delete(saved)
    db.session.commit()


def days_of(saved: SavedFilter, day: date) -> tuple[date, date] | None:
    """The days that a saved filter means when it is opened on a day."""
    if saved.start_date and saved.end_date:
        return saved.start_date, saved.end_date
    ranges = {name: (start, end) for name, start, end in presets(day)}
    return ranges.get(saved.days)


def opened(saved: SavedFilter, kind: Kind, day: date, words: Words) -> Opened:
    """A saved filter as it is on a day. What it names that is no more is left out, and told."""
    stored = {name: value for name, value in saved.filters.items() if name in kind.filters}
    lost = []
    for name, model, what in (("team_id", Team, words.team), ("user_id", User, "user")):
        if name in stored and db.session.get(model, stored[name]) is None:
            del stored[name]
            lost.append(f"The {what} that it was saved with is no more, so it is left out.")
    columns = [name for name in saved.extra_columns if name in {column.name for column in kind.extra}]
    fields: dict[str, Any] = {FILTER_FIELDS.get(name, name): value for name, value in stored.items()}
    if columns:
        fields["columns"] = columns
    if saved.format != Format.CSV:
        fields["format"] = saved.format
    if days := days_of(saved, day):
        fields |= {"start_date": days[0].isoformat(), "end_date": days[1].isoformat()}
    return Opened(fields, lost)


def _named(owner_id: int, kind_key: str, name: str) -> SavedFilter | None:
    """The owner's of a name, whatever the case; two who save at once wait for each other."""
    hold(Pair.SAVED_FILTERS, owner_id)
    query = select(SavedFilter).where(
        SavedFilter.owner_id == owner_id,
        SavedFilter.kind == kind_key,
        func.lower(SavedFilter.name) == func.lower(name),
    )
    return db.session.scalars(query).one_or_none()
