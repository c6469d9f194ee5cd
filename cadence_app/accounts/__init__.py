"""Tenants, teams, users, sign-in and roles."""

from __future__ import annotations

from flask import Flask

from cadence_app.accounts import (
    account_routes,
    email_routes,
    jobs,
    known_devices,
    link_routes,
    requests,
    routes,
    second_factor_routes,
    settings,
    sso_routes,
    sso_settings,
    traces,
    tries,
)
from cadence_app.extensions import login_manager
from cadence_app.tenancy import before_change

__all__ = ["jobs", "traces"]


def init_app(app: Flask) -> None:
    login_manager.login_view = "accounts.sign_in"
    login_manager.login_message = "Sign in to open that page."
    # The cookie holds the key of a session kept in the database (sessions.py), which Flask-Login's own
    # protection of its cookie has no part in.
    login_manager.session_protection = None
    login_manager.request_loader(requests.user_of_request)
    app.before_request(requests.answer_early)
    app.before_request(requests.lead_to_second_factor)
    app.register_error_handler(tries.TooMany, requests.too_many)
    known_devices.init_app(app)
    before_change(requests.follow_tenant)
    for area in (
        routes,
        link_routes,
        second_factor_routes,
        sso_routes,
        account_routes,
        email_routes,
        settings,
        sso_settings,
    ):
        app.register_blueprint(area.blueprint)
