"""What admins change under Settings: users, teams, inboxes, the organisation, its labels; and its log."""

from __future__ import annotations

from flask import Flask

from cadence_app.administration import (
    audit_routes,
    first_run_routes,
    inboxes_routes,
    jobs,
    labels_routes,
    organisation_routes,
    out_of_office_routes,
    people_routes,
    screens_routes,
    teams_routes,
)

__all__ = ["jobs", "out_of_office_routes"]


def init_app(app: Flask) -> None:
    people = (people_routes, teams_routes)
    for pages in (
        *people,
        inboxes_routes,
        organisation_routes,
        screens_routes,
        audit_routes,
        first_run_routes,
    ):
        app.register_blueprint(pages.blueprint)
    app.register_blueprint(labels_routes.custom_fields)
    app.register_blueprint(labels_routes.tags)
    app.add_template_global(first_run_routes.shown, "first_run")
    app.add_template_global(first_run_routes.address_of, "first_step_address")
