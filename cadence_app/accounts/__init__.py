"""Tenants, teams, users, sign-in and roles."""

from __future__ import annotations

from flask import Flask

from cadence_app.accounts import routes, settings
from cadence_app.accounts.models import User
from cadence_app.accounts.service import load_user
from cadence_app.extensions import login_manager


def init_app(app: Flask) -> None:
    login_manager.login_view = "accounts.sign_in"
    login_manager.login_message = "Sign in to open that page."
    login_manager.user_loader(_user_of_session)
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(settings.blueprint)


def _user_of_session(session_id: str) -> User | None:
    tenant_id, _, user_id = session_id.partition(":")
    if not (tenant_id.isdecimal() and user_id.isdecimal()):
        return None
    user = load_user(int(tenant_id), int(user_id))
    return user if user and user.is_active else None
