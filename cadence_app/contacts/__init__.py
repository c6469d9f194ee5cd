"""The people an organisation texts: search, record, adding, editing, and what proves their consent."""

from __future__ import annotations

from flask import Flask

from cadence_app.contacts import certificates, jobs, mending_routes, record, routes
from cadence_app.contacts.imports import jobs as import_jobs
from cadence_app.contacts.imports import routes as import_routes

__all__ = ["import_jobs", "jobs"]


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(record.blueprint)
    app.register_blueprint(mending_routes.blueprint)
    app.register_blueprint(certificates.blueprint)
    app.register_blueprint(import_routes.blueprint)
