"""A database of its own with many tenants, in which rows of each kind of work wait, are over, or are due."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import Flask
from flask_migrate import upgrade
from psycopg import sql

from cadence_app import create_app
from tests.conftest import ROOT

# What a column that must be filled gets, by its type; `g` counts the rows.
_USUAL = {
    "bigint": "g",
    "integer": "1",
    "smallint": "1",
    "text": "'x'",
    "boolean": "false",
    "bytea": "decode(md5(g::text), 'hex')",
    "date": "date '2026-01-01'",
    "timestamp with time zone": "now()",
    "jsonb": "'{}'",
    "ARRAY": "'{}'",
}
# What the columns of a table hold where that is not enough; `g % 20 = 0` are those that wait, for an hour to
# come, and the others are over.
_LATER = "CASE WHEN g % 20 = 0 THEN now() + interval '1 hour' END"
TABLES: dict[str, dict[str, str]] = {
    "outgoing_mails": {"next_attempt_at": _LATER},
    "exports": {
        "state": "CASE WHEN g % 20 = 0 THEN 'queued' ELSE 'sent' END",
        "format": "'csv'",
        "next_attempt_at": "now() + interval '1 hour'",
        "file_key": "CASE WHEN g % 20 = 1 THEN 'x' ELSE '' END",
        "expires_at": "now() + interval '1 hour'",
    },
    "export_schedules": {
        "format": "'csv'",
        "period": "'day'",
        "every": "'day'",
        "weekday": "1",
        "month_day": "1",
        "hour": "1",
        "next_run_at": "now() + interval '1 hour'",
        "deleted_at": "CASE WHEN g % 20 > 0 THEN now() END",
    },
    "export_deliveries": {"state": "'delivered'", "tell_at": _LATER},
    "webhook_endpoints": {"cursor": "2000000000", "paused_at": "CASE WHEN g % 20 > 0 THEN now() END"},
    "webhook_deliveries": {
        "state": "CASE WHEN g % 20 = 0 THEN 'pending' ELSE 'delivered' END",
        "next_attempt_at": "now() + interval '1 hour'",
        "finished_at": "CASE WHEN g % 20 > 0 THEN now() END",
    },
    "notification_rules": {
        "event": "'contact_added'",
        "pace": "'daily'",
        "digest_at": "now() + interval '1 hour'",
        "enabled": "g % 20 = 0",
    },
    "messages": {
        "direction": "'outbound'",
        "state": "CASE g % 20 WHEN 0 THEN 'queued' WHEN 1 THEN 'sending' ELSE 'sent' END",
        "next_attempt_at": "CASE WHEN g % 20 < 2 THEN now() + interval '1 hour' END",
        "sending_since": "CASE WHEN g % 20 = 1 THEN now() END",
    },
    "scheduled_texts": {
        "state": "CASE g % 20 WHEN 0 THEN 'waiting' WHEN 1 THEN 'held' ELSE 'sent' END",
        "send_at": "now() + interval '1 hour'",
    },
    "conversations": {
        "state": "CASE WHEN g % 20 = 0 THEN 'snoozed' ELSE 'open' END",
        "snoozed_until": _LATER,
    },
    "message_media": {
        "state": "CASE WHEN g % 20 = 0 THEN 'waiting' ELSE 'stored' END",
        "next_attempt_at": _LATER,
    },
    "discarded_files": {"due_at": "now() + interval '1 hour'"},
    "carrier_events": {"event_key": "g::text", "next_attempt_at": _LATER},
    "unread_posts": {
        "event_key": "g::text",
        "decision": "CASE WHEN g % 20 = 0 THEN 'read' ELSE 'open' END",
        "decided_at": "CASE WHEN g % 20 = 0 THEN now() END",
    },
    "campaigns": {"state": "'draft'", "wake_at": _LATER},
    "imports": {
        "state": "CASE WHEN g % 20 = 0 THEN 'checking' ELSE 'done' END",
        "touched_at": "now() + interval '1 hour'",
        "file_key": "CASE WHEN g % 20 = 1 THEN 'x' ELSE '' END",
        "expires_at": "now() + interval '1 hour'",
        "finished_at": "CASE WHEN g % 20 > 0 THEN now() END",
    },
    "seal_checks": {"state": "'intact'"},
    "seals": {"day": "CURRENT_DATE - 1 - (g / t.n)::int", "version": "1"},
    "retention_runs": {"state": "'done'"},
    "for_me": {
        "kind": "'mention'",
        "created_at": "now() + interval '1 hour'",
        "told_at": "CASE WHEN g % 20 > 0 THEN now() END",
        "mailed_at": "CASE WHEN g % 20 > 0 THEN now() END",
    },
    "alert_choices": {"waiting_from": _LATER, "waiting_next": _LATER},
    "push_subscriptions": {},
    "push_notices": {"kind": "'test'", "next_attempt_at": "now() + interval '1 hour'"},
    "sign_in_sessions": {"method": "'password'"},
    "idempotency_keys": {"key": "g::text"},
    "opt_out_changes": {"status": "'opted_in'", "source": "'api'"},
}
_COLUMNS = """
SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL
  AND is_identity = 'NO'
"""
_SUPERUSER = "SUPERUSER_URL"


@contextmanager
def own_database(app: Flask) -> Iterator[tuple[psycopg.Connection[Any], Flask]]:
    """A fresh database: its superuser, whom no trigger or key holds up, and the application on it."""
    name = f"crowd_{uuid.uuid4().hex[:8]}"

    def there(url: str) -> str:
        return str(app.config[url]).replace("/postgres?", f"/{name}?")

    with psycopg.connect(_plain(app.config[_SUPERUSER]), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER cadence_owner").format(sql.Identifier(name)))
        with psycopg.connect(_plain(there(_SUPERUSER)), autocommit=True) as superuser:
            superuser.execute("GRANT CREATE, USAGE ON SCHEMA public TO cadence_owner WITH GRANT OPTION")
            superuser.execute(
                sql.SQL("GRANT TEMPORARY ON DATABASE {} TO cadence_app").format(sql.Identifier(name))
            )
            urls = {url: there(url) for url in ("SQLALCHEMY_DATABASE_URI", "DATABASE_OWNER_URL")}
            crowd = create_app(dict(app.config) | urls)
            with crowd.app_context():
                upgrade(directory=str(ROOT / "migrations"))
            superuser.execute("SET session_replication_role = replica")
            yield superuser, crowd
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def add_tenants(superuser: psycopg.Connection[Any], count: int) -> None:
    """Sealed up to yesterday, so that nothing of theirs is due."""
    superuser.execute(
        "WITH made AS (INSERT INTO tenants"
        " (name, navigation, time_zone, keyword_policy, possible_opt_out_policy)"
        " SELECT 'T' || gen_random_uuid(), 'teams', 'UTC', 'team', 'hold' FROM generate_series(1, %s)"
        " RETURNING id)"
        " INSERT INTO seals (tenant_id, day, version, rows, rows_digest, digest)"
        " SELECT id, (now() AT TIME ZONE 'UTC')::date - 1, 1, 0, '', '' FROM made",
        [count],
    )


def fill(superuser: psycopg.Connection[Any], table: str, of_each: int) -> None:
    """Adds so many rows for each tenant."""
    rows = superuser.execute(_COLUMNS, [table]).fetchall()
    values = {name: _USUAL[kind] for name, kind in rows} | TABLES[table] | {"tenant_id": "t.id"}
    names = ", ".join(values)
    superuser.execute(
        f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())}"
        " FROM (SELECT id, row_number() OVER () AS at, count(*) OVER () AS n FROM tenants) t,"
        f" LATERAL (SELECT t.at + i * t.n AS g FROM generate_series(1, {of_each}) i) AS rows"
        " ON CONFLICT DO NOTHING"
    )


def _plain(url: str) -> str:
    return str(url).replace("+psycopg", "")
