"""Possible opt outs: the texts that read like one, when each was due, and who decided what."""

from __future__ import annotations

from sqlalchemy import case, func, literal, select

from cadence_app.accounts.models import Team, User
from cadence_app.consent.models import Decision, PossibleOptOut
from cadence_app.contacts.models import Contact
from cadence_app.contacts.searching import holds_part
from cadence_app.reports.kinds.base import ENDS_AT, STARTS_AT, Cell, Column, Kind, says
from cadence_app.reports.kinds.columns import contact_columns

_DECISIONS = {Decision.OPEN: "Open", Decision.OPTED_OUT: "Opted Out", Decision.DISMISSED: "Dismissed"}

POSSIBLE_OPT_OUTS = Kind(
    key="possible-opt-outs",
    title="Possible opt outs",
    about="Texts that read like an opt out: when each came and was due, what was decided and by whom.",
    note="ReceivedAt and DecidedAt are UTC. DecidedBy is empty where the contact's own text decided.",
    nothing="No such text came in these days",
    query=(
        select(PossibleOptOut.id)
        .join(Contact, Contact.id == PossibleOptOut.contact_id)
        .join(Team, Team.id == PossibleOptOut.team_id)
        .outerjoin(User, User.id == PossibleOptOut.decided_by_id)
        .where(PossibleOptOut.received_at >= STARTS_AT, PossibleOptOut.received_at < ENDS_AT)
        .order_by(PossibleOptOut.received_at, PossibleOptOut.id)
    ),
    columns=(
        *contact_columns(Contact, Team.code),
        Column("Words", PossibleOptOut.words),
        Column("ReceivedAt", PossibleOptOut.received_at, Cell.MOMENT),
        Column("DueOn", PossibleOptOut.due_on, Cell.DAY),
        Column("Decision", case(dict(_DECISIONS), value=PossibleOptOut.decision), Cell.OWN),
        Column("DecidedAt", PossibleOptOut.decided_at, Cell.MOMENT),
        Column("DecidedBy", func.coalesce(User.name, literal(""))),
    ),
    filters={
        "team_id": lambda team_id: PossibleOptOut.team_id == team_id,
        "contact": holds_part,
        "words": says(PossibleOptOut.words),
    },
)
