"""Telling the people at the desk: notices in their browsers and phones, and mails about what is theirs."""

from __future__ import annotations

from flask import Flask

from cadence_app.alerts import installing, jobs, routes, traces

__all__ = ["jobs", "traces"]


def init_app(app: Flask) -> None:
    for page in (routes, installing):
        app.register_blueprint(page.blueprint)
