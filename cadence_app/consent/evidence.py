"""Evidence of a yes: how a person agreed to be texted, recorded once, and what a consent rests on.

A first text and a START are evidence of themselves: the history has their words, and no row is made of them.
Nothing is made up for consents from before there was evidence: they rest on nothing that was recorded.

A consent rests on what was recorded since the opt in that it is, and not on what they agreed to before they
last opted out. An opt in that followed from a changed number or a merge goes on resting on what the opt in
before it did.

Everything here runs inside the caller's transaction, which holds the contacts (ledger.lock_contacts).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    LargeBinary,
    Select,
    and_,
    any_,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.consent.ledger import with_merged
from cadence_app.consent.models import Consent, OptOutChange, Source, Status
from cadence_app.consent.moments import this_moment
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

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

_OWN_TEXTS = (Source.COLD_INBOUND, Source.KEYWORD)
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


@dataclass(frozen=True)
class Basis:
    """What a consent rests on: the evidence recorded for it, oldest first, and the change that a text of
    theirs made, where that is what opted them in."""

    evidence: Sequence[Evidence] = ()
    text: OptOutChange | None = None

    def __bool__(self) -> bool:
        return bool(self.evidence) or self.text is not None


NOTHING = Basis()


def record(
    pairs: Collection[tuple[int, int]],
    given: Given,
    way: Way,
    by: User | str,
    origin: str = "",
) -> Sequence[int]:
    """Records how contacts agreed, for each pair of a contact's and a team's id; after the statuses, so that
    an opt in of the same transaction rests on it. `by` is who entered it, a user or what the history calls
    the system. Returns the ids of the rows, in the order of the pairs sorted; whoever is gone has none."""
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
    return record_selected(rows, way, by)


def record_selected(rows: Select[Any], way: Way, by: User | str) -> Sequence[int]:
    """record() for as many as a query finds, without a row of it leaving the database. `rows` selects
    contact_id, team_id, method, agreed_on, agreed_at, words, page_url, sha256, ip, collected_by and origin,
    by these names; who is gone is left out."""
    wanted = rows.cte("wanted")
    moment = this_moment()
    # Never before the status that rests on it, which may be newer than the clock.
    at = func.greatest(literal(moment.at, DateTime(timezone=True)), Consent.since)
    user = by if isinstance(by, User) else None
    found = (
        select(
            *(Contact.tenant_id, Contact.id, wanted.c.team_id, at, wanted.c.method, literal(str(way))),
            func.coalesce(wanted.c.agreed_on, day_of(wanted.c.agreed_at)),
            *(wanted.c.agreed_at, wanted.c.words, wanted.c.page_url, wanted.c.sha256),
            *(wanted.c.ip, Contact.number, wanted.c.collected_by),
            literal(user.id if user else None, BigInteger),
            literal(user.name if user else by),
            moment.sql_said(wanted.c.origin, at),
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


def basis_of(contact_id: int, team_id: int) -> Basis:
    """What the contact's consent in a team rests on; NOTHING where none is recorded, or they are out."""
    return bases_of(contact_id, [team_id]).get(team_id, NOTHING)


def bases_of(contact_id: int, team_ids: Collection[int]) -> dict[int, Basis]:
    """basis_of() by team, of those teams in which the contact is opted in."""
    opted_in = (Consent.contact_id == contact_id, Consent.status == Status.OPTED_IN)
    began = _opt_in()
    theirs = (
        select(Consent.team_id, OptOutChange)
        .join(OptOutChange, OptOutChange.id == began)
        .where(*opted_in, Consent.team_id.in_(team_ids))
    )
    texts = {
        row.team_id: row.OptOutChange if _speaks_for_itself(row.OptOutChange) else None
        for row in db.session.execute(theirs)
    }
    rows = (
        select(Evidence)
        .join(Consent, Consent.team_id == Evidence.team_id)
        .where(*opted_in, Consent.team_id.in_(team_ids), rests_on(Evidence))
        .order_by(Evidence.recorded_at, Evidence.id)
    )
    by_team: dict[int, list[Evidence]] = {}
    for each in db.session.scalars(rows):
        by_team.setdefault(each.team_id, []).append(each)
    return {team_id: Basis(by_team.get(team_id, ()), text) for team_id, text in texts.items()}


def rests_on_evidence() -> ColumnElement[bool]:
    """The condition on Consent, of who is opted in, that it rests on evidence or on a text of theirs."""
    recorded = select(Evidence.id).where(Evidence.team_id == Consent.team_id, rests_on(Evidence))
    own_text = select(OptOutChange.id).where(
        OptOutChange.id == _opt_in(),
        OptOutChange.source.in_(_OWN_TEXTS),
        OptOutChange.message_id.is_not(None),
    )
    return or_(own_text.exists(), recorded.exists())


def last_out(contact_id: int, team_id: int) -> datetime | None:
    """When the contact last opted out in a team, or was; what they agreed to before counts no more."""
    outs = select(func.max(OptOutChange.changed_at)).where(
        OptOutChange.contact_id.in_(with_merged(contact_id)),
        OptOutChange.team_id == team_id,
        OptOutChange.status == Status.OPTED_OUT,
    )
    return db.session.scalar(outs)


def _speaks_for_itself(change: OptOutChange) -> bool:
    return change.source in _OWN_TEXTS and change.message_id is not None


def _last_out() -> ColumnElement[Any]:
    """When who has a Consent was opted out last, as a part of a statement; null for never."""
    out = aliased(OptOutChange)
    outs = select(func.max(out.changed_at)).where(
        _is_theirs(out.contact_id), out.team_id == Consent.team_id, out.status == Status.OPTED_OUT
    )
    return outs.correlate(Consent).scalar_subquery()


def _opt_in() -> ColumnElement[Any]:
    """The id of the change that opted in who has a Consent: the first after their last opt out."""
    opt_in = aliased(OptOutChange)
    first = (
        select(opt_in.id)
        .where(
            _is_theirs(opt_in.contact_id),
            opt_in.team_id == Consent.team_id,
            opt_in.status == Status.OPTED_IN,
            func.coalesce(opt_in.changed_at > _last_out(), True),
        )
        .order_by(opt_in.changed_at, opt_in.id)
        .limit(1)
    )
    return first.correlate(Consent).scalar_subquery()


def rests_on(row: Any) -> ColumnElement[bool]:
    """Whether the opt in that a Consent is rests on a row of evidence, of the same team."""
    opt_in, out = aliased(OptOutChange), _last_out()
    began = select(opt_in.changed_at).where(opt_in.id == _opt_in()).correlate(Consent).scalar_subquery()
    return and_(
        _is_theirs(row.contact_id),
        row.recorded_at >= began,
        func.coalesce(row.agreed_at > out, row.agreed_on >= day_of(out), True),
    )


def _is_theirs(contact_id: ColumnElement[int] | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether a row is of the contact of a Consent, or of one that was merged into it. As an array, so that
    each contact's rows are found by their index."""
    one, of = aliased(Contact), Consent.contact_id
    merged = select(one.id).where(one.merged_into_id == of).correlate(Consent)
    ids = func.array(merged.scalar_subquery(), type_=ARRAY(BigInteger))
    return contact_id == any_(func.array_append(ids, of, type_=ARRAY(BigInteger)))


def day_of(at: ColumnElement[Any]) -> ColumnElement[Any]:
    """The day of an instant in the tenant's zone."""
    zone = select(Tenant.time_zone).where(Tenant.id == tenant_in_use()).scalar_subquery()
    return cast(func.timezone(zone, at), Date)
