"""A person's record over every area: the list, the record and its timeline, numbers, merging, erasing, and
what proves their consent."""

from __future__ import annotations

from flask import Flask

from cadence_app.records import certificates, mending_routes, record, routes


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(record.blueprint)
    app.register_blueprint(mending_routes.blueprint)
    app.register_blueprint(certificates.blueprint)
