"""Reports: export kinds, the export service, its jobs and mail, destinations, and both modes' screens."""

from __future__ import annotations

from flask import Flask

from cadence_app.reports import (
    activity_routes,
    counting_jobs,
    dev_mail,
    evidence_routes,
    jobs,
    proof_routes,
    routes,
    schedule_jobs,
    schedule_routes,
    traces,
)
from cadence_app.reports.destinations import jobs as delivery_jobs
from cadence_app.reports.destinations import routes as destination_routes
from cadence_app.reports.saved import routes as saved_routes

__all__ = ["counting_jobs", "delivery_jobs", "jobs", "schedule_jobs", "traces"]


def init_app(app: Flask) -> None:
    blueprints = (routes.reports, routes.teams, routes.legacy, activity_routes.blueprint)
    more = (
        evidence_routes.blueprint,
        schedule_routes.blueprint,
        destination_routes.blueprint,
        saved_routes.blueprint,
        proof_routes.blueprint,
    )
    for blueprint in (*blueprints, *more):
        app.register_blueprint(blueprint)
    if app.config["DEV_MAILBOX"]:
        app.register_blueprint(dev_mail.blueprint)
