"""The JSON API under /api/v1, its tokens and its document."""

from __future__ import annotations

from flask import Flask

from cadence_app.api import changes, consents, contacts, exports, jobs, screens, traces
from cadence_app.api.blueprint import api
from cadence_app.extensions import csrf

__all__ = ["changes", "consents", "contacts", "exports", "jobs", "traces"]


def init_app(app: Flask) -> None:
    # A token in a header is no cookie: no other site can make a browser send it.
    csrf.exempt(api)
    app.register_blueprint(api)
    app.register_blueprint(screens.blueprint)
