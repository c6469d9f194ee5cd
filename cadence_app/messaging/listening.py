"""The sender as a process of its own: it ends when it is told to, and hears when something is to go."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

from flask import Flask, current_app
from redis.exceptions import RedisError

from cadence_app.extensions import rq
from cadence_app.messaging.sender import WAKES, Sender

_PAUSE_SECONDS = 1


def send_until_stopped(alive: Callable[[], None] = lambda: None) -> None:
    """Sends until SIGTERM, and then what it has taken by then. `alive` as in Sender."""
    sender = Sender(alive)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: sender.stop())
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    threading.Thread(target=_listen, args=(app, sender), name="wakes", daemon=True).start()
    sender.send()


def _listen(app: Flask, sender: Sender) -> None:
    """For good; while Redis is away the sender looks by itself."""
    with app.app_context():
        while True:
            try:
                heard = rq.get_queue("sweeps").connection.pubsub(ignore_subscribe_messages=True)
                heard.subscribe(WAKES)
                while True:
                    if heard.get_message(timeout=60):
                        sender.look()
            except RedisError as error:
                app.logger.warning("Redis is out of reach, the sender looks by itself: %s", error)
                time.sleep(_PAUSE_SECONDS)
