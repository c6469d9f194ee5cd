"""The current opt-out status: one row for each contact and team, whatever made it so."""

from __future__ import annotations

from sqlalchemy import select

from cadence_app.accounts.models import Team
from cadence_app.consent.models import Consent, OptOutChange
from cadence_app.contacts.models import Contact
from cadence_app.contacts.searching import holds_part
from cadence_app.reports.kinds.base import Cell, Column, Kind
from cadence_app.reports.kinds.columns import contact_columns, how_they_agreed, source_column, status_column

OPT_OUT_STATUS = Kind(
    key="opt-out-status",
    title="Current opt-out status",
    about="Who may be texted today: each contact's status, since when, and what decided so.",
    note="StatusDate in the file is UTC. Statuses by import or through the API are in it.",
    nothing="No contact fits",
    query=(
        select(Consent.contact_id)
        .join(Contact, Contact.id == Consent.contact_id)
        .join(Team, Team.id == Consent.team_id)
        .join(OptOutChange, OptOutChange.id == Consent.change_id)
        .order_by(Team.code, Contact.last_key, Contact.first_key, Contact.id)
    ),
    columns=(
        *contact_columns(Contact, Team.code),
        status_column(Consent.status),
        Column("StatusDate", Consent.since, Cell.MOMENT),
        source_column(OptOutChange.source),
    ),
    filters={
        "team_id": lambda team_id: Consent.team_id == team_id,
        "status": lambda status: Consent.status == status,
        "contact": holds_part,
    },
    extra=(how_they_agreed(),),
    dated=False,
)
