"""What the upgrade makes of conversations that were there: done, open, waiting, and in which list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
from flask import Flask

from tests.database.fresh import fresh_database

_ROWS = """
INSERT INTO tenants (id, name, navigation, time_zone, keyword_policy, possible_opt_out_policy, created_at)
    VALUES (1, 'First', 'teams', 'UTC', 'team', 'hold', '2026-01-02'),
           (2, 'Second', 'teams', 'UTC', 'team', 'hold', '2026-01-02');
INSERT INTO teams (id, tenant_id, name, code, opt_out_text, opt_in_text, help_text)
    VALUES (1, 1, 'Aid', 'AID', '', '', ''), (2, 2, 'Aid', 'AID', '', '', '');
INSERT INTO inboxes (id, tenant_id, team_id, kind, name, number, provider)
    VALUES (1, 1, 1, 'shared', 'Desk', '+12125550100', 'simulator'),
           (2, 2, 2, 'shared', 'Desk', '+12125550101', 'simulator');
INSERT INTO users (id, tenant_id, email, name, role, password_hash, active)
    VALUES (1, 1, 'theo@college.example', 'Theo', 'agent', 'x', true);
"""
_DAY = timedelta(days=1)


def _conversation(
    to: psycopg.Connection, at: int, texts: list[tuple[str, str, timedelta]], tenant: int = 1
) -> None:
    """One with these texts, each how it went, its words and how long ago."""
    number, now = f"+1212555{2000 + at}", datetime.now(UTC)
    to.execute(
        "INSERT INTO contacts (id, tenant_id, first_name, last_name, external_id, number)"
        " VALUES (%s, %s, '', '', '', %s)",
        (at, tenant, number),
    )
    to.execute(
        "INSERT INTO conversations (id, tenant_id, inbox_id, contact_id, last_message_at, last_message_text,"
        " unread) VALUES (%s, %s, %s, %s, %s, '', 0)",
        (at, tenant, tenant, at, now - texts[-1][2]),
    )
    ways = {
        "in": ("inbound", "person", "received", None, None),
        "own": ("outbound", "person", "delivered", 1, None),
        "failed": ("outbound", "person", "failed", 1, None),
        "campaign": ("outbound", "person", "sent", 1, 1),
        "automatic": ("outbound", "help_reply", "delivered", None, None),
    }
    for way, body, ago in texts:
        direction, kind, state, user_id, campaign_id = ways[way]
        to.execute(
            "INSERT INTO messages (tenant_id, conversation_id, inbox_id, direction, kind, body, state,"
            " detail, user_id, campaign_id, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, '', %s, %s, %s)",
            (tenant, at, tenant, direction, kind, body, state, user_id, campaign_id, now - ago),
        )


def test_quiet_ones_are_done_and_the_others_wait_since_the_first_unanswered_text(
    app: Flask,
) -> None:
    with fresh_database(app) as fresh:
        fresh.upgrade("0054")
        to = fresh.superuser
        to.execute(_ROWS)
        # The campaign itself does not matter.
        to.execute("SET session_replication_role = replica")
        _conversation(to, 1, [("in", "hi", 20 * _DAY)])
        _conversation(to, 2, [("own", "hi", 5 * _DAY), ("in", "one", 4 * _DAY), ("in", "two", 3 * _DAY)])
        _conversation(to, 3, [("in", "one", 4 * _DAY), ("own", "answer", 3 * _DAY)])
        _conversation(to, 4, [("in", "one", 4 * _DAY), ("failed", "answer", 3 * _DAY)])
        _conversation(to, 5, [("in", "HELP", 4 * _DAY), ("automatic", "Help", 4 * _DAY)])
        _conversation(to, 6, [("own", "Open at nine", 4 * _DAY), ("in", "Liked “Open at nine”", 3 * _DAY)])
        _conversation(to, 7, [("automatic", "Help", 2 * _DAY)])
        _conversation(to, 8, [("in", "take me off this list", 30 * _DAY)])
        to.execute(
            "INSERT INTO possible_opt_outs (tenant_id, contact_id, team_id, words, phrases, numbers,"
            " message_ids, received_at, said_at, due_on, decision)"
            " VALUES (1, 8, 1, 'x', '', '{}', '{}', now(), now(), now(), 'open')"
        )
        _conversation(to, 10, [("campaign", "News", 1 * _DAY)])
        _conversation(to, 11, [("in", "where?", 2 * _DAY), ("campaign", "News", 1 * _DAY)])
        _conversation(to, 9, [("in", "hi", 1 * _DAY)], tenant=2)
        fresh.upgrade()
        found = {
            row[0]: row[1:]
            for row in to.execute(
                "SELECT id, state, listed_at IS NOT NULL, extract(day FROM now() - waiting_since)::int"
                " FROM conversations"
            )
        }
        told = to.execute("SELECT id, quiet_done_at IS NOT NULL FROM tenants ORDER BY id").fetchall()
        needs = to.execute("SELECT body FROM messages WHERE needs_reply ORDER BY id").fetchall()
    assert found == {
        1: ("done", True, None),
        2: ("open", True, 4),
        3: ("open", True, None),
        4: ("open", True, 4),
        5: ("open", True, None),
        6: ("open", True, None),
        7: ("done", False, None),
        8: ("open", True, 30),
        9: ("open", True, 1),
        10: ("done", False, None),
        11: ("open", True, 2),
    }
    assert told == [(1, True), (2, False)]
    assert [row[0] for row in needs] == ["one", "two", "one", "take me off this list", "where?", "hi"]
