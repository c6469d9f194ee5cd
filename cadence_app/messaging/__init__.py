"""Inboxes, conversations, texts in and out."""

from __future__ import annotations

from flask import Flask

from cadence_app.messaging import dev_phone, keyword_routes, routes
from cadence_app.messaging.carriers import jobs as carrier_jobs
from cadence_app.messaging.carriers import screens, webhooks

__all__ = ["carrier_jobs"]


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(screens.blueprint)
    app.register_blueprint(keyword_routes.blueprint)
    if app.config["DEV_TOOLS"]:
        app.register_blueprint(dev_phone.blueprint)
