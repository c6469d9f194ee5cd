"""A person's record over every area: the list, the record and its timeline, numbers, merging, erasing, and
what proves their consent."""

from __future__ import annotations

from flask import Flask

from cadence_app.records import (
    certificate_routes,
    evidence_routes,
    list_routes,
    mending_routes,
    merge_routes,
    privacy_routes,
    record_routes,
    select_routes,
    why_routes,
)
from cadence_app.records.blueprint import blueprint

__all__ = ["merge_routes", "privacy_routes", "record_routes"]


def init_app(app: Flask) -> None:
    app.register_blueprint(list_routes.blueprint)
    app.register_blueprint(blueprint)
    app.register_blueprint(mending_routes.blueprint)
    app.register_blueprint(certificate_routes.blueprint)
    app.register_blueprint(evidence_routes.blueprint)
    app.register_blueprint(select_routes.blueprint)
    app.register_blueprint(why_routes.blueprint)
