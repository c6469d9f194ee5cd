"""The audit log: every change of a setting."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, func, literal, or_, select

from cadence_app.accounts.models import AuditEntry
from cadence_app.reports.kinds.base import ENDS_AT, STARTS_AT, Cell, Column, Kind

_change = func.jsonb_each(AuditEntry.changes).table_valued("key", "value", name="change")


def _said(index: int) -> ColumnElement[str]:
    """The value before (0) or after (1), as text."""
    return func.coalesce(_change.c.value.op("->>", return_type=Text())(index), literal("none"))


# "code: ADM -> ADMIN; name: Admissions -> Admission", without a row of its own for each.
_CHANGES: Any = (
    select(
        func.string_agg(_change.c.key + literal(": ") + _said(0) + literal(" -> ") + _said(1), literal("; "))
    )
    .select_from(_change)
    .correlate(AuditEntry)
    .scalar_subquery()
)


def _holds(search: str) -> ColumnElement[bool]:
    return or_(
        *(
            column.icontains(search, autoescape=True)
            for column in (AuditEntry.action, AuditEntry.subject, func.coalesce(_CHANGES, literal("")))
        )
    )


AUDIT_LOG = Kind(
    key="audit-log",
    title="Audit log",
    about="Every change of a setting, every export and download: who did what, from what to what.",
    note="ChangedAt in the file is UTC. Changes is written as field: before -> after.",
    nothing="No setting was changed in these days",
    query=(
        select(AuditEntry.id)
        .where(AuditEntry.at >= STARTS_AT, AuditEntry.at < ENDS_AT)
        .order_by(AuditEntry.id)
    ),
    columns=(
        Column("ChangedAt", AuditEntry.at, Cell.MOMENT),
        Column("User", AuditEntry.user_name),
        Column("Action", AuditEntry.action, Cell.OWN),
        Column("Subject", AuditEntry.subject),
        Column("Changes", func.coalesce(_CHANGES, literal(""))),
    ),
    filters={"user_id": lambda user_id: AuditEntry.user_id == user_id, "words": _holds},
)
