"""Inboxes, conversations, texts in and out."""

from __future__ import annotations

from flask import Flask

from cadence_app.messaging import dev_phone, later_routes, routes, template_routes


def init_app(app: Flask) -> None:
    for blueprint in (routes.blueprint, later_routes.blueprint, template_routes.blueprint):
        app.register_blueprint(blueprint)
    if app.config["DEV_TOOLS"]:
        app.register_blueprint(dev_phone.blueprint)
