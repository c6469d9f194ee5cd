"""What gunicorn reads when it starts from this folder."""

from __future__ import annotations

from typing import Any

from cadence_app.messaging.carriers.gaps import keep_beating

# What a proxy says of a request is believed where CADENCE_TRUSTED_PROXIES says so (create_app), and not
# because the proxy is on this machine or at a socket, as gunicorn does by itself.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
# The program is loaded once, before the processes that take requests: a setting that can't be used ends it
# with its one line, instead of one process after the other for as long as gunicorn is let.
preload_app = True


def post_worker_init(worker: Any) -> None:
    """Each process that takes requests says that texts can come in. A thread of before the fork is gone."""
    keep_beating(worker.wsgi)
