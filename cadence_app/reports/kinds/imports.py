"""The import log: every import that was started, what it did, and the reasons it was given."""

from __future__ import annotations

from sqlalchemy import case, func, literal, select

from cadence_app.accounts.models import User
from cadence_app.contacts.imports.models import Import
from cadence_app.reports.kinds.base import ENDS_AT, STARTS_AT, Cell, Column, Kind

IMPORT_LOG = Kind(
    key="import-log",
    title="Import log",
    about="Every import of contacts: when, who, which file, what it added, changed and refused.",
    note="StartedAt and FinishedAt are UTC. An import that was only checked is not in it.",
    nothing="No import was started in these days",
    query=(
        select(Import.id)
        .join(User, User.id == Import.user_id)
        .where(Import.started_at >= STARTS_AT, Import.started_at < ENDS_AT)
        .order_by(Import.started_at, Import.id)
    ),
    columns=(
        Column("StartedAt", Import.started_at, Cell.MOMENT),
        Column("FinishedAt", Import.finished_at, Cell.MOMENT),
        Column("User", User.name),
        Column("Email", User.email),
        Column("FileName", Import.file_name),
        Column("State", func.initcap(Import.state), Cell.OWN),
        Column("Rows", Import.rows_total, Cell.NUMBER),
        Column("New", Import.rows_new, Cell.NUMBER),
        Column("Updated", Import.rows_updated, Cell.NUMBER),
        Column("Unchanged", Import.rows_unchanged, Cell.NUMBER),
        Column("Refused", Import.rows_refused, Cell.NUMBER),
        Column("StatusesChanged", Import.statuses_changed, Cell.NUMBER),
        Column("OptInsHeld", Import.opt_ins_held, Cell.NUMBER),
        Column("LiftedStops", case((Import.lifts_stops, literal("Yes")), else_=literal("No")), Cell.OWN),
        Column("Reason", Import.stop_reason),
    ),
    filters={"user_id": lambda user_id: Import.user_id == user_id},
    extra=(
        Column("FileSHA256", Import.sha256, Cell.OWN),
        Column("Evidence", Import.evidence, Cell.NUMBER),
        Column("EvidenceIdle", Import.evidence_idle, Cell.NUMBER),
        Column("Statement", Import.statement),
        Column("StatementDate", Import.statement_on, Cell.DAY),
    ),
)
