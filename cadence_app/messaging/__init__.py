"""Inboxes, conversations, texts in and out."""

from __future__ import annotations

from flask import Flask

from cadence_app.messaging import dev_phone, routes


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    if app.config["DEV_TOOLS"]:
        app.register_blueprint(dev_phone.blueprint)
