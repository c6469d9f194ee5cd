"""What a million rows cost: the peak memory of both formats, and finding a part of a name on screen."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path

from benchmarks import memory, search
from benchmarks.scratch import scratch_installation


def report(folder: Path, rows: int, rounds: int) -> str:
    """Measures, writes scale.json and scale.md to the folder, and returns the latter."""
    with scratch_installation() as scratch:
        formats = memory.both_formats(scratch, rows)
        found = search.measure(scratch, rows, rounds)
        plan = search.explained(search.PARTS[1])
    results = {"rows": rows, "formats": formats, "search": found}
    (folder / "scale.json").write_text(json.dumps(results, indent=2) + "\n")
    text = _markdown(rows, formats, found, plan)
    (folder / "scale.md").write_text(text)
    return text


def _markdown(
    rows: int, formats: dict[str, dict[str, float]], found: Mapping[str, Mapping[str, object]], plan: str
) -> str:
    csv_seconds = formats["csv"]["seconds"]
    lines = [f"# At scale, {rows:,} rows", "", "## The export job, a process of its own for each format", ""]
    lines += ["| Format | Rows | Peak memory (VmHWM) | File | Time / CSV's |", "|---|---|---|---|---|"]
    for name, size in formats.items():
        shares = f"{size['peak_mb']:.0f} MB | {size['file_mb']:.1f} MB | {size['seconds'] / csv_seconds:.1f}"
        lines.append(f"| {name.upper()} | {size['rows']:,.0f} | {shares} |")
    lines += ["", "## A part of a name, ContactId or number in the Opt out history on screen", ""]
    lines += ["A page of the newest rows that have it, over the whole history. Median (least to most).", ""]
    lines += ["| Part | Rows that have it | By the index | Without it / by it |", "|---|---|---|---|"]
    for part, one in found.items():
        by_index, ratio = _spread(one["milliseconds"]), _spread(one["without_to_by_index"])
        lines.append(f"| {part} | {one['rows']:,} | {by_index} ms | {ratio} |")
    lines += ["", f"The plan for `{search.PARTS[1]}`:", "", *(f"    {line}" for line in plan.splitlines())]
    return "\n".join(lines) + "\n"


def _spread(values: object) -> str:
    assert isinstance(values, list)
    return f"{statistics.median(values):,.1f} ({min(values):,.1f} to {max(values):,.1f})"
