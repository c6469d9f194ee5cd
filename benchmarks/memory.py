"""The peak memory of the export job, each time in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

import config
from benchmarks.scratch import ROOT, Scratch, load_changes
from cadence_app import create_app
from cadence_app.extensions import db
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Export
from cadence_app.reports.writing import write_file
from cadence_app.tenancy import use_tenant


def measure(scratch: Scratch, small: int, large: int) -> dict[str, float]:
    """Peaks in MB at two sizes, and how much more the larger one took."""
    load_changes(scratch, large)
    peaks = {rows: _peak(scratch, rows) for rows in (small, large)}
    return {
        "small_mb": peaks[small],
        "large_mb": peaks[large],
        "large_rows": large,
        "growth_mb": peaks[large] - peaks[small],
    }


def _peak(scratch: Scratch, rows: int) -> float:
    # A fresh interpreter: storage's threads would not survive a fork of this one.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.memory", str(rows)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def _job(rows: int) -> None:
    app = create_app(config.load())
    with app.app_context():
        use_tenant(1)
        export = db.session.scalars(select(Export).limit(1)).one()
        # The same query with fewer rows.
        kind = replace(OPT_OUT_HISTORY, query=OPT_OUT_HISTORY.query.limit(rows))
        write_file(export, kind, lambda done, total: None)
        print(_peak_mb())


def _peak_mb() -> float:
    """The peak of this program. (getrusage's would be at least that of the larger one which started it.)"""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    _job(int(sys.argv[1]))
