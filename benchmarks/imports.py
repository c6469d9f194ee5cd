"""The import of a file beside COPY and upserts of the same rows into bare tables, and its memory.

The yardstick writes contacts, their numbers, their statuses and the history, and nothing else: no check of a
cell, no rule, no key to another table, no row-level security, no way to go on after a crash.
"""

from __future__ import annotations

import csv
import json
import statistics
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
# Frozen, so that what a release costs is seen. With the indexes that each table has but the one for parts of
# names, which is as dear as all others together; `indexed` is with that one too.
_BARE = {
    "plain_contacts": "contacts",
    "plain_numbers": "contact_numbers",
    "plain_consents": "consents",
    "plain_changes": "opt_out_changes",
}
_TABLES = """
CREATE TABLE plain_rows (
    first_name text, last_name text, external_id text, number text, team text, opted_out text)
"""
_GIN = "SELECT indexname FROM pg_indexes WHERE tablename = 'plain_changes' AND indexdef LIKE '%USING gin%'"
_UPSERTS = (
    """
INSERT INTO plain_contacts (tenant_id, first_name, last_name, external_id, number)
SELECT :tenant_id, first_name, last_name, external_id, number FROM plain_rows
ON CONFLICT (tenant_id, number) DO UPDATE SET first_name = excluded.first_name,
    last_name = excluded.last_name, external_id = excluded.external_id
""",
    """
INSERT INTO plain_numbers (tenant_id, contact_id, number, since, reason)
SELECT c.tenant_id, c.id, c.number, now(), '' FROM plain_rows r JOIN plain_contacts c USING (number)
ON CONFLICT (tenant_id, number) WHERE until IS NULL DO NOTHING
""",
    """
INSERT INTO plain_changes (tenant_id, contact_id, team_id, status, changed_at, source, user_id, first_name,
    last_name, external_id, number, team_code, user_name, words, reason)
SELECT c.tenant_id, c.id, 1, CASE r.opted_out WHEN 'yes' THEN 'opted_out' ELSE 'opted_in' END, now(),
    'import', 1, c.first_name, c.last_name, c.external_id, c.number, r.team, 'Bench Admin', '', ''
FROM plain_rows r JOIN plain_contacts c USING (number)
""",
    """
INSERT INTO plain_consents (contact_id, team_id, tenant_id, status, since, change_id)
SELECT contact_id, team_id, tenant_id, status, changed_at, id FROM plain_changes
ON CONFLICT (contact_id, team_id) DO UPDATE SET status = excluded.status, since = excluded.since,
    change_id = excluded.change_id
""",
)


def report(folder: Path, rows: int, agreed: bool = True) -> str:
    """Measures, with `agreed` also files that say how people agreed, writes import.json and import.md to the
    folder, and returns the latter."""
    with scratch_installation() as scratch:
        results = {"rows": rows} | _measure(scratch, rows)
        if agreed:
            results |= _agreed(scratch, rows, results)
    (folder / "import.json").write_text(json.dumps(results, indent=2) + "\n")
    told = _markdown(results)
    (folder / "import.md").write_text(told)
    return told


def _measure(scratch: Scratch, rows: int) -> dict[str, float]:
    small, large = scratch.data_dir / "small.csv", scratch.data_dir / "large.csv"
    _write(small, 0, SMALL)
    _write(large, SMALL, rows)
    before = _run(small)
    # Around what is measured, for other work on the machine comes and goes.
    plain, indexed = [_plain(scratch, large)], [_plain(scratch, large, True)]
    first = _run(large)
    plain.append(_plain(scratch, large))
    indexed.append(_plain(scratch, large, True))
    again = _run(large)
    plain.append(_plain(scratch, large))
    if first["new"] != rows or again["unchanged"] != rows:
        raise AssertionError(f"{first['new']:,.0f} rows are new, then {again['unchanged']:,.0f} unchanged")
    bare, with_index = statistics.median(plain), statistics.mean(indexed)
    return {
        "plain_seconds": bare,
        "indexed_to_plain": with_index / bare,
        "check_to_plain": first["check_seconds"] / bare,
        "import_to_plain": first["import_seconds"] / bare,
        "import_to_indexed": first["import_seconds"] / with_index,
        "check_again_to_plain": again["check_seconds"] / bare,
        "again_to_plain": again["import_seconds"] / bare,
        "import_seconds": first["import_seconds"],
        "again_seconds": again["import_seconds"],
        "rows_a_second": rows / first["import_seconds"],
        "checked_a_second": rows / first["check_seconds"],
        "peak_mb": first["peak_mb"],
        "growth_mb": first["peak_mb"] - before["peak_mb"],
    }


def _agreed(scratch: Scratch, rows: int, results: dict[str, float]) -> dict[str, float]:
    agreed_file = scratch.data_dir / "agreed.csv"
    _write(agreed_file, SMALL + rows, rows, agreed=True)
    agreed = _run(agreed_file)
    agreed_again = _run(agreed_file)
    if agreed["evidence"] != rows or agreed_again["evidence"]:
        raise AssertionError(f"{agreed['evidence']:,.0f} agreements, then {agreed_again['evidence']:,.0f}")
    return {
        "agreed_to_import": agreed["import_seconds"] / results["import_seconds"],
        "agreed_again_to_again": agreed_again["import_seconds"] / results["again_seconds"],
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


def _plain(scratch: Scratch, path: Path, indexed: bool = False) -> float:
    """Seconds of COPY and the upserts, as the superuser, into tables made for it."""
    engine = superuser(scratch)
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE IF EXISTS {', '.join([*_BARE, 'plain_rows'])}"))
        connection.execute(text(_TABLES))
        for bare, like in _BARE.items():
            connection.execute(
                text(f"CREATE TABLE {bare} (LIKE {like} INCLUDING DEFAULTS INCLUDING INDEXES)")
            )
        for name in () if indexed else connection.scalars(text(_GIN)).all():
            connection.execute(text(f"DROP INDEX {name}"))
    start = time.perf_counter()
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        with path.open("rb") as file, cursor.copy("COPY plain_rows FROM STDIN (FORMAT csv, HEADER)") as copy:
            while piece := file.read(256 * 1024):
                copy.write(piece)
        for upsert in _UPSERTS:
            connection.execute(text(upsert), {"tenant_id": scratch.tenant_id})
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
    plain = "the yardstick"
    lines = [
        f"# The import, {results['rows']:,} rows",
        "",
        "New people with a ContactId, a number, a team and a status, into an organisation that has"
        f" {SMALL:,}; then the same file once more. The yardstick is COPY and upserts of the same rows into"
        " bare contacts, numbers, consents and changes with the B-tree indexes of these: no cell is checked,"
        " no rule asked, no key to another table, no tenant kept apart, nothing to go on after a crash.",
        "",
        "| What | Measured |",
        "|---|---|",
        f"| The check (reads the file and judges every row) / {plain} | {results['check_to_plain']:.1f} |",
        f"| The import after it / {plain} | {results['import_to_plain']:.1f} |",
        f"| The import / the yardstick with the history's index for parts of names |"
        f" {results['import_to_indexed']:.1f} |",
        f"| The yardstick with that index / without | {results['indexed_to_plain']:.1f} |",
        f"| The check of the same file once more / {plain} | {results['check_again_to_plain']:.1f} |",
        f"| The import of it, nothing to change / {plain} | {results['again_to_plain']:.1f} |",
        f"| Rows a second of the check | {results['checked_a_second']:,.0f} |",
        f"| Rows a second of the import | {results['rows_a_second']:,.0f} |",
        f"| Peak memory of the process (VmHWM) | {results['peak_mb']:.0f} MB |",
        f"| Growth of it, {SMALL:,} to {results['rows']:,} rows | {results['growth_mb']:.1f} MB |",
    ]
    if "agreed_to_import" in results:
        lines += [
            "| The import of other people with how they agreed / the same without |"
            f" {results['agreed_to_import']:.2f} |",
            "| The same file once more, nothing recorded / the same without |"
            f" {results['agreed_again_to_again']:.2f} |",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    _import(Path(sys.argv[1]))
