"""Outgoing webhooks: each consent change, signed, to the addresses that an admin names."""

from __future__ import annotations

from flask import Flask

from cadence_app.webhooks import jobs, log_routes, routes, traces, waking
from cadence_app.webhooks.blueprint import blueprint

__all__ = ["jobs", "log_routes", "routes", "traces"]


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)
    with app.app_context():
        waking.init_waking()
