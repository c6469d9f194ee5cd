"""What goes on by itself in one person's name, API tokens and schedules of exports, and what becomes of it
when their right is gone. Webhooks, destinations, campaigns and texts for later are the organisation's own."""

from __future__ import annotations

from flask import Flask

from cadence_app.standing import jobs, routes

__all__ = ["jobs"]


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
