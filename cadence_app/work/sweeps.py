"""The sweeps that only look what is due and queue it, as one job.

Each job is a process of its own (worker.py), and a dozen of them every ten seconds would keep a third of a
processor busy while nothing is to be done. A sweep that itself waits for somebody else, such as a carrier,
stays a job of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app
from rq.timeouts import JobTimeoutException

from cadence_app.extensions import db, rq

Sweep = Callable[[], None]

_SECONDS = 10
_sweeps: list[Sweep] = []


def quick_sweep(sweep: Sweep) -> Sweep:
    """Makes a function one of those that run every ten seconds, one after the other. It must do no harm when
    it runs twice at once."""
    _sweeps.append(sweep)
    return sweep


@rq.job(queue="sweeps")
def run_quick_sweeps() -> None:
    """One that fails keeps none of the others from running."""
    for sweep in _sweeps:
        try:
            sweep()
        except JobTimeoutException:
            raise
        except Exception:
            current_app.logger.exception("%s failed", sweep.__name__)
        finally:
            # The next one begins without a tenant.
            db.session.remove()


run_quick_sweeps.cron_register(_SECONDS)
