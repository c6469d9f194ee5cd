"""Notification e-mails: who in or outside an organisation is told of what happens in a team."""

from __future__ import annotations

from flask import Flask

from cadence_app.notifications import jobs, routes, traces

__all__ = ["jobs", "traces"]


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
