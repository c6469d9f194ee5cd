"""A database as an older Cadence left it, whose owner and login were one superuser."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from flask import Flask
from flask_migrate import upgrade

from cadence_app import create_app
from tests.conftest import ROOT

REVISION = "0026"


@contextmanager
def old_database(app: Flask) -> Iterator[tuple[psycopg.Connection, Flask, Flask]]:
    """An old and empty database: the superuser in it, and the application on it as it was migrated then and
    as it is now."""
    name = f"old_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(app.config["SUPERUSER_URL"].replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")

    def there(url: str) -> str:
        return str(app.config[url]).replace("/postgres?", f"/{name}?")

    now = dict(app.config) | {
        "SQLALCHEMY_DATABASE_URI": there("SQLALCHEMY_DATABASE_URI"),
        "DATABASE_OWNER_URL": there("DATABASE_OWNER_URL"),
    }
    then = create_app(now | {"DATABASE_OWNER_URL": there("SUPERUSER_URL")})
    with then.app_context():
        upgrade(directory=str(ROOT / "migrations"), revision=REVISION)
    with psycopg.connect(there("SUPERUSER_URL").replace("+psycopg", ""), autocommit=True) as superuser:
        yield superuser, then, create_app(now)
    with psycopg.connect(app.config["SUPERUSER_URL"].replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
