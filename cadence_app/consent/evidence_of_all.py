"""What the consents of everybody rest on, found for all at once, by the rule of evidence_basis.py.

The history is read once for all, and not once for each, which takes too long where they are many.
tests/consent/test_evidence_of_all.py holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Date,
    DateTime,
    Subquery,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from cadence_app.consent.evidence_basis import (
    agreed_after,
    day_of,
    own_text,
    same_number,
    stopped_everywhere,
    takes_away,
)
from cadence_app.consent.evidence_models import Evidence, Way
from cadence_app.consent.models import Block, Consent, OptOutChange, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db

# Stands for a text of their own among the methods.
OWN_TEXT = "own_text"

# What a row is of, beside the two statuses of the history.
_EVIDENCE, _CONSENT, _STOPPED = "evidence", "consent", "stopped"
# Way, method, day and instant, of what is no evidence.
_UNSAID = (
    *(cast(null(), Text), cast(null(), Text), cast(null(), Date), cast(null(), DateTime(timezone=True))),
)
_PLANNER = {"enable_nestloop": "off", "work_mem": "64MB"}
_SETTING = text("SELECT current_setting(:name)")
_SET = text("SELECT set_config(:name, :value, true)")


@contextmanager
def at_once() -> Iterator[None]:
    """To run what has grounds() in it: the sort is let have memory, and the planner may not hold each row
    against each, which it does without statistics, as after an import, for it thinks that few are there."""
    before = {name: db.session.scalar(_SETTING, {"name": name}) for name in _PLANNER}
    for name, value in _PLANNER.items():
        db.session.execute(_SET, {"name": name, "value": value})
    yield
    for name, value in before.items():
        db.session.execute(_SET, {"name": name, "value": value})


def grounds(team_ids: Collection[int] | None = None) -> Subquery:
    """What each consent of who is opted in rests on, in these teams or all: contact_id, team_id and `ground`,
    which is OWN_TEXT where a text of theirs opted them in, else the method of the first evidence recorded
    for it, else null."""
    rows = _with_opt_in(_with_last_out(_rows(team_ids))).c
    of, order = (rows.contact_id, rows.team_id), (rows.at, rows.id)
    opted_in = and_(rows.kind == Status.OPTED_IN, rows.at >= rows.began_at)
    taken_away = case((rows.way == Way.NUMBER_CHANGE, rows.of_new_away_at), else_=rows.away_at)
    of_number = same_number(rows.number, rows.texted)
    not_taken = agreed_after(rows, taken_away, day_of(taken_away))
    rests = and_(rows.kind == _EVIDENCE, rows.at >= rows.began_at, of_number, not_taken)
    found = (
        select(
            *of,
            func.bool_or(and_(rows.own_text, of_number)).filter(opted_in).label("own_text"),
            func.array_agg(aggregate_order_by(rows.method, *order), type_=ARRAY(Text))
            .filter(rests)
            .label("methods"),
        )
        .group_by(*of)
        .having(func.bool_or(rows.kind == _CONSENT))
        .cte("found")
    )
    ground = case((found.c.own_text, literal(OWN_TEXT)), else_=found.c.methods[1])
    return select(found.c.contact_id, found.c.team_id, ground.label("ground")).subquery("grounds")


def _rows(team_ids: Collection[int] | None) -> CTE:
    """The history, the evidence and the statuses of who is opted in, as rows of one kind each, under the
    contact that is kept of those who were merged: so that they are sorted once, and not joined."""
    into = Contact.merged_into_id
    # The few of them, so that not all contacts must be read.
    merged = select(Contact.id, into).where(into.is_not(None)).cte("merged")
    changes = (
        select(
            func.coalesce(merged.c.merged_into_id, OptOutChange.contact_id).label("contact_id"),
            *(OptOutChange.team_id, OptOutChange.changed_at.label("at"), OptOutChange.id),
            cast(OptOutChange.status, Text).label("kind"),
            own_text(OptOutChange).label("own_text"),
            takes_away(OptOutChange, Way.RECORD).label("takes_away"),
            takes_away(OptOutChange, Way.NUMBER_CHANGE).label("takes_of_new"),
            OptOutChange.number,
            cast(null(), Text).label("way"),
            cast(null(), Text).label("method"),
            cast(null(), Date).label("agreed_on"),
            cast(null(), DateTime(timezone=True)).label("agreed_at"),
        )
        .outerjoin(merged, merged.c.id == OptOutChange.contact_id)
        .where(*_of_teams(OptOutChange, team_ids))
    )
    agreed = (
        select(
            func.coalesce(merged.c.merged_into_id, Evidence.contact_id),
            *(Evidence.team_id, Evidence.recorded_at, Evidence.id, literal(_EVIDENCE), false()),
            *(false(), false(), Evidence.number, cast(Evidence.way, Text)),
            *(cast(Evidence.method, Text), Evidence.agreed_on, Evidence.agreed_at),
        )
        .outerjoin(merged, merged.c.id == Evidence.contact_id)
        .where(*_of_teams(Evidence, team_ids))
    )
    opted_in = (
        select(
            *(Consent.contact_id, Consent.team_id, Consent.since, Consent.change_id, literal(_CONSENT)),
            *(false(), false(), false(), Contact.number, *_UNSAID),
        )
        .join(Contact, Contact.id == Consent.contact_id)
        .where(Consent.status == Status.OPTED_IN, *_of_teams(Consent, team_ids))
    )
    stopped = (
        select(
            *(Consent.contact_id, Consent.team_id, Block.since, Block.id, literal(_STOPPED)),
            *(false(), true(), true(), cast(null(), Text), *_UNSAID),
        )
        .join(Block, Block.contact_id == Consent.contact_id)
        .where(Consent.status == Status.OPTED_IN, stopped_everywhere(), *_of_teams(Consent, team_ids))
    )
    return union_all(changes, agreed, opted_in, stopped).cte("rows")


def _with_last_out(rows: CTE) -> CTE:
    """The rows with `texted`, the number at which their contact is texted, `out_at`, when they last opted out
    in the team, or were, and when that last took away what was agreed before, `of_new_away_at` for evidence
    of a changed number and `away_at` for all other; null for never."""
    of = _person_in_team(rows)
    last = {
        "out_at": rows.c.kind == Status.OPTED_OUT,
        "away_at": rows.c.takes_away,
        "of_new_away_at": rows.c.takes_of_new,
    }
    texted = func.max(rows.c.number).filter(rows.c.kind == _CONSENT).over(partition_by=of)
    return select(
        rows,
        texted.label("texted"),
        *(
            func.max(rows.c.at).filter(which).over(partition_by=of).label(name)
            for name, which in last.items()
        ),
    ).cte("with_out")


def _with_opt_in(rows: CTE) -> CTE:
    """The rows with `began_at`, when their contact was first opted in after that."""
    after = or_(rows.c.out_at.is_(None), rows.c.at > rows.c.out_at)
    first = func.min(rows.c.at).filter(rows.c.kind == Status.OPTED_IN, after)
    return select(rows, first.over(partition_by=_person_in_team(rows)).label("began_at")).cte("with_in")


def _person_in_team(rows: CTE) -> list[ColumnElement[Any]]:
    return [rows.c.contact_id, rows.c.team_id]


def _of_teams(table: Any, team_ids: Collection[int] | None) -> tuple[ColumnElement[bool], ...]:
    return () if team_ids is None else (table.team_id.in_(team_ids),)
