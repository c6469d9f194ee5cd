"""What the pages that grow with the data cost at two sizes of an organisation, through the whole app.

`python -m benchmarks.pages` writes results/pages.json and pages.md; `--contacts`, `--texts` and `--changes`
make the large one smaller. Both are in one run, but one after the other: the yardstick, a page that reads
next to nothing, is asked for in turn with each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import text

from benchmarks.desk import _signed_in, _timed
from benchmarks.filling import Size, fill
from benchmarks.scratch import scratch_installation
from cadence_app.extensions import db
from cadence_app.reports.counting import count_days
from cadence_app.tenancy import use_tenant

RESULTS = Path(__file__).parent / "results"
SMALL = Size(contacts=300, texts=3_000, changes=3_000)
_YARDSTICK = "/help/"
_TABS = ("waiting", "mine", "unassigned", "all", "unread", "snoozed", "done", "flagged")


def pages(conversation_id: int) -> dict[str, str]:
    year = datetime.now(UTC).year
    return {
        **{f"messages, {tab}": f"/messages/?inbox=&only={tab}" for tab in _TABS},
        "conversation": f"/messages/conversations/{conversation_id}?inbox=&only=waiting",
        "analytics, 30 days": "/reports/analytics",
        "analytics, a year": f"/reports/analytics?start_date={year - 1}-12-01&end_date={year}-11-30",
        "opt out history, 30 days": "/reports/exports/opt-out-history",
        "opt out history, everything": "/reports/exports/opt-out-history"
        f"?start_date=2000-01-01&end_date={year}-12-31",
        "overview": "/reports/overview",
    }


def measure(size: Size, rounds: int) -> dict[str, dict[str, float]]:
    """By the page: milliseconds, and how many times the yardstick's; medians. Under "counting" the seconds of
    the first count of all closed days."""
    with scratch_installation() as scratch:
        fill(scratch, size)
        use_tenant(scratch.tenant_id)
        begins = time.perf_counter()
        while count_days():
            pass
        counting = time.perf_counter() - begins
        newest = "SELECT id FROM conversations ORDER BY listed_at DESC LIMIT 1"
        conversation_id = db.session.scalars(text(newest)).one()
        client = _signed_in(scratch)
        found = {name: _page(client, path, rounds) for name, path in pages(conversation_id).items()}
        return {"counting": {"seconds": counting}, **found}


def _page(client: FlaskClient, path: str, rounds: int) -> dict[str, float]:
    _timed(client, path)
    took, bare = [], []
    for _ in range(rounds):
        took.append(1000 * _timed(client, path)[0])
        bare.append(1000 * _timed(client, _YARDSTICK)[0])
    ratio = statistics.median(a / b for a, b in zip(took, bare, strict=True))
    return {"milliseconds": statistics.median(took), "to_yardstick": ratio}


def report(folder: Path, large: Size, rounds: int) -> str:
    """Measures, writes pages.json and pages.md to the folder, and returns the latter."""
    small, big = (measure(size, rounds) for size in (SMALL, large))
    results = {"small": {**vars(SMALL), "pages": small}, "large": {**vars(large), "pages": big}}
    (folder / "pages.json").write_text(json.dumps(results, indent=2) + "\n")
    lines = [
        f"# Pages with {large.texts:,} texts, {large.changes:,} changes and {large.contacts:,} contacts",
        "",
        f"Against {SMALL.texts:,}, {SMALL.changes:,} and {SMALL.contacts:,}. Medians of {rounds} rounds."
        " A page counts in yardsticks, which is a page of the help asked for in turn with it.",
        "",
        "| Page | Small | Large | Large / small |",
        "|---|---|---|---|",
    ]
    for name, one in big.items():
        if name != "counting":
            before, now = small[name]["to_yardstick"], one["to_yardstick"]
            shown = f"{before:.1f} | {now:.1f} ({one['milliseconds']:.0f} ms)"
            lines.append(f"| {name.capitalize()} | {shown} | {now / before:.1f} |")
    lines += ["", f"All closed days were counted for the first time in {big['counting']['seconds']:.0f} s."]
    markdown = "\n".join(lines) + "\n"
    (folder / "pages.md").write_text(markdown)
    return markdown


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name, number in (("contacts", 300_000), ("texts", 3_000_000), ("changes", 3_000_000), ("rounds", 7)):
        parser.add_argument(f"--{name}", type=int, default=number)
    options = parser.parse_args()
    print(report(RESULTS, Size(options.contacts, options.texts, options.changes), options.rounds))
