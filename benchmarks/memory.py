"""The peak memory of the export job, in either format, each time in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

import config
from benchmarks.export import new_export
from benchmarks.scratch import ROOT, Scratch, load_changes
from cadence_app import create_app
from cadence_app.extensions import db
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Export, Format
from cadence_app.reports.writing import write_file
from cadence_app.tenancy import use_tenant


def measure(scratch: Scratch, small: int, large: int) -> dict[str, float]:
    """Peaks in MB at two sizes, and how much more the larger one took."""
    load_changes(scratch, large)
    peaks = {rows: _run(rows, Format.CSV)["peak_mb"] for rows in (small, large)}
    return {
        "small_mb": peaks[small],
        "large_mb": peaks[large],
        "large_rows": large,
        "growth_mb": peaks[large] - peaks[small],
    }


def both_formats(scratch: Scratch, rows: int) -> dict[str, dict[str, float]]:
    """By the format: rows written, the peak in MB (VmHWM), the file's MB, and the seconds it took."""
    load_changes(scratch, rows)
    new_export(scratch)
    return {str(file_format): _run(rows, file_format) for file_format in Format}


def _run(rows: int, file_format: Format) -> dict[str, float]:
    # A fresh interpreter: storage's threads would not survive a fork of this one.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.memory", str(rows), file_format],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _job(rows: int, file_format: Format) -> None:
    app = create_app(config.load())
    with app.app_context():
        use_tenant(1)
        export = db.session.scalars(select(Export).limit(1)).one()
        export.format = file_format
        # The same query with fewer rows.
        kind = replace(OPT_OUT_HISTORY, query=OPT_OUT_HISTORY.query.limit(rows))
        start = time.perf_counter()
        written = write_file(export, kind, lambda done, total: None)
        seconds = time.perf_counter() - start
        measured = {"rows": written.rows, "peak_mb": peak_mb(), "file_mb": written.size / 1e6}
        print(json.dumps(measured | {"seconds": seconds}))


def peak_mb() -> float:
    """The peak of this program. (getrusage's would be at least that of the larger one which started it.)"""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    _job(int(sys.argv[1]), Format(sys.argv[2]))
