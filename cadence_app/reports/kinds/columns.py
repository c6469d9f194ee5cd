"""Columns that several kinds have, named as the Opt out history names them."""

from __future__ import annotations

from sqlalchemy import SQLColumnExpression, case, func, literal

from cadence_app.consent.evidence import METHOD_NAMES
from cadence_app.consent.evidence_of_change import resting_of_changes
from cadence_app.consent.models import OptOutChange
from cadence_app.contacts.models import Contact
from cadence_app.reports.filters import SOURCE_NAMES, STATUS_NAMES
from cadence_app.reports.kinds.base import ZONE, Bundle, Cell, Column


def contact_columns(
    of: type[Contact] | type[OptOutChange], team_code: SQLColumnExpression[str]
) -> tuple[Column, ...]:
    """Who and where: as a contact is now, or as a change found them."""
    return (
        Column("FirstName", of.first_name),
        Column("LastName", of.last_name),
        Column("ContactId", of.external_id),
        Column("DepartmentCode", team_code),
        Column("MobileNumber", of.number, Cell.OWN),
    )


def status_column(status: SQLColumnExpression[str]) -> Column:
    return Column("Status", case(dict(STATUS_NAMES), value=status), Cell.OWN)


def source_column(source: SQLColumnExpression[str]) -> Column:
    return Column("Source", case(dict(SOURCE_NAMES), value=source), Cell.OWN)


def how_they_agreed() -> Bundle:
    """How who is opted in agreed, as far as that was recorded, beside the changes of a query."""
    on = resting_of_changes(ZONE)
    method = case((on.text, literal("Text message")), else_=case(dict(METHOD_NAMES), value=on.method))
    return Bundle(
        "HowTheyAgreed",
        "How they agreed",
        (
            Column("ConsentMethod", method, Cell.OWN),
            Column("ConsentDate", on.agreed_on, Cell.DAY),
            Column("ConsentText", on.words),
            Column("ConsentUrl", on.page_url),
            Column("ConsentSha256", func.encode(on.sha256, "hex"), Cell.OWN),
            Column("CollectedBy", on.collected_by),
            Column("EvidenceRecorded", on.recorded_at, Cell.MOMENT),
        ),
        on.joined,
    )
