"""What is done once an answer has been sent, so that how long the answer took says nothing of it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, current_app


def after(response: Response, work: Callable[[], object]) -> Response:
    """The response, after which `work` is done in an application context of its own. It is for what may be
    lost with the process: nobody waits for it, and what goes wrong is in the server's log."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def run() -> None:
        try:
            with app.app_context():
                work()
        except Exception:
            app.logger.exception("what comes after an answer failed")

    response.call_on_close(run)
    return response
