"""Reading stored numbers again after an upgrade, where it was not script/server that started it."""

from __future__ import annotations

from cadence_app.contacts import mending
from cadence_app.extensions import rq
from cadence_app.work.sweeps import quick_sweep

_JOB = "numbers-read-again"
_TIMEOUT = 12 * 3600


@rq.job(queue="imports")
def read_numbers_again() -> None:
    """Running it again, or twice at once, does no harm."""
    mending.read_all_again()


@quick_sweep
def sweep_numbers() -> None:
    """Queues it while any tenant is due."""
    if mending.due() is None:
        return
    queue = rq.get_queue("imports")
    if _JOB not in queue.get_job_ids() and _JOB not in queue.started_job_registry.get_job_ids():
        queue.enqueue(
            "cadence_app.contacts.jobs.read_numbers_again", job_id=_JOB, job_timeout=_TIMEOUT, result_ttl=0
        )
