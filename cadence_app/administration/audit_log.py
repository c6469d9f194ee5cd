"""Reading the audit log: filters, pages by id, and each entry in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select

from cadence_app.accounts.models import AuditEntry, User
from cadence_app.extensions import db
from cadence_app.reports.ranges import utc_bounds
from cadence_app.ui.navigation import Words

PAGE = 50


@dataclass(frozen=True)
class Asked:
    """What narrows the log. The days are whole ones of the tenant's zone, both included; `area` is the part
    of an action before its dot."""

    start: date | None = None
    end: date | None = None
    user_id: int | None = None
    area: str = ""


def entries(asked: Asked, zone: ZoneInfo, before: int | None) -> tuple[list[AuditEntry], bool]:
    """A page of entries, newest first and older than the id `before`, and whether there are more."""
    query = select(AuditEntry)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if asked.start:
        query = query.where(AuditEntry.at >= utc_bounds(asked.start, asked.start, zone)[0])
    if asked.end:
        query = query.where(AuditEntry.at < utc_bounds(asked.end, asked.end, zone)[1])
    if asked.user_id:
        query = query.where(AuditEntry.user_id == asked.user_id)
    if asked.area:
        query = query.where(AuditEntry.action.startswith(f"{asked.area}.", autoescape=True))
    found = db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(PAGE + 1)).all()
    return list(found[:PAGE]), len(found) > PAGE


def areas() -> list[str]:
    """The parts before the dot of every action in the log, sorted."""
    actions = db.session.scalars(select(AuditEntry.action).distinct()).all()
    return sorted({action.partition(".")[0] for action in actions})


def who() -> list[User]:
    """The users who are in the log."""
    ids = select(AuditEntry.user_id).where(AuditEntry.user_id.is_not(None))
    return list(db.session.scalars(select(User).where(User.id.in_(ids)).order_by(User.name)))


def action_words(action: str, words: Words) -> str:
    """ "Team closed" of team.closed, in the mode's own word."""
    area, _, done = action.partition(".")
    return f"{area_words(area, words)} {done.replace('_', ' ')}".strip()


def area_words(area: str, words: Words) -> str:
    return _in_mode(area, words).capitalize()


def field_words(field: str, words: Words) -> str:
    return _in_mode(field, words).capitalize()


def value_words(value: object, words: Words) -> str:
    """A value of before or after: "none" for what is not there, a list by its items."""
    if value == "team":
        return words.team
    if value is None or value == "" or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(value_words(item, words) for item in value)
    return str(value)


def _in_mode(name: str, words: Words) -> str:
    """A name of the code as people read it, with the mode's word for a team."""
    said = {"team": words.team, "teams": words.teams}
    return " ".join(said.get(part, part) for part in name.split("_"))
