"""What an opt in of the history rests on, as a part of a statement over the history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Select,
    and_,
    any_,
    case,
    cast,
    func,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from cadence_app.consent.evidence_basis import (
    agreed_after,
    own_text,
    same_number,
    stopped_everywhere,
    takes_away,
)
from cadence_app.consent.evidence_models import Evidence
from cadence_app.consent.models import Block, OptOutChange, Source, Status
from cadence_app.contacts.models import Contact


class Resting(NamedTuple):
    """What opt ins rest on, beside the rows of a query over OptOutChange: the text that made one, else the
    evidence that was recorded last for it; null where neither is known, and for opt outs. `joined` gives the
    query what the columns need; it has no row more or less by it."""

    text: ColumnElement[bool]
    method: ColumnElement[Any]
    agreed_on: ColumnElement[Any]
    words: ColumnElement[Any]
    page_url: ColumnElement[Any]
    sha256: ColumnElement[Any]
    collected_by: ColumnElement[Any]
    recorded_at: ColumnElement[Any]
    parts: tuple[FromClause, ...]

    def joined(self, query: Select[Any]) -> Select[Any]:
        for part in self.parts:
            query = query.outerjoin(part, true())
        return query


def resting_of_changes(zone: ColumnElement[str]) -> Resting:
    """The rule of evidence_basis.py at any moment of the history: recorded since the opt in and
    before the next opt out, and not agreed to before the opt out that came before it. An opt in that a merge
    carried on goes on resting on what the first one since that opt out did. Days are days of `zone`, by its
    name."""
    change, person = OptOutChange, _person()
    first, texted = _carried_on(person, "carried_on"), _carried_on(person, "texted", _they_texted)
    opted_in_at = func.coalesce(first.c.changed_at, change.changed_at)
    carried = first.c.id.is_not(None)
    text = and_(
        change.status == Status.OPTED_IN,
        case((carried, texted.c.id.is_not(None)), else_=own_text(change)),
    )
    row = _latest(person, text, opted_in_at, zone)
    texted_at = func.coalesce(texted.c.changed_at, change.changed_at)
    return Resting(
        text=text,
        method=row.c.method,
        agreed_on=case((text, _day_of(texted_at, zone)), else_=row.c.agreed_on),
        words=case((text, case((carried, texted.c.words), else_=change.words)), else_=row.c.words),
        page_url=row.c.page_url,
        sha256=row.c.sha256,
        collected_by=row.c.collected_by,
        recorded_at=case((text, texted_at), else_=row.c.recorded_at),
        parts=(person, first, texted, row),
    )


def _they_texted(opt_in: Any) -> ColumnElement[bool]:
    return and_(own_text(opt_in), same_number(opt_in.number, OptOutChange.number))


def _carried_on(
    person: FromClause, name: str, which: Callable[[Any], ColumnElement[bool]] | None = None
) -> FromClause:
    """The first opt in since the last opt out, of these or of all, of what a merge made; no row for all other
    changes."""
    opt_in = aliased(OptOutChange)
    return (
        select(opt_in.id, opt_in.changed_at, opt_in.words)
        .where(
            OptOutChange.source == Source.MERGE,
            OptOutChange.status == Status.OPTED_IN,
            _of(person, opt_in.contact_id),
            opt_in.team_id == OptOutChange.team_id,
            opt_in.status == Status.OPTED_IN,
            opt_in.changed_at <= OptOutChange.changed_at,
            func.coalesce(opt_in.changed_at > _out_before(person), True),
            *((which(opt_in),) if which else ()),
        )
        .order_by(opt_in.changed_at, opt_in.id)
        .limit(1)
        .correlate(OptOutChange, person)
        .lateral(name)
    )


def _latest(
    person: FromClause,
    text: ColumnElement[bool],
    opted_in_at: ColumnElement[Any],
    zone: ColumnElement[str],
) -> FromClause:
    out = aliased(OptOutChange)
    ended = select(out.id).where(
        _of(person, out.contact_id),
        out.team_id == OptOutChange.team_id,
        out.status == Status.OPTED_OUT,
        out.changed_at > OptOutChange.changed_at,
        out.changed_at <= Evidence.recorded_at,
    )
    taken = _out_before(person, lambda out: takes_away(out, Evidence.way))
    before = func.greatest(taken, _stopped_everywhere_before())
    return (
        select(Evidence)
        .where(
            OptOutChange.status == Status.OPTED_IN,
            ~text,
            _of(person, Evidence.contact_id),
            Evidence.team_id == OptOutChange.team_id,
            Evidence.recorded_at >= opted_in_at,
            same_number(Evidence.number, OptOutChange.number),
            ~ended.correlate(OptOutChange, Evidence, person).exists(),
            agreed_after(Evidence, before, _day_of(before, zone)),
        )
        .order_by(Evidence.recorded_at.desc(), Evidence.id.desc())
        .limit(1)
        .lateral("resting")
    )


def _opts_out(out: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = out.status == Status.OPTED_OUT
    return found


def _out_before(
    person: FromClause, which: Callable[[Any], ColumnElement[bool]] = _opts_out
) -> ColumnElement[Any]:
    """When who has a change was opted out last before it, of these opt outs or of all; null for never."""
    out = aliased(OptOutChange)
    outs = select(func.max(out.changed_at)).where(
        _of(person, out.contact_id),
        out.team_id == OptOutChange.team_id,
        which(out),
        out.changed_at < OptOutChange.changed_at,
    )
    return outs.correlate_except(out).scalar_subquery()


def _of(person: FromClause, contact_id: Any) -> ColumnElement[bool]:
    """Whether a row is of one of the person's records."""
    theirs: ColumnElement[bool] = contact_id == any_(person.c.ids)
    return theirs


def _stopped_everywhere_before() -> ColumnElement[Any]:
    """Since when who has a change has stopped every team, where that was before it and is still so."""
    since = select(func.max(Block.since)).where(
        Block.contact_id == OptOutChange.contact_id,
        stopped_everywhere(),
        Block.since < OptOutChange.changed_at,
    )
    return since.correlate(OptOutChange).scalar_subquery()


def _day_of(at: ColumnElement[Any], zone: ColumnElement[str]) -> ColumnElement[Any]:
    return cast(func.timezone(zone, at), Date)


def _person() -> FromClause:
    """The records of the person whom an opt in is of, as an array: the one that its record was merged into,
    and all that were. OFFSET 0 has it found once for each opt in, and each by its own index."""
    named, other = aliased(Contact), aliased(Contact)
    kept = (
        select(func.coalesce(named.merged_into_id, named.id))
        .where(named.id == OptOutChange.contact_id)
        .correlate(OptOutChange)
        .scalar_subquery()
    )
    ids = union_all(select(kept), select(other.id).where(other.merged_into_id == kept)).scalar_subquery()
    found = select(func.array(ids, type_=ARRAY(BigInteger)).label("ids"))
    opted_in = found.where(OptOutChange.status == Status.OPTED_IN)
    return opted_in.offset(0).correlate(OptOutChange).lateral("person")
