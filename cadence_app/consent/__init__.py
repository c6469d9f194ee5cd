"""The consent ledger: keywords, rules, status with its history, and the seals that prove it."""

from __future__ import annotations

from flask import Flask

from cadence_app.consent import jobs, routes, seal_models

__all__ = ["jobs", "seal_models"]


def init_app(app: Flask) -> None:
    app.register_blueprint(routes.blueprint)
