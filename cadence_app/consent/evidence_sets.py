"""What the consents of everybody rest on, found for all at once: evidence.bases_of() says it of one person.

The history is read once for all, and not once for each, which takes too long where they are many.
tests/consent/test_evidence_sets.py holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on

from cadence_app.accounts.models import Tenant
from cadence_app.consent.evidence import OWN_TEXTS
from cadence_app.consent.evidence_models import Evidence
from cadence_app.consent.models import Consent, OptOutChange, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# Stands for a text of their own among the methods.
OWN_TEXT = "own_text"

_NESTED_LOOPS = text("SELECT set_config('enable_nestloop', :allowed, true)")


@contextmanager
def at_once() -> Iterator[None]:
    """Has the planner hash or sort what it joins: without statistics, as after an import, it thinks that few
    rows are there and would hold each against each, which takes hours. To run what has grounds() in it."""
    db.session.execute(_NESTED_LOOPS, {"allowed": "off"})
    yield
    db.session.execute(_NESTED_LOOPS, {"allowed": "on"})


def grounds(team_ids: Collection[int] | None = None) -> Subquery:
    """What each consent of who is opted in rests on, in these teams or all: contact_id, team_id and `ground`,
    which is OWN_TEXT where a text of theirs opted them in, else the method of the first evidence recorded
    for it, else null."""
    merged = _merged()
    began = _opt_ins(merged, team_ids)
    firsts = _first_evidence(merged, began, team_ids)
    ground = case((began.c.own_text, literal(OWN_TEXT)), else_=firsts.c.method)
    query = (
        select(Consent.contact_id, Consent.team_id, ground.label("ground"))
        .outerjoin(began, _same(began, Consent))
        .outerjoin(firsts, _same(firsts, Consent))
        .where(Consent.status == Status.OPTED_IN, *_of_teams(Consent, team_ids))
    )
    return query.subquery("grounds")


def _merged() -> CTE:
    """The few contacts that were merged into others: every row of the history would have to be joined to all
    contacts instead."""
    into = Contact.merged_into_id
    return select(Contact.id, into).where(into.is_not(None)).cte("merged")


def _opt_ins(merged: CTE, team_ids: Collection[int] | None) -> CTE:
    """The change that opted in whoever is opted in, the first after their last opt out: contact_id, team_id,
    began_at, out_at (null for never), and whether it is a text of theirs."""
    history = (
        select(
            func.coalesce(merged.c.merged_into_id, OptOutChange.contact_id).label("contact_id"),
            *(OptOutChange.team_id, OptOutChange.status, OptOutChange.changed_at, OptOutChange.id),
            and_(OptOutChange.source.in_(OWN_TEXTS), OptOutChange.message_id.is_not(None)).label("own_text"),
        )
        .outerjoin(merged, merged.c.id == OptOutChange.contact_id)
        .where(*_of_teams(OptOutChange, team_ids))
        .cte("history")
    )
    outs = (
        select(history.c.contact_id, history.c.team_id, func.max(history.c.changed_at).label("at"))
        .where(history.c.status == Status.OPTED_OUT)
        .group_by(history.c.contact_id, history.c.team_id)
        .cte("outs")
    )
    of = history.c.contact_id, history.c.team_id
    return (
        select(*of, history.c.changed_at.label("began_at"), outs.c.at.label("out_at"), history.c.own_text)
        .ext(distinct_on(*of))
        .outerjoin(outs, _same(outs, history.c))
        .where(
            history.c.status == Status.OPTED_IN, or_(outs.c.at.is_(None), history.c.changed_at > outs.c.at)
        )
        .order_by(*of, history.c.changed_at, history.c.id)
        .cte("began")
    )


def _first_evidence(merged: CTE, began: CTE, team_ids: Collection[int] | None) -> CTE:
    """The method of the first evidence that each of these opt ins rests on: contact_id, team_id, method."""
    zone = select(Tenant.time_zone).where(Tenant.id == tenant_in_use()).scalar_subquery()
    day_of_out = cast(func.timezone(zone, began.c.out_at), Date)
    of = began.c.contact_id, began.c.team_id
    return (
        select(*of, cast(Evidence.method, Text).label("method"))
        .ext(distinct_on(*of))
        .select_from(Evidence)
        .outerjoin(merged, merged.c.id == Evidence.contact_id)
        .join(
            began,
            and_(
                began.c.contact_id == func.coalesce(merged.c.merged_into_id, Evidence.contact_id),
                began.c.team_id == Evidence.team_id,
            ),
        )
        .where(
            Evidence.recorded_at >= began.c.began_at,
            func.coalesce(Evidence.agreed_at > began.c.out_at, Evidence.agreed_on >= day_of_out, true()),
            *_of_teams(Evidence, team_ids),
        )
        .order_by(*of, Evidence.recorded_at, Evidence.id)
        .cte("firsts")
    )


def _same(one: CTE, other: Any) -> ColumnElement[bool]:
    return and_(one.c.contact_id == other.contact_id, one.c.team_id == other.team_id)


def _of_teams(table: Any, team_ids: Collection[int] | None) -> tuple[ColumnElement[bool], ...]:
    return () if team_ids is None else (table.team_id.in_(team_ids),)
