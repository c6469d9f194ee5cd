"""How long a history takes to seal and to verify with as much evidence as it has changes, over without any.

`python -m benchmarks.sealing` writes results/sealing.json and sealing.md.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import text

from benchmarks.scratch import Scratch, load_changes, scratch_installation, superuser
from cadence_app.consent import seals
from cadence_app.consent.verifying import verify
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant

ROWS = 200_000

# A piece of evidence of the same day for each change, of the length that a form's words have.
_EVIDENCE = """
INSERT INTO consent_evidence (tenant_id, contact_id, team_id, recorded_at, method, way, agreed_on, words,
    page_url, sha256, ip, number, collected_by, user_name, origin)
SELECT tenant_id, contact_id, team_id, changed_at, 'web_form', 'import', changed_at::date,
    'I agree to receive text messages from Bench College about my application.',
    'https://bench.example/apply/' || external_id, sha256(convert_to(external_id, 'UTF8')), '203.0.113.7',
    number, 'The website', 'Bench Admin', 'spring.csv'
FROM opt_out_changes ORDER BY id
"""


def measure(scratch: Scratch, rows: int, rounds: int) -> dict[str, list[float]]:
    """The seconds of each round, without evidence and with, and the ratios of the rounds by turns. Errors:
    AssertionError where not all was sealed, or something differs."""
    load_changes(scratch, rows)
    use_tenant(scratch.tenant_id)
    found: dict[str, list[float]] = {}
    for have in (0, rows):
        if have:
            _as_superuser(scratch, _EVIDENCE)
        _as_superuser(scratch, "ANALYZE")
        for _ in range(rounds):
            _as_superuser(scratch, "TRUNCATE seals, sealed_changes, sealed_evidence")
            kind = "with" if have else "without"
            found.setdefault(f"seal_{kind}", []).append(_seconds(seals.seal_closed_days))
            found.setdefault(f"verify_{kind}", []).append(_seconds(partial(_verify, rows, have)))
            # Else what it has read keeps the next round from beginning anew.
            db.session.rollback()
    for what in ("seal", "verify"):
        pairs = zip(found[f"{what}_with"], found[f"{what}_without"], strict=True)
        found[what] = [a / b for a, b in pairs]
    return found


def report(folder: Path, rows: int, rounds: int) -> str:
    """Measures, writes sealing.json and sealing.md to the folder, and returns the latter."""
    with scratch_installation() as scratch:
        found = measure(scratch, rows, rounds)
    (folder / "sealing.json").write_text(json.dumps({"rows": rows} | found, indent=2) + "\n")
    markdown = _markdown(found, rows, rounds)
    (folder / "sealing.md").write_text(markdown)
    return markdown


def _as_superuser(scratch: Scratch, statement: str) -> None:
    engine = superuser(scratch)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statement))
    engine.dispose()


def _seconds(work: Callable[[], object]) -> float:
    begins = time.perf_counter()
    work()
    return time.perf_counter() - begins


def _verify(rows: int, evidence: int) -> None:
    outcome = verify()
    if not outcome.intact or (outcome.rows, outcome.evidence) != (rows, evidence):
        raise AssertionError(f"{outcome.rows} rows and {outcome.evidence} of evidence: {outcome.problem}")


def _markdown(found: dict[str, list[float]], rows: int, rounds: int) -> str:
    lines = [
        f"# Sealing and verifying {rows:,} changes",
        "",
        f"With as many rows of evidence, over without any. Median (least to most) of {rounds} rounds of one"
        " run.",
        "",
        "| | Without evidence | With as much | Ratio |",
        "|---|---|---|---|",
    ]
    for what, name in (("seal", "Seal all days"), ("verify", "Verify all seals")):
        without, with_it = (f"{_spread(found[f'{what}_{kind}'])} s" for kind in ("without", "with"))
        lines.append(f"| {name} | {without} | {with_it} | {_spread(found[what])} |")
    return "\n".join(lines) + "\n"


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    print(report(Path(__file__).parent / "results", ROWS, 5))
