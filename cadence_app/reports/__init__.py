"""Reports: export kinds, the export service, its jobs and mail, and both modes' screens."""

from __future__ import annotations

from flask import Flask

from cadence_app.reports import activity_routes, dev_mail, jobs, routes

__all__ = ["jobs"]


def init_app(app: Flask) -> None:
    for blueprint in (routes.reports, routes.teams, routes.legacy, activity_routes.blueprint):
        app.register_blueprint(blueprint)
    if app.config["DEV_MAILBOX"]:
        app.register_blueprint(dev_mail.blueprint)
