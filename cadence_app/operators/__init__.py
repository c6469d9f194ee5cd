"""The people who run the server: their accounts, their screen and their commands."""

from __future__ import annotations

from flask import Flask

from cadence_app.operators import access, models, routes, sign_in_routes

__all__ = ["models", "routes", "sign_in_routes"]


def init_app(app: Flask) -> None:
    app.register_blueprint(access.blueprint)
