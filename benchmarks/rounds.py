"""What a round of all sweeps costs where nothing is due, by how many tenants there are; and what one whole
round costs where one tenant has a hundred thousand mails due.

`python -m benchmarks.rounds` writes results/rounds.json and rounds.md.
"""

from __future__ import annotations

import json
import statistics
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, event, text

from benchmarks.scratch import Scratch, scratch_installation, superuser
from cadence_app.extensions import db
from cadence_app.work import due
from cadence_app.work.sweeps import declared

TENANTS = (10, 1_000)
MAILS = 100_000

_TENANTS = """
INSERT INTO tenants (name, navigation, time_zone, keyword_policy, possible_opt_out_policy)
SELECT 'Tenant ' || n, 'teams', 'America/New_York', 'team', 'hold' FROM generate_series(:have + 1, :wanted) n
"""
# What any organisation has waiting for later, and has behind it.
_OF_EACH = (
    "INSERT INTO seals (tenant_id, day, version, rows, rows_digest, digest)"
    " SELECT id, (now() AT TIME ZONE 'UTC')::date - 1, 1, 0, '', '' FROM tenants",
    "INSERT INTO export_schedules (tenant_id, kind, format, filters, extra_columns, period, every, weekday,"
    " month_day, hour, owner_id, next_run_at) SELECT id, 'opt-out-history', 'csv', '{}', '[]', 'day', 'day',"
    " 1, 1, 1, :user, now() + interval '1 day' FROM tenants",
    "INSERT INTO webhook_endpoints (tenant_id, url, description, sources, team_ids, secret, cursor,"
    " created_by_id, off_reason, failures)"
    " SELECT id, '', '', '{}', '{}', '', 2000000000, :user, '', 0 FROM tenants",
    "INSERT INTO notification_rules (tenant_id, team_id, event, enabled, pace, cursor, digest_at)"
    " SELECT id, :team, 'contact_added', true, 'daily', 0, now() + interval '1 day' FROM tenants",
    "INSERT INTO outgoing_mails (tenant_id, kind, recipient, recipient_name, subject, text, html, headers,"
    " problem, attempts, next_attempt_at) SELECT id, '', '', '', '', '', '', '{}', '', 0, NULL FROM tenants,"
    " generate_series(1, 20)",
)
_DUE = """
INSERT INTO outgoing_mails (tenant_id, kind, recipient, recipient_name, subject, text, html, headers, problem,
    attempts, next_attempt_at)
SELECT :tenant, '', '', '', '', '', '', '{}', '', 0, now() - n * interval '1 second'
FROM generate_series(1, :mails) n
"""
_TABLES = ("seals", "export_schedules", "webhook_endpoints", "notification_rules", "outgoing_mails")


def measure(scratch: Scratch, rounds: int) -> dict[str, object]:
    """Milliseconds and statements of idle rounds by the number of tenants, their ratio, and milliseconds of
    finding the mails that are due where one tenant has MAILS of them, and how many tenants were found."""
    idle: dict[int, dict[str, list[float]]] = {}
    for tenants in TENANTS:
        _fill(scratch, tenants)
        idle[tenants] = {"milliseconds": [], "statements": []}
        _round(scratch)
        for _ in range(rounds):
            took, statements = _round(scratch)
            idle[tenants]["milliseconds"].append(took)
            idle[tenants]["statements"].append(statements)
    few, many = (idle[tenants]["milliseconds"] for tenants in TENANTS)
    ratio = [b / a for a, b in zip(few, many, strict=True)]
    return {"idle": idle, "many_to_few": ratio, "crowded": _crowded(scratch, rounds)}


def report(folder: Path, rounds: int) -> str:
    """Measures, writes rounds.json and rounds.md to the folder, and returns the latter."""
    with scratch_installation() as scratch:
        found = measure(scratch, rounds)
    (folder / "rounds.json").write_text(json.dumps(found, indent=2) + "\n")
    markdown = _markdown(found, rounds)
    (folder / "rounds.md").write_text(markdown)
    return markdown


def _fill(scratch: Scratch, tenants: int) -> None:
    with superuser(scratch).begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in _TABLES:
            connection.execute(text(f"DELETE FROM {table}"))
        have = connection.scalar(text("SELECT count(*) FROM tenants"))
        connection.execute(text(_TENANTS), {"have": have, "wanted": tenants})
        for statement in _OF_EACH:
            wanted = {"user": scratch.user_id, "team": scratch.team_id}
            named = {name: value for name, value in wanted.items() if f":{name}" in statement}
            connection.execute(text(statement), named)
    _analyze(scratch)


def _analyze(scratch: Scratch) -> None:
    with superuser(scratch).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _round(scratch: Scratch) -> tuple[float, int]:
    """Every sweep looks for what is due, the rare ones too, and does it."""
    statements = 0

    def count(connection: Connection, *_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(db.engine, "before_cursor_execute", count)
    begins = time.perf_counter()
    for each in declared():
        each()
        db.session.remove()
    took = (time.perf_counter() - begins) * 1000
    event.remove(db.engine, "before_cursor_execute", count)
    return took, statements


def _crowded(scratch: Scratch, rounds: int) -> dict[str, object]:
    with superuser(scratch).begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(_DUE), {"tenant": scratch.tenant_id, "mails": MAILS})
        connection.execute(
            text(
                "UPDATE outgoing_mails SET next_attempt_at = now() - interval '1 minute' WHERE id IN"
                " (SELECT min(id) FROM outgoing_mails WHERE tenant_id <> :tenant GROUP BY tenant_id)"
            ),
            {"tenant": scratch.tenant_id},
        )
    _analyze(scratch)
    took, tenants = [], set()
    for _ in range(rounds):
        begins = time.perf_counter()
        found = due.find("due_mails", timedelta(seconds=15), 100, 2000)
        took.append((time.perf_counter() - begins) * 1000)
        tenants = {each.tenant_id for each in found}
    return {"mails": MAILS, "milliseconds": took, "tenants": len(tenants)}


def _markdown(found: dict[str, object], rounds: int) -> str:
    idle, crowded = found["idle"], found["crowded"]
    assert isinstance(idle, dict)
    assert isinstance(crowded, dict)
    lines = [
        "# A round of all sweeps",
        "",
        f"Nothing is due. Median (least to most) of {rounds} rounds of one run; the rare sweeps are among"
        " them.",
        "",
        "| Tenants | A round | Statements |",
        "|---|---|---|",
    ]
    for tenants, one in idle.items():
        statements = f"{statistics.median(one['statements']):,.0f}"
        lines.append(f"| {tenants:,} | {_spread(one['milliseconds'])} ms | {statements} |")
    lines += [
        "",
        f"Time with {TENANTS[1]:,} tenants over time with {TENANTS[0]}: {_spread(found['many_to_few'])}.",
        "",
        f"One tenant with {crowded['mails']:,} mails due, {TENANTS[1] - 1:,} others with one: what to queue"
        f" next is found in {_spread(crowded['milliseconds'])} ms, of {crowded['tenants']:,} tenants.",
    ]
    return "\n".join(lines) + "\n"


def _spread(values: object) -> str:
    assert isinstance(values, list)
    return f"{statistics.median(values):,.1f} ({min(values):,.1f} to {max(values):,.1f})"


if __name__ == "__main__":
    print(report(Path(__file__).parent / "results", 5))
