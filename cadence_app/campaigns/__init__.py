"""Campaigns: one text to many contacts, sent exactly once to each who may have it."""

from __future__ import annotations

from flask import Flask

from cadence_app.campaigns import jobs, list_routes, routes, settings_routes, traces
from cadence_app.campaigns.answers import note_answer
from cadence_app.campaigns.following import follow_texts
from cadence_app.messaging import followers

__all__ = ["jobs", "traces"]


def init_app(app: Flask) -> None:
    followers.follow(follow_texts)
    followers.hear_answers(note_answer)
    for blueprint in (routes.blueprint, list_routes.blueprint, settings_routes.blueprint):
        app.register_blueprint(blueprint)
