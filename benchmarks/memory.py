"""The peak memory of the export job, each time in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
from multiprocessing.connection import Connection

from benchmarks.export import new_export
from benchmarks.scratch import Scratch, load_changes
from cadence_app.extensions import db
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.writing import write_file


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
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe()
    process = context.Process(target=_job, args=(scratch, rows, sender))
    process.start()
    peak = receiver.recv()
    process.join()
    return float(peak)


def _job(scratch: Scratch, rows: int, sender: Connection) -> None:
    db.engine.dispose(close=False)
    with scratch.app.app_context():
        export = new_export(scratch)
        # The same query with fewer rows: the range ends where the wanted number of them is reached.
        limited = OPT_OUT_HISTORY.rows + _limit(rows)
        kind = type(OPT_OUT_HISTORY)(
            OPT_OUT_HISTORY.key, OPT_OUT_HISTORY.title, limited, OPT_OUT_HISTORY.count
        )
        write_file(export, kind, lambda done, total: None)
        sender.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _limit(rows: int):  # type: ignore[no-untyped-def]
    from psycopg import sql

    return sql.SQL(f" LIMIT {rows}")
