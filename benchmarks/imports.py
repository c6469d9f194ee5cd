"""The import of a file beside a plain COPY of the same rows and one upsert, and what it takes of memory.

The yardstick is a table with the columns and indexes of `contacts` and nothing else: no check of a cell, no
status, no history, no numbers over time, no row-level security, no way to go on after a crash.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import select, text

import config
from benchmarks.memory import peak_mb
from benchmarks.scratch import ROOT, Scratch, scratch_installation, superuser
from cadence_app import create_app
from cadence_app.accounts.models import User
from cadence_app.contacts.imports import jobs, mapping, service
from cadence_app.contacts.imports.models import Import, ImportState
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant

SMALL = 5_000
_HEADER = ("FirstName", "LastName", "ContactId", "MobileNumber", "DepartmentCode", "OptedOut")
_AGREED = ("ConsentDate", "ConsentSource", "ConsentText", "ConsentUrl")
_GIVEN = ("2026-03-03", "Web form", "You may text me about my application.", "https://lakeside.example/join")
_TABLES = """
CREATE TABLE plain_contacts (LIKE contacts INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE plain_rows (
    first_name text, last_name text, external_id text, number text, team text, opted_out text)
"""
_UPSERT = """
INSERT INTO plain_contacts (tenant_id, first_name, last_name, external_id, number)
SELECT :tenant_id, first_name, last_name, external_id, number FROM plain_rows
ON CONFLICT (tenant_id, number) DO UPDATE SET first_name = excluded.first_name,
    last_name = excluded.last_name, external_id = excluded.external_id
"""


def report(folder: Path, rows: int) -> str:
    """Measures, writes import.json and import.md to the folder, and returns the latter."""
    with scratch_installation() as scratch:
        results = {"rows": rows} | _measure(scratch, rows)
    (folder / "import.json").write_text(json.dumps(results, indent=2) + "\n")
    told = _markdown(results)
    (folder / "import.md").write_text(told)
    return told


def _measure(scratch: Scratch, rows: int) -> dict[str, float]:
    small, large = scratch.data_dir / "small.csv", scratch.data_dir / "large.csv"
    _write(small, 0, SMALL)
    _write(large, SMALL, rows)
    before = _run(small)
    plain = _plain(scratch, large)
    first = _run(large)
    again = _run(large)
    agreed_file = scratch.data_dir / "agreed.csv"
    _write(agreed_file, SMALL + rows, rows, agreed=True)
    agreed = _run(agreed_file)
    agreed_again = _run(agreed_file)
    if agreed["evidence"] != rows or agreed_again["evidence"]:
        raise AssertionError(f"{agreed['evidence']:,.0f} agreements, then {agreed_again['evidence']:,.0f}")
    if first["new"] != rows or again["unchanged"] != rows:
        raise AssertionError(f"{first['new']:,.0f} rows are new, then {again['unchanged']:,.0f} unchanged")
    return {
        "plain_seconds": plain,
        "check_to_plain": first["check_seconds"] / plain,
        "import_to_plain": first["import_seconds"] / plain,
        "again_to_plain": again["import_seconds"] / plain,
        "agreed_to_import": agreed["import_seconds"] / first["import_seconds"],
        "agreed_again_to_again": agreed_again["import_seconds"] / again["import_seconds"],
        "rows_a_second": rows / first["import_seconds"],
        "peak_mb": first["peak_mb"],
        "growth_mb": first["peak_mb"] - before["peak_mb"],
    }


def _write(path: Path, start: int, rows: int, agreed: bool = False) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER + _AGREED if agreed else _HEADER)
        for index in range(start, start + rows):
            status = ("", "no", "yes", "")[index % 4]
            number = f"+1{2_122_000_000 + index * 7}"
            cells = (f"First{index % 5000}", f"Last{index % 7000}", f"{index:07}", number, "ADM", status)
            writer.writerow(cells + _GIVEN if agreed else cells)


def _plain(scratch: Scratch, path: Path) -> float:
    """Seconds of COPY and one upsert, as the superuser."""
    engine = superuser(scratch)
    with engine.begin() as connection:
        connection.execute(text(_TABLES))
    start = time.perf_counter()
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        with path.open("rb") as file, cursor.copy("COPY plain_rows FROM STDIN (FORMAT csv, HEADER)") as copy:
            while piece := file.read(256 * 1024):
                copy.write(piece)
        connection.execute(text(_UPSERT), {"tenant_id": scratch.tenant_id})
    seconds = time.perf_counter() - start
    engine.dispose()
    return seconds


def _run(path: Path) -> dict[str, float]:
    """The import in a process of its own, as the worker does it."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.imports", str(path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _import(path: Path) -> None:
    with create_app(config.load()).app_context():
        use_tenant(1)
        user = db.session.scalars(select(User).limit(1)).one()
        with path.open("rb") as file:
            imported = service.take(user, path.name, file)
        _worked(imported, ImportState.DRAFT)
        targets = mapping.targets(imported.headers, [each["kind"] for each in imported.columns])
        service.check(imported, targets, [])
        checking = _worked(imported, ImportState.READY)
        service.start(user, imported, False, "")
        importing = _worked(imported, ImportState.DONE)
        measured = {
            "check_seconds": checking,
            "import_seconds": importing,
            "new": imported.rows_new,
            "unchanged": imported.rows_unchanged,
            "evidence": imported.evidence,
            "peak_mb": peak_mb(),
        }
        print(json.dumps(measured))


def _worked(imported: Import, wanted: ImportState) -> float:
    start = time.perf_counter()
    jobs.run_import(imported.tenant_id, imported.id)
    seconds = time.perf_counter() - start
    db.session.refresh(imported)
    if imported.state != wanted:
        raise AssertionError(f"the import is {imported.state}: {imported.problem}")
    return seconds


def _markdown(results: dict[str, float]) -> str:
    plain = "COPY and one upsert of the same rows"
    lines = [
        f"# The import, {results['rows']:,} rows",
        "",
        "New people with a ContactId, a number, a team and a status, into an organisation that has"
        f" {SMALL:,}; then the same file once more. {plain}, into a bare table with the indexes of"
        " `contacts`, is the yardstick; the import also reads each cell, writes status, history and"
        " numbers over time, and can be cut off at any point.",
        "",
        "| What | Measured |",
        "|---|---|",
        f"| The check (reads the file and tries every row) / {plain} | {results['check_to_plain']:.1f} |",
        f"| The import after it / {plain} | {results['import_to_plain']:.1f} |",
        f"| The same file once more, nothing to change / {plain} | {results['again_to_plain']:.1f} |",
        "| The import of other people with how they agreed / the same without |"
        f" {results['agreed_to_import']:.2f} |",
        "| The same file once more, nothing recorded / the same without |"
        f" {results['agreed_again_to_again']:.2f} |",
        f"| Rows a second of the import | {results['rows_a_second']:,.0f} |",
        f"| Peak memory of the process (VmHWM) | {results['peak_mb']:.0f} MB |",
        f"| Growth of it, {SMALL:,} to {results['rows']:,} rows | {results['growth_mb']:.1f} MB |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    _import(Path(sys.argv[1]))
