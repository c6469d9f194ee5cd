"""How the people of a file agreed, recorded with each batch after its statuses: what a row says itself, and
what a person signed for the rows that say nothing.

It is recorded for the number that they are texted at. What a row says of another number of theirs is not, and
the row is told so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.types import LargeBinary

from cadence_app.consent import evidence, evidence_again
from cadence_app.consent.contact_rows import among
from cadence_app.consent.evidence_models import Method, Way
from cadence_app.consent.models import Consent, Status
from cadence_app.contacts.imports.batches import Order
from cadence_app.contacts.imports.models import ImportRow
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db

# A contact, a team and the line of the file that counts for both.
Said = tuple[int, int, int]


@dataclass(frozen=True)
class Recorded:
    """What came of it: how many rows of evidence there are now, how many of them no consent rests on, whose
    they are, and the contacts of whose other number something was said."""

    rows: int = 0
    idle: int = 0
    contact_ids: set[int] = field(default_factory=set)
    elsewhere: set[int] = field(default_factory=set)


def any_given(import_id: int) -> bool:
    """Whether any row of the file says how somebody agreed."""
    given = select(ImportRow.line).where(ImportRow.import_id == import_id, ImportRow.given.is_not(None))
    return db.session.scalar(given.limit(1)) is not None


def record(order: Order, said: Sequence[Said], out: Collection[tuple[int, int]]) -> Recorded:
    """Records what is said of these contacts and teams, in the open transaction, after their statuses. `out`
    are pairs that are opted out, whatever is stored: a check takes opt outs back before it comes to rows."""
    if order.evidence is None or not said:
        return Recorded()
    fresh = _fresh(order, said, out)
    ids = evidence.record_selected(_rows(order, fresh, out), Way.IMPORT, order.user) if fresh else ()
    recorded = evidence_again.what_rests_on(ids) if ids else {}
    resting = sum(rests and tuple(pair) not in out for (_, *pair), rests in recorded.items())
    whose = {contact_id for _, contact_id, _ in recorded}
    return Recorded(len(ids), len(ids) - resting, whose, _elsewhere(order, said))


def _fresh(order: Order, said: Sequence[Said], out: Collection[tuple[int, int]]) -> list[Said]:
    """Of what is said, each once, what is not recorded already."""
    rows = _rows(order, said, out).subquery("told")
    query = select(
        rows.c.contact_id, rows.c.team_id, rows.c.line, evidence_again.fingerprint(rows.c).label("said")
    )
    found = {(row.contact_id, row.team_id, row.said): row.line for row in db.session.execute(query)}
    known = evidence_again.already({contact_id for contact_id, _, _ in found}) if found else set()
    return [(*key[:2], line) for key, line in found.items() if key not in known]


def _rows(order: Order, said: Sequence[Said], out: Collection[tuple[int, int]]) -> Select[Any]:
    """What record_selected() takes. An opt out that is not applied, because they opted in since, has nothing
    to tell of how they did."""
    asked, row, person, of_all = _said(order, said)
    assert order.evidence  # noqa: S101 - record() has looked
    here = or_(row.c.number == "", row.c.number == person.c.number)
    given, file = row.c.given, order.evidence.file_name
    origin = func.concat_ws(": ", literal(file), func.nullif(_text(given, "source"), ""))
    nothing = literal("")
    pair = asked.c.contact_id, asked.c.team_id
    opted_in = select(Consent.status).where(
        Consent.contact_id == pair[0], Consent.team_id == pair[1], Consent.status == Status.OPTED_IN
    )
    is_in = and_(opted_in.correlate(asked).exists(), not_(among(*pair, list(out))))
    own = of_all.add_columns(
        *(*pair, asked.c.line),
        func.coalesce(_text(given, "method"), literal(str(Method.IMPORT))).label("method"),
        cast(_text(given, "on"), Date).label("agreed_on"),
        cast(_text(given, "at"), DateTime(timezone=True)).label("agreed_at"),
        func.coalesce(_text(given, "words"), "").label("words"),
        func.coalesce(_text(given, "url"), "").label("page_url"),
        cast(null(), LargeBinary).label("sha256"),
        *(nothing.label("ip"), nothing.label("collected_by"), origin.label("origin")),
    ).where(given.is_not(None), here, or_(row.c.status.is_distinct_from(Status.OPTED_OUT), not_(is_in)))
    if not order.evidence.statement:
        return own
    signed = of_all.add_columns(
        *(*pair, asked.c.line),
        literal(str(Method.IMPORT)).label("method"),
        literal(order.evidence.statement_on, Date).label("agreed_on"),
        cast(null(), DateTime(timezone=True)).label("agreed_at"),
        literal(order.evidence.statement).label("words"),
        nothing.label("page_url"),
        cast(null(), LargeBinary).label("sha256"),
        *(nothing.label("ip"), nothing.label("collected_by"), literal(file).label("origin")),
    ).where(given.is_(None), here, is_in)
    both = union_all(own, signed).subquery("both")
    return select(*both.c)


def _elsewhere(order: Order, said: Sequence[Said]) -> set[int]:
    asked, row, person, of_all = _said(order, said)
    other = row.c.given.is_not(None), row.c.number != "", row.c.number != person.c.number
    return set(db.session.scalars(of_all.add_columns(asked.c.contact_id).where(*other)))


def _said(order: Order, said: Sequence[Said]) -> tuple[Any, Any, Any, Select[Any]]:
    """What is said, its rows and its people, each by its key, and the query over all three."""
    columns = [cast([each[at] for each in said], ARRAY(BigInteger)) for at in range(3)]
    names = ("contact_id", "team_id", "line")
    asked = func.unnest(*columns).table_valued(*names).render_derived(name="asked")
    # OFFSET 0 as in statements.py.
    own = ImportRow.import_id == order.import_id, ImportRow.line == asked.c.line, ImportRow.problems == []
    told = ImportRow.number, ImportRow.given, ImportRow.status
    row = select(*told).where(*own).offset(0).lateral("said_row")
    person = select(Contact.number).where(Contact.id == asked.c.contact_id).offset(0).lateral("said_person")
    joined = asked.join(row, true()).join(person, true())
    return asked, row, person, select().select_from(joined)


def _text(given: Any, name: str) -> Any:
    return cast(given[name].astext, Text)
