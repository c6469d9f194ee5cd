"""Words that read like an opt out, and were one as somebody has decided: a stop of the phone that wrote them.

They count as a keyword's do for whoever has the number next (number_stops.py), in the team they were flagged
in. Everything here runs inside the caller's transaction, which holds the contact who wrote them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, delete, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts.models import Tenant
from cadence_app.consent.models import Block, BlockScope, Consent, NumberStop, Source, StopOrigin
from cadence_app.consent.number_stops import as_it_was, digest, digests, latest
from cadence_app.contacts.models import ContactNumber
from cadence_app.extensions import db
from cadence_app.phone_numbers import spellings
from cadence_app.tenancy import tenant_in_use


def keep(numbers: Collection[str], said_at: datetime, team_id: int) -> str:
    """Keeps that phones with these numbers (E.164) asked a team to stop at a time (UTC) in words of their
    own, as a person has decided. Returns what whoever gets such a number is told."""
    day = said_at.astimezone(db.session.get_one(Tenant, tenant_in_use()).zone)
    said = f"An earlier holder of this number asked to stop on {day:%B} {day.day}, {day.year}."
    for number in sorted(set(numbers)):
        row = {
            "tenant_id": tenant_in_use(),
            "digest": digest(literal(number)),
            "scope": BlockScope.TEAM,
            "team_id": team_id,
            "said_at": said_at,
            "origin": StopOrigin.TEXT,
            "reason": said,
        }
        db.session.execute(latest(upsert(NumberStop).values(row)))
    return said


def forget(
    numbers: Collection[str], said_at: datetime, team_id: int, stops: Sequence[dict[str, Any]]
) -> None:
    """Makes keep() undone: it is open again whether they asked to stop. What the numbers had stopped before,
    as `stops` (of TeamOnlyQuestion) tell, stays stopped."""
    before = {each["digest"]: each for each in stops if each["team_id"] == team_id}
    for number in numbers:
        for digest_of in db.session.scalars(digests(number)).all():
            theirs = (
                NumberStop.digest == digest_of,
                NumberStop.scope == BlockScope.TEAM,
                NumberStop.team_id == team_id,
                NumberStop.said_at == said_at,
            )
            if stop := before.get(digest_of.hex()):
                db.session.execute(update(NumberStop).where(*theirs).values(**as_it_was(stop)))
            else:
                db.session.execute(delete(NumberStop).where(*theirs))


def bar_holder(contact_id: int, numbers: Collection[str], said_at: datetime, team_id: int, said: str) -> bool:
    """Bars who has one of these numbers by now, whom the caller holds, as who gets a stopped number is
    barred; not where their phone has texted START, or somebody wrote how they agreed, since `said_at`.
    Whether they are opted in there, so that a person must decide."""
    consent = db.session.get(Consent, (contact_id, team_id), populate_existing=True)
    if consent and not consent.opted_out and consent.since > said_at:
        change = consent.change
        if change.reason or change.source == Source.KEYWORD:
            return False
    stored = {each for number in numbers for each in spellings(number)}
    theirs = select(
        ContactNumber.tenant_id,
        ContactNumber.contact_id,
        literal(str(BlockScope.TEAM)),
        literal(team_id, BigInteger),
        ContactNumber.number,
        literal(said_at, DateTime(timezone=True)),
        literal(said),
    ).where(
        ContactNumber.contact_id == contact_id,
        ContactNumber.number.in_(stored),
        ContactNumber.until.is_(None),
    )
    columns = ["tenant_id", "contact_id", "scope", "team_id", "number", "since", "reason"]
    db.session.execute(upsert(Block).from_select(columns, theirs).on_conflict_do_nothing())
    return bool(consent and not consent.opted_out)
