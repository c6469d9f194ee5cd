"""The people an organisation texts: search, record, adding, editing, and what proves their consent."""

from __future__ import annotations

from flask import Flask

from cadence_app.contacts import certificates, record, routes


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(record.blueprint)
    app.register_blueprint(certificates.blueprint)
