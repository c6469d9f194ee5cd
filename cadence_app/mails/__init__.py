"""The outbox: mails that are recorded with what they tell of, and sent by the worker until they have gone."""

from __future__ import annotations

from flask import Flask

from cadence_app.mails import jobs, service

__all__ = ["jobs"]


def init_app(app: Flask) -> None:
    with app.app_context():
        service.init_outbox()
