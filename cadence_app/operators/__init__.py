"""The people who run the server: their accounts, their screen and their commands."""

from __future__ import annotations

from flask import Flask

from cadence_app.operators import models, routes

__all__ = ["models"]


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
