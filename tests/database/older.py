"""A database as an older Cadence left it, whose owner and login were one superuser."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from flask import Flask
from flask_migrate import upgrade

from cadence_app import create_app
from cadence_app.extensions import db
from cadence_app.number_key import KEY_SETTING, hex_key
from tests.conftest import ROOT

REVISION = "0026"


# The names of the old databases that others are copies of, by their server.
_made: dict[str, str] = {}


@contextmanager
def old_database(app: Flask) -> Iterator[tuple[psycopg.Connection, Flask, Flask]]:
    """An old and empty database: the superuser in it, and the application on it as it was migrated then and
    as it is now."""
    name, server = f"old_{uuid.uuid4().hex[:8]}", app.config["SUPERUSER_URL"]
    if server not in _made:
        _made[server] = _make(app, f"{name}_first")
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {_made[server]}")

    def there(url: str) -> str:
        return _there(app, name, url)

    now = dict(app.config) | {
        "SQLALCHEMY_DATABASE_URI": there("SQLALCHEMY_DATABASE_URI"),
        "DATABASE_OWNER_URL": there("DATABASE_OWNER_URL"),
    }
    then = create_app(now | {"DATABASE_OWNER_URL": there("SUPERUSER_URL")})
    with psycopg.connect(there("SUPERUSER_URL").replace("+psycopg", ""), autocommit=True) as superuser:
        yield superuser, then, create_app(now)
    with psycopg.connect(app.config["SUPERUSER_URL"].replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _make(app: Flask, name: str) -> str:
    """An old and empty database, migrated once for all copies of it."""
    with psycopg.connect(app.config["SUPERUSER_URL"].replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    settings = dict(app.config) | {
        "SQLALCHEMY_DATABASE_URI": _there(app, name, "SQLALCHEMY_DATABASE_URI"),
        "DATABASE_OWNER_URL": _there(app, name, "SUPERUSER_URL"),
    }
    first = create_app(settings)
    with first.app_context():
        upgrade(directory=str(ROOT / "migrations"), revision=REVISION)
        db.engine.dispose()
    return name


def _there(app: Flask, name: str, url: str) -> str:
    return str(app.config[url]).replace("/postgres?", f"/{name}?")


@dataclass
class Old:
    """A database as a release before this one left it, with one tenant that has two teams."""

    app: Flask
    connection: psycopg.Connection[dict[str, Any]]
    ids: dict[str, int] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> int:
        names, places = ", ".join(values), ", ".join(["%s"] * len(values))
        statement = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING *"
        row = self.connection.execute(statement, list(values.values())).fetchone()
        assert row
        return int(row.get("id") or 0)

    def contact(self, number: str) -> int:
        return self.add(
            "contacts",
            tenant_id=self.ids["tenant"],
            first_name="",
            last_name="",
            external_id="",
            number=number,
        )

    def change(self, contact_id: int, number: str, status: str, at: datetime, **more: Any) -> None:
        """A row of the history with the status that it left."""
        values = {"source": "keyword", "words": "STOP", "reason": "", "user_name": ""} | more
        change_id = self.add(
            "opt_out_changes",
            **{"tenant_id": self.ids["tenant"], "contact_id": contact_id, "team_id": self.ids["team"]},
            **{"status": status, "changed_at": at, "first_name": "", "last_name": "", "external_id": ""},
            **{"number": number, "team_code": "ADM"},
            **values,
        )
        self.connection.execute(
            "INSERT INTO consents (contact_id, team_id, tenant_id, status, since, change_id)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (contact_id, team_id)"
            " DO UPDATE SET status = excluded.status, since = excluded.since, change_id = excluded.change_id",
            [contact_id, self.ids["team"], self.ids["tenant"], status, at, change_id],
        )

    def upgrade(self) -> None:
        with self.app.app_context():
            upgrade(directory=str(ROOT / "migrations"))

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.app.app_context():
            self.connection.execute("SELECT set_config(%s, %s, false)", [KEY_SETTING, hex_key()])
        return self.connection.execute(statement, values).fetchall()


@dataclass
class Desk:
    """An inbox of an old database, and what came to it."""

    old: Old
    inbox: int = 0

    def __post_init__(self) -> None:
        self.inbox = self.old.add(
            "inboxes",
            **{"tenant_id": self.old.ids["tenant"], "team_id": self.old.ids["team"], "kind": "shared"},
            **{"name": "Admissions", "number": "+13035550100", "provider": "simulator"},
        )

    def text(self, contact: int, words: str, at: datetime, inbox: int = 0) -> int:
        tenant = self.old.ids["tenant"]
        inbox = inbox or self.inbox
        found = self.old.rows(
            "SELECT id FROM conversations WHERE contact_id = %s AND inbox_id = %s", contact, inbox
        )
        conversation = (
            found[0]["id"]
            if found
            else self.old.add(
                "conversations",
                **{"tenant_id": tenant, "inbox_id": inbox, "contact_id": contact, "last_message_at": at},
                **{"last_message_text": words, "unread": 1},
            )
        )
        return self.old.add(
            "messages",
            **{"tenant_id": tenant, "conversation_id": conversation, "inbox_id": inbox, "body": words},
            **{"direction": "inbound", "kind": "person", "state": "received", "detail": ""},
            **{"provider_at": at, "created_at": at},
        )

    def flag(self, contact: int, message: int, at: datetime, decision: str) -> None:
        self.old.add(
            "possible_opt_outs",
            **{"tenant_id": self.old.ids["tenant"], "contact_id": contact, "team_id": self.old.ids["team"]},
            **{"message_id": message, "message_ids": [message], "words": "please stop", "decision": decision},
            **{"received_at": at, "due_on": at.date()},
        )

    def contact(self, number: str, since: datetime) -> int:
        contact = self.old.contact(number)
        self.old.connection.execute(
            "UPDATE contact_numbers SET since = %s WHERE contact_id = %s", [since, contact]
        )
        return contact
