"""Reports: export kinds, the export service, its jobs and mail, and both modes' screens."""

from __future__ import annotations

from flask import Flask

from cadence_app.reports import activity_routes, dev_mail, jobs, routes, schedule_jobs, schedule_routes

__all__ = ["jobs", "schedule_jobs"]


def init_app(app: Flask) -> None:
    blueprints = (routes.reports, routes.teams, routes.legacy, activity_routes.blueprint)
    for blueprint in (*blueprints, schedule_routes.blueprint):
        app.register_blueprint(blueprint)
    if app.config["DEV_MAILBOX"]:
        app.register_blueprint(dev_mail.blueprint)
