"""Retention: how long contacts are kept, dry runs, removals that leave the seals intact, and legal holds."""

from __future__ import annotations

from flask import Flask

from cadence_app.retention import holds_routes, jobs, models, routes, traces

__all__ = ["jobs", "models", "traces"]


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(holds_routes.blueprint)
