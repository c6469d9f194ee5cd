"""What gunicorn reads when it starts from this folder."""

from __future__ import annotations

from typing import Any

from cadence_app.messaging.carriers.gaps import keep_beating


def post_worker_init(worker: Any) -> None:
    """Each process that takes requests says that texts can come in. A thread of before the fork is gone."""
    keep_beating(worker.wsgi)
