"""The export job beside psql's \\copy of the same SELECT, and beside a loop over ORM objects."""

from __future__ import annotations

import csv
import os
import subprocess
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from psycopg import ClientCursor
from sqlalchemy import select

from benchmarks.scratch import Scratch, load_changes
from cadence_app import embedded
from cadence_app.accounts.models import User
from cadence_app.consent.models import REPORTED_SOURCES, OptOutChange
from cadence_app.extensions import db
from cadence_app.reports import service
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Export
from cadence_app.reports.writing import copy_statement, write_file
from cadence_app.tenancy import use_tenant


def measure(scratch: Scratch, rows: int, rounds: int) -> dict[str, list[float]]:
    """The ratios of each round. Errors: AssertionError where the three files differ in their rows."""
    load_changes(scratch, rows)
    export = new_export(scratch)
    job: list[float] = []
    copy: list[float] = []
    orm: list[float] = []
    for _ in range(rounds):
        job.append(_seconds(lambda: _job(export, rows)))
        copy.append(_seconds(lambda: _psql(scratch, export)))
        orm.append(_seconds(lambda: _orm(scratch, export)))
    return {
        "job_to_copy": [a / b for a, b in zip(job, copy, strict=True)],
        "orm_to_job": [a / b for a, b in zip(orm, job, strict=True)],
    }


def new_export(scratch: Scratch) -> Export:
    use_tenant(scratch.tenant_id)
    user = db.session.get_one(User, scratch.user_id)
    export, _ = service.request_export(user, OPT_OUT_HISTORY, date(2025, 12, 1), date(2027, 1, 31))
    return export


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _job(export: Export, rows: int) -> None:
    written = write_file(export, OPT_OUT_HISTORY, lambda done, total: None)
    if written.rows != rows:
        raise AssertionError(f"{written.rows} rows were written, not {rows}")


def _psql(scratch: Scratch, export: Export) -> None:
    with db.engine.connect() as connection:
        psycopg_connection = connection.connection.driver_connection
        assert psycopg_connection
        cursor = ClientCursor(psycopg_connection)
        query = cursor.mogrify(*copy_statement(export, OPT_OUT_HISTORY)).replace("\n", " ")
    target = scratch.data_dir / "copy.csv"
    command = f"\\copy ({query}) TO '{target}' (FORMAT csv, HEADER, FORCE_QUOTE *)"
    subprocess.run(
        [embedded.postgres_tool("psql"), embedded.ensure_postgres(scratch.data_dir), "-qc", command],
        check=True,
        env=os.environ | {"PGOPTIONS": f"-c role=cadence_app -c cadence.tenant_id={scratch.tenant_id}"},
    )


def _orm(scratch: Scratch, export: Export) -> None:
    query = (
        select(OptOutChange)
        .where(
            OptOutChange.source.in_(REPORTED_SOURCES),
            OptOutChange.changed_at >= export.starts_at,
            OptOutChange.changed_at < export.ends_at,
        )
        .order_by(OptOutChange.changed_at, OptOutChange.id)
        .execution_options(yield_per=1000)
    )
    with Path(scratch.data_dir / "orm.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for row in db.session.scalars(query):
            texts = [
                _defuse(text) for text in (row.first_name, row.last_name, row.external_id, row.team_code)
            ]
            status = "Opted Out" if row.status == "opted_out" else "Opted In"
            writer.writerow([*texts, row.number, status, f"{row.changed_at:%Y-%m-%dT%H:%M:%SZ}"])
    db.session.rollback()


def _defuse(text: str) -> str:
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} and text else text
