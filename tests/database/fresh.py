"""A database of one test's own, empty until the test upgrades it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from flask import Flask
from flask_migrate import upgrade

from cadence_app import create_app
from cadence_app.database_roles import EMBEDDED_OWNER
from cadence_app.extensions import db
from tests.conftest import ROOT


@dataclass
class Fresh:
    """The application on such a database, and a superuser in it for what happens behind everybody's back."""

    app: Flask
    superuser: psycopg.Connection

    def upgrade(self, revision: str = "head") -> None:
        with self.app.app_context():
            upgrade(directory=str(ROOT / "migrations"), revision=revision)


@contextmanager
def fresh_database(app: Flask) -> Iterator[Fresh]:
    """Its tables' owner is the one of an installation, who is no superuser."""
    name = f"fresh_{uuid.uuid4().hex[:8]}"
    there = {
        setting: str(app.config[setting]).replace("/postgres?", f"/{name}?")
        for setting in ("SQLALCHEMY_DATABASE_URI", "DATABASE_OWNER_URL", "SUPERUSER_URL")
    }
    with psycopg.connect(_plain(app.config["SUPERUSER_URL"]), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER {EMBEDDED_OWNER}")
        made = create_app(dict(app.config) | there)
        try:
            with psycopg.connect(_plain(there["SUPERUSER_URL"]), autocommit=True) as superuser:
                yield Fresh(made, superuser)
        finally:
            with made.app_context():
                db.engine.dispose()
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _plain(url: object) -> str:
    return str(url).replace("+psycopg", "")
