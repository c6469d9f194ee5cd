"""Columns that several kinds have, named as the Opt out history names them."""

from __future__ import annotations

from sqlalchemy import SQLColumnExpression, case

from cadence_app.consent.models import OptOutChange
from cadence_app.contacts.models import Contact
from cadence_app.reports.filters import SOURCE_NAMES, STATUS_NAMES
from cadence_app.reports.kinds.base import Cell, Column


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
