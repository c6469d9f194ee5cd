"""Evidence of a yes: how a person agreed to be texted, recorded once. What a consent rests on is in
evidence_basis.py.

Everything here runs inside the caller's transaction, which holds the contacts (contact_rows.lock_contacts).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    LargeBinary,
    Select,
    and_,
    cast,
    func,
    insert,
    literal,
    select,
)

from cadence_app.accounts.models import User
from cadence_app.consent.contact_rows import with_merged
from cadence_app.consent.evidence_basis import day_of
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.consent.models import Consent
from cadence_app.consent.recording_time import this_moment
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db

METHOD_NAMES: Mapping[Method, str] = {
    Method.WEB_FORM: "Web form",
    Method.KEYWORD: "Keyword texted elsewhere",
    Method.PAPER: "Paper form",
    Method.SPOKEN: "In person or by phone",
    Method.IMPORT: "Statement with an import",
    Method.API: "Another system, through the API",
    Method.OTHER_SYSTEM: "Certificate of another system",
}
# What a person who enters it by hand may choose.
BY_HAND = (Method.WEB_FORM, Method.PAPER, Method.SPOKEN, Method.KEYWORD, Method.OTHER_SYSTEM)
# Nobody texted before the first text message was sent, on December 3, 1992.
EARLIEST = date(1992, 12, 3)
MOST_WORDS, MOST_URL, MOST_NAME = 4000, 2000, 200
_COLUMNS = (
    *("tenant_id", "contact_id", "team_id", "recorded_at", "method", "way", "agreed_on", "agreed_at"),
    *("words", "page_url", "sha256", "ip", "number", "collected_by", "user_id", "user_name", "origin"),
)


@dataclass(frozen=True)
class Given:
    """How somebody agreed, as it was entered; the fields are those of Evidence. `agreed_on` is filled in from
    `agreed_at` where only that is given (in the tenant's zone)."""

    method: Method
    agreed_on: date | None = None
    agreed_at: datetime | None = None
    words: str = ""
    page_url: str = ""
    sha256: bytes | None = None
    ip: str = ""
    collected_by: str = ""


def record(
    pairs: Collection[tuple[int, int]],
    given: Given,
    way: Way,
    by: User | str,
    origin: str = "",
    at: datetime | None = None,
) -> Sequence[int]:
    """Records how contacts agreed, for each pair of a contact's and a team's id; after the statuses, so that
    an opt in of the same transaction rests on it. `by` is who entered it, a user or what the history calls
    the system. `at` is for evidence that is being loaded; without it, it is recorded now. Returns the ids of
    the rows, in the order of the pairs sorted; whoever is gone has none."""
    ids = [cast([pair[side] for pair in sorted(pairs)], ARRAY(BigInteger)) for side in (0, 1)]
    wanted = func.unnest(*ids).table_valued("contact_id", "team_id").render_derived(name="wanted")
    rows = select(
        wanted.c.contact_id,
        wanted.c.team_id,
        literal(str(given.method)).label("method"),
        literal(given.agreed_on, Date).label("agreed_on"),
        literal(given.agreed_at, DateTime(timezone=True)).label("agreed_at"),
        literal(given.words).label("words"),
        literal(given.page_url).label("page_url"),
        cast(literal(given.sha256, LargeBinary), LargeBinary).label("sha256"),
        literal(given.ip).label("ip"),
        literal(given.collected_by).label("collected_by"),
        literal(origin).label("origin"),
    )
    return record_selected(rows, way, by, at)


def record_selected(
    rows: Select[Any], way: Way, by: User | str, loaded_at: datetime | None = None
) -> Sequence[int]:
    """record() for as many as a query finds, without a row of it leaving the database. `rows` selects
    contact_id, team_id, method, agreed_on, agreed_at, words, page_url, sha256, ip, collected_by and origin,
    by these names; who is gone is left out. `loaded_at` is the `at` of record()."""
    wanted = rows.cte("wanted")
    moment = this_moment()
    # Never before the status that rests on it, which may be newer than the clock.
    now = func.greatest(literal(moment.at, DateTime(timezone=True)), Consent.since)
    at = literal(loaded_at, DateTime(timezone=True)) if loaded_at else now
    user = by if isinstance(by, User) else None
    found = (
        select(
            *(Contact.tenant_id, Contact.id, wanted.c.team_id, at, wanted.c.method, literal(str(way))),
            func.coalesce(wanted.c.agreed_on, day_of(wanted.c.agreed_at)),
            *(wanted.c.agreed_at, wanted.c.words, wanted.c.page_url, wanted.c.sha256),
            *(wanted.c.ip, Contact.number, wanted.c.collected_by),
            literal(user.id if user else None, BigInteger),
            literal(user.name if user else by),
            wanted.c.origin if loaded_at else moment.sql_said(wanted.c.origin, at),
        )
        .select_from(wanted)
        .join(Contact, and_(Contact.id == wanted.c.contact_id, Contact.gone_at.is_(None)))
        .outerjoin(
            Consent, and_(Consent.contact_id == wanted.c.contact_id, Consent.team_id == wanted.c.team_id)
        )
        .order_by(Contact.id, wanted.c.team_id)
    )
    statement = insert(Evidence).from_select(list(_COLUMNS), found).returning(Evidence.id)
    return sorted(db.session.scalars(statement))


def evidence_of(contact_id: int, team_ids: Collection[int] | None = None) -> list[Evidence]:
    """All evidence of a contact and of those merged into it, in these teams or all; oldest first."""
    query = select(Evidence).where(Evidence.contact_id.in_(with_merged(contact_id)))
    if team_ids is not None:
        query = query.where(Evidence.team_id.in_(team_ids))
    return list(db.session.scalars(query.order_by(Evidence.recorded_at, Evidence.id)))
