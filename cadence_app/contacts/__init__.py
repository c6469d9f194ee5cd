"""The people an organisation texts: their numbers, tags and fields, and files of them read in."""

from __future__ import annotations

from flask import Flask

from cadence_app.contacts import jobs, traces
from cadence_app.contacts.imports import jobs as import_jobs
from cadence_app.contacts.imports import routes as import_routes

__all__ = ["import_jobs", "jobs", "traces"]


def init_app(app: Flask) -> None:
    app.register_blueprint(import_routes.blueprint)
