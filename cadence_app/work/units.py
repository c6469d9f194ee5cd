"""One unit of work beside others: where it fails, the others go on.

What ends the job as a whole goes through: a time-out (worker.TimeIsUp), Ctrl-C and an exit are no Exception,
so that nothing which catches one, here or in a library, can keep a job alive past its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app

from cadence_app.extensions import db


@contextmanager
def on_its_own(failed: str, *values: object) -> Iterator[None]:
    """What fails within is rolled back and logged, as `failed` with its `values` (logging's own %s), and is
    over. What has been committed stays."""
    try:
        yield
    except Exception:
        db.session.rollback()
        current_app.logger.exception(failed, *values)
