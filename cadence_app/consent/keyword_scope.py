"""The keyword policy: what a tenant has chosen of how far an opt-out word reaches, from which day, and what
another choice would mean. What a word then does by it: deciding.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from cadence_app.accounts.models import KeywordPolicy, PossibleOptOutPolicy, Tenant
from cadence_app.consent.deciding import Policy
from cadence_app.consent.models import OptOutChange, Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db

# How far back reach() looks.
LOOK_BACK = timedelta(days=90)
# How long before the day, and on it, admins see it on their pages.
SHOWN_BEFORE = timedelta(days=14)
_EXAMPLES = 5


@dataclass(frozen=True)
class Example:
    """A contact's latest stop in a team (`team_code`), when they were opted in to `others` more."""

    contact: Contact
    team_code: str
    changed_at: datetime
    others: int


@dataclass(frozen=True)
class Reach:
    """What the opt-out words of the last 90 days left as it was and would not have under the organisation's
    policy: `contacts` who stopped by a word in one team while they were opted in to others, `teams`, how many
    those others are, and `statuses`, one for each of these contacts in each of those. `examples` are the
    latest few."""

    contacts: int
    teams: int
    statuses: int
    examples: list[Example]


def organisation_wide(tenant: Tenant, today: date) -> bool:
    """Whether the tenant's keyword policy makes a word count in every team on a day in its zone."""
    begun = tenant.keyword_policy_from is None or tenant.keyword_policy_from <= today
    return tenant.keyword_policy == KeywordPolicy.ORGANISATION and begun


def policy_of(tenant: Tenant, now: datetime) -> Policy:
    """What the tenant's choices make of a text at a time (UTC)."""
    return Policy(
        everywhere=organisation_wide(tenant, now.astimezone(tenant.zone).date()),
        asks_team_only=tenant.ask_team_only,
        words_opt_out=tenant.possible_opt_out_policy == PossibleOptOutPolicy.OPT_OUT,
    )


def days_left(tenant: Tenant, today: date) -> int | None:
    """Days from a day in the tenant's zone to the one on which its words begin to count for the whole
    organisation: 0 on that day, less after it. None where no day was chosen."""
    if tenant.keyword_policy != KeywordPolicy.ORGANISATION or tenant.keyword_policy_from is None:
        return None
    return (tenant.keyword_policy_from - today).days


def coming(tenant: Tenant) -> int | None:
    """days_left() of today, where that is so near that admins are shown it on their pages; else None."""
    left = days_left(tenant, datetime.now(tenant.zone).date())
    return left if left is not None and 0 <= left <= SHOWN_BEFORE.days else None


def reach() -> Reach:
    """Reads the tenant's history; what is there stays as it is under either policy."""
    spared = _spared().subquery()
    totals = db.session.execute(
        select(
            func.count(spared.c.contact_id.distinct()),
            func.count(spared.c.other_team_id.distinct()),
            func.count(tuple_(spared.c.contact_id, spared.c.other_team_id).distinct()),
        )
    ).one()
    return Reach(*totals, examples=_examples() if totals[0] else [])


def _examples() -> list[Example]:
    spared = _spared().subquery()
    stops = (
        select(
            spared.c.contact_id,
            spared.c.team_code,
            spared.c.changed_at,
            func.count().label("others"),
        )
        .group_by(spared.c.contact_id, spared.c.team_code, spared.c.changed_at)
        .ext(distinct_on(spared.c.contact_id))
        .order_by(spared.c.contact_id, spared.c.changed_at.desc())
        .subquery()
    )
    query = (
        select(Contact, stops.c.team_code, stops.c.changed_at, stops.c.others)
        .join(stops, stops.c.contact_id == Contact.id)
        .order_by(stops.c.changed_at.desc(), Contact.id)
        .limit(_EXAMPLES)
    )
    return [Example(*row) for row in db.session.execute(query)]


def _spared() -> Select[Any]:
    """A row for each stop by a word and each other team that the contact was opted in to then, and that the
    word did not reach."""
    stop, before, same_text = aliased(OptOutChange), aliased(OptOutChange), aliased(OptOutChange)
    elsewhere = (
        select(before.team_id, before.status)
        .where(
            before.contact_id == stop.contact_id,
            before.team_id != stop.team_id,
            before.changed_at < stop.changed_at,
        )
        .ext(distinct_on(before.team_id))
        .order_by(before.team_id, before.changed_at.desc(), before.id.desc())
        .lateral()
    )
    reached = exists().where(
        same_text.contact_id == stop.contact_id,
        same_text.team_id == elsewhere.c.team_id,
        same_text.message_id == stop.message_id,
    )
    return (
        select(
            stop.contact_id,
            stop.team_code,
            stop.changed_at,
            elsewhere.c.team_id.label("other_team_id"),
        )
        .join(Contact, Contact.id == stop.contact_id)
        .join(elsewhere, true())
        .where(
            stop.source == Source.KEYWORD,
            stop.status == Status.OPTED_OUT,
            stop.changed_at > func.now() - LOOK_BACK,
            Contact.gone_at.is_(None),
            elsewhere.c.status == Status.OPTED_IN,
            ~reached,
        )
    )
