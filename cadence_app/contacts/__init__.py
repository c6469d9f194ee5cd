"""The people an organisation texts: search, record, adding, editing."""

from __future__ import annotations

from flask import Flask

from cadence_app.contacts import routes


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
