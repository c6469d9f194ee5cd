"""What a consent rests on: the rule, for one person; evidence_of_all.py has it for all at once, and
evidence_of_change.py for any row of the history. What the three share is here.

A first text and a START are evidence of themselves: the history has their words, and no row is made of them.
Nothing is made up for consents from before there was evidence: they rest on nothing that was recorded.

A consent rests on what was recorded since the opt in that it is, and not on what they agreed to before they
last opted out. The opt in that follows from a changed number rests on what was recorded with it, whenever
they agreed to that: consent is given for a number. So what was recorded for another number than the one
they are texted at, as of a record that was merged into theirs, carries nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Select,
    and_,
    any_,
    cast,
    column,
    false,
    func,
    literal,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from cadence_app.accounts.models import Tenant
from cadence_app.consent.contact_rows import with_merged
from cadence_app.consent.evidence_models import Evidence, Way
from cadence_app.consent.models import Block, BlockScope, Consent, OptOutChange, Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.tenancy import tenant_in_use

# Of the texts no more is known here than what they came to.
_MESSAGES = table("messages", column("id"), column("inbox_id"))


@dataclass(frozen=True)
class Basis:
    """What a consent rests on: the evidence recorded for it, oldest first, and the change that a text of
    theirs made, where that is what opted them in. `since` is when they were opted in; None for NOTHING."""

    evidence: Sequence[Evidence] = ()
    text: OptOutChange | None = None
    since: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.evidence) or self.text is not None


NOTHING = Basis()


def basis_of(contact_id: int, team_id: int) -> Basis:
    """What the contact's consent in a team rests on; NOTHING where none is recorded, or they are out."""
    return bases_of(contact_id, [team_id]).get(team_id, NOTHING)


def bases_of(contact_id: int, team_ids: Collection[int]) -> dict[int, Basis]:
    """basis_of() by team, of those teams in which the contact is opted in."""
    opted_in = (Consent.contact_id == contact_id, Consent.status == Status.OPTED_IN)
    texted = aliased(OptOutChange)
    theirs = (
        select(Consent.team_id, OptOutChange.changed_at, texted)
        .select_from(Consent)
        .join(OptOutChange, OptOutChange.id == _opt_in())
        .outerjoin(texted, texted.id == _opt_in(_they_texted))
        .where(*opted_in, Consent.team_id.in_(team_ids))
    )
    opt_ins = {row[0]: (row[1], row[2]) for row in db.session.execute(theirs)}
    rows = (
        select(Evidence)
        .join(Consent, Consent.team_id == Evidence.team_id)
        .where(*opted_in, Consent.team_id.in_(team_ids), rests_on(Evidence))
        .order_by(Evidence.recorded_at, Evidence.id)
    )
    by_team: dict[int, list[Evidence]] = {}
    for each in db.session.scalars(rows):
        by_team.setdefault(each.team_id, []).append(each)
    return {
        team_id: Basis(by_team.get(team_id, ()), text, since) for team_id, (since, text) in opt_ins.items()
    }


def rests_on_evidence() -> ColumnElement[bool]:
    """The condition on Consent, of who is opted in, that it rests on evidence or on a text of theirs."""
    recorded = select(Evidence.id).where(Evidence.team_id == Consent.team_id, rests_on(Evidence))
    return or_(_opt_in(_they_texted).is_not(None), recorded.exists())


def rests_on(row: Any) -> ColumnElement[bool]:
    """The condition that the opt in that a Consent is rests on a row of evidence, of the same team."""
    out = aliased(OptOutChange)
    outs = _latest(out, row.way, _is_theirs(out.contact_id), out.team_id == Consent.team_id)
    everywhere = _since_everywhere(Consent.contact_id).correlate(Consent)
    last = func.greatest(
        outs.correlate_except(out).scalar_subquery(),
        everywhere.scalar_subquery(),
    )
    return and_(is_of_opt_in(row), agreed_after(row, last, day_of(last)))


def is_of_opt_in(row: Any) -> ColumnElement[bool]:
    """The condition that a row of evidence, of the same team, was recorded for the number that is texted
    since the opt in that a Consent is, whenever they agreed."""
    opt_in = aliased(OptOutChange)
    began = select(opt_in.changed_at).where(opt_in.id == _opt_in()).correlate(Consent).scalar_subquery()
    return and_(_is_theirs(row.contact_id), row.recorded_at >= began, same_number(row.number, _texted_at()))


def last_out(contact_id: int, team_id: int, way: Way) -> datetime | None:
    """When the contact last opted out of a team, or was: what they agreed to before, of evidence that comes
    in by `way`, counts no more (takes_away())."""
    out = OptOutChange
    outs = _latest(out, way, out.contact_id.in_(with_merged(contact_id)), out.team_id == team_id)
    everywhere = _since_everywhere(contact_id).scalar_subquery()
    return db.session.scalar(select(func.greatest(outs.scalar_subquery(), everywhere)))


def takes_away(out: Any, way: Any) -> ColumnElement[bool]:
    """The condition that a change (OptOutChange) is an opt out that takes away what they had agreed to
    before, of evidence that came in by `way`, a Way or its column. Nobody asked for the one of who was added
    by hand while something barred them, such as a stop of their number by who had it before; and one of a
    number that changed says nothing of what they agreed to for the new one."""
    return and_(
        out.status == Status.OPTED_OUT,
        out.source != Source.MANUAL_ADD,
        or_(out.source != Source.NUMBER_CHANGE, _text(way) != Way.NUMBER_CHANGE),
    )


def own_text(change: Any) -> ColumnElement[bool]:
    """The condition that a change (OptOutChange), of an opt in, is one that they texted to that team: a first
    text or a START. TEAM, which gives back what another team's STOP took, is texted to that other one, and
    agrees to nothing."""
    inbox_id = select(_MESSAGES.c.inbox_id).where(_MESSAGES.c.id == change.message_id)
    to = select(Inbox.team_id).where(Inbox.id == inbox_id.correlate_except(_MESSAGES).scalar_subquery())
    to_team_id = to.correlate_except(Inbox).scalar_subquery()
    return or_(
        and_(change.source == Source.COLD_INBOUND, change.message_id.is_not(None)),
        and_(change.source == Source.KEYWORD, func.coalesce(change.team_id == to_team_id, false())),
    )


def same_number(number: Any, texted: Any) -> ColumnElement[bool]:
    """The condition that two numbers are the same one, in whatever spelling."""
    # Of the row that it stands beside, and not of each row of its table.
    spelled = select(func.number_spellings(texted)).correlate_except()
    return or_(number == texted, number.in_(spelled))


def stopped_everywhere() -> ColumnElement[bool]:
    """The condition on Block that by it a contact has stopped every team, those that they join later too."""
    return and_(Block.scope == BlockScope.ORGANISATION, Block.number == "")


def agreed_after(row: Any, out: ColumnElement[Any], out_on: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition that evidence is not of before an opt out, on the day `out_on` (null: there was none); a
    day counts as a whole, and what has no time is not."""
    return func.coalesce(row.agreed_at > out, row.agreed_on >= out_on, true())


def day_of(at: ColumnElement[Any]) -> ColumnElement[Any]:
    """The day of an instant in the tenant's zone."""
    zone = select(Tenant.time_zone).where(Tenant.id == tenant_in_use()).scalar_subquery()
    return cast(func.timezone(zone, at), Date)


def _text(way: Any) -> Any:
    return literal(str(way)) if isinstance(way, Way) else way


def _latest(out: Any, way: Any, *theirs: ColumnElement[bool]) -> Select[Any]:
    """When they were opted out last so that what they had agreed to was taken away."""
    return select(func.max(out.changed_at)).where(*theirs, takes_away(out, way))


def _since_everywhere(contact_id: Any) -> Select[Any]:
    """Since when a contact has stopped every team, those that they join later too."""
    return select(func.max(Block.since)).where(Block.contact_id == contact_id, stopped_everywhere())


def _texted_at() -> ColumnElement[Any]:
    """The number at which who has a Consent is texted."""
    one = aliased(Contact)
    of = select(one.number).where(one.id == Consent.contact_id).correlate(Consent)
    return of.scalar_subquery()


def _opted_out() -> ColumnElement[Any]:
    """When who has a Consent became opted out last, for whatever reason; null for never."""
    out = aliased(OptOutChange)
    outs = select(func.max(out.changed_at)).where(
        _is_theirs(out.contact_id), out.team_id == Consent.team_id, out.status == Status.OPTED_OUT
    )
    return outs.correlate(Consent).scalar_subquery()


def _they_texted(change: Any) -> ColumnElement[bool]:
    return and_(own_text(change), same_number(change.number, _texted_at()))


def _opt_in(which: Callable[[Any], ColumnElement[bool]] | None = None) -> ColumnElement[Any]:
    """The id of the change that opted in who has a Consent: the first after their last opt out; or of the
    first of these, of which a merge may bring several, null for none."""
    opt_in = aliased(OptOutChange)
    first = (
        select(opt_in.id)
        .where(
            _is_theirs(opt_in.contact_id),
            opt_in.team_id == Consent.team_id,
            opt_in.status == Status.OPTED_IN,
            func.coalesce(opt_in.changed_at > _opted_out(), True),
            *((which(opt_in),) if which else ()),
        )
        .order_by(opt_in.changed_at, opt_in.id)
        .limit(1)
    )
    return first.correlate(Consent).scalar_subquery()


def _is_theirs(contact_id: ColumnElement[int] | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether a row is of the contact of a Consent, or of one that was merged into it. As an array, so that
    each contact's rows are found by their index."""
    one, of = aliased(Contact), Consent.contact_id
    merged = select(one.id).where(one.merged_into_id == of).correlate(Consent)
    ids = func.array(merged.scalar_subquery(), type_=ARRAY(BigInteger))
    return contact_id == any_(func.array_append(ids, of, type_=ARRAY(BigInteger)))
