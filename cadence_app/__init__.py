"""Cadence: a texting desk whose heart is a consent ledger."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from cadence_app import (
    accounts,
    administration,
    alerts,
    api,
    campaigns,
    contacts,
    finding,
    help_pages,
    mails,
    messaging,
    notifications,
    operators,
    records,
    reports,
    retention,
    standing,
    ui,
    webhooks,
)
from cadence_app.cli import cadence
from cadence_app.database_errors import init_database_errors
from cadence_app.extensions import csrf, db, limiter, login_manager, mail, migrate, rq
from cadence_app.hosts import Hosts
from cadence_app.tenancy import init_tenancy


class RowId(IntegerConverter):
    """An id in an address. One that no row can have is 404, as for a row that is not there."""

    def __init__(self, url_map: Map, min: int | None = None, max: int = 2**63 - 1) -> None:
        super().__init__(url_map, min=min, max=max)


def create_app(settings: dict[str, Any]) -> Flask:
    """The application. `settings` is what config.load() returns, with whatever a test changes in it."""
    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    # An address is the same page with a slash at its end and without.
    app.url_map.strict_slashes = False
    app.config.from_mapping(settings)
    app.wsgi_app = Hosts(app.wsgi_app, settings["SITE"], app.logger)  # type: ignore[method-assign]
    if hops := settings["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    app.url_map.converters["int"] = RowId
    db.init_app(app)
    migrate.init_app(app, db, directory="migrations")
    login_manager.init_app(app)
    csrf.init_app(app)
    mail.init_app(app)
    rq.init_app(app)
    limiter.init_app(app)
    init_database_errors()
    with app.app_context():
        init_tenancy()
    people = (accounts, mails, contacts, messaging, campaigns, records)
    told = (reports, notifications, alerts, retention, api, standing, webhooks)
    for area in (*people, *told, administration, operators, ui):
        area.init_app(app)
    app.register_blueprint(help_pages.blueprint)
    app.register_blueprint(finding.blueprint)
    app.cli.add_command(cadence)
    return app
