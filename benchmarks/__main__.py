"""`script/bench`: how fast and how lean export, import and the desk are, and how well intent detection reads,
as ratios within one run; and what a campaign does whose worker is killed again and again.

Writes benchmarks/results/: export, import, workbooks, desk, intent, scale, rounds, sealing, sending and
campaigns, as .json and .md.
`script/bench scale` measures one alone. `--rows`, `--memory-rows`, `--import-rows`, `--recipients` and
`--kills` make a shorter run.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from benchmarks import (
    campaigns,
    desk,
    export,
    imports,
    intent,
    latency,
    memory,
    rounds,
    scale,
    sealing,
    sending,
    workbooks,
)
from benchmarks.scratch import scratch_installation

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument(
        "what",
        nargs="?",
        choices=(
            *("all", "desk", "export", "import", "intent", "scale", "workbooks", "campaigns", "rounds"),
            *("sealing", "sending"),
        ),
        default="all",
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory-rows", type=int, default=3_000_000)
    parser.add_argument("--import-rows", type=int, default=500_000)
    parser.add_argument("--import-agreed", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--recipients", type=int, default=2_000)
    parser.add_argument("--texts", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    if options.what in ("all", "desk"):
        print(desk.report(RESULTS, 3 * options.rounds))
    if options.what in ("all", "sending"):
        print(sending.report(RESULTS, options.texts))
    if options.what in ("all", "export"):
        _export(options)
    if options.what in ("all", "import"):
        print(imports.report(RESULTS, options.import_rows, options.import_agreed))
    if options.what in ("all", "workbooks"):
        print(workbooks.report(RESULTS))
    if options.what in ("all", "intent"):
        print(intent.report(RESULTS, options.rounds))
    if options.what in ("all", "rounds"):
        print(rounds.report(RESULTS, options.rounds))
    if options.what in ("all", "sealing"):
        print(sealing.report(RESULTS, min(options.rows, sealing.ROWS), options.rounds))
    if options.what in ("all", "scale"):
        print(scale.report(RESULTS, options.rows, options.rounds))
    if options.what in ("all", "campaigns"):
        told = campaigns.report(RESULTS, options.kills, options.recipients, options.contacts, options.rounds)
        print(told)


def _export(options: argparse.Namespace) -> None:
    with scratch_installation() as scratch:
        results = {
            "rows": options.rows,
            "speed": export.measure(scratch, options.rows, options.rounds),
            "memory": memory.measure(scratch, 10_000, options.memory_rows),
            "mail": latency.measure(scratch),
        }
    (RESULTS / "export.json").write_text(json.dumps(results, indent=2) + "\n")
    report = _markdown(results)
    (RESULTS / "export.md").write_text(report)
    print(report)


def spread(values: list[float]) -> str:
    """Median, and the least and most of the rounds."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _markdown(results: dict) -> str:  # type: ignore[type-arg]
    speed, memory_, mail = results["speed"], results["memory"], results["mail"]
    rows = [
        ("Export job / psql \\copy of the same SELECT", spread(speed["job_to_copy"]), "at most 1.5"),
        ("ORM loop with csv.writer / export job", spread(speed["orm_to_job"]), "at least 8"),
        (
            f"Growth of the job's peak memory, 10,000 to {memory_['large_rows']:,} rows",
            f"{memory_['growth_mb']:.1f} MB",
            "at most 16 MB",
        ),
        ("From Request Export to the mail accepted, 100 rows", f"{spread(mail['forking'])} s", "within 2 s"),
        ("The same, Flask-RQ's stock worker / ours", spread(mail["stock_to_forking"]), "above 1"),
    ]
    lines = [
        f"# The export, {results['rows']:,} rows",
        "",
        "Median (least to most) of the rounds of one run.",
        "",
    ]
    lines += ["| What | Measured | Wanted |", "|---|---|---|"]
    lines += [f"| {what} | {measured} | {wanted} |" for what, measured, wanted in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
