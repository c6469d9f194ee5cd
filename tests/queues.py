"""What waits on the queues, by its keys (work/queueing.py). Tests share one Redis: each looks for its own."""

from __future__ import annotations

from rq.job import Job

from cadence_app.extensions import rq
from cadence_app.work.queueing import waiting


def waits(queue: str, key: str) -> int:
    """How many jobs of a key wait."""
    return waiting(queue).count(key)


def lose(queue: str, key: str) -> None:
    """What a Redis that was flushed, or a worker that died with it, does to the jobs of a key."""
    found = rq.get_queue(queue)
    for job_id in found.get_job_ids():
        if job_id.rpartition("_")[0] == key:
            Job.fetch(job_id, found.connection).delete()
