"""The tokens of an older Cadence get an owner and a last day, and those whose maker left are seen to."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask_migrate import upgrade

from cadence_app.database_roles import EMBEDDED_OWNER, hand_over
from cadence_app.work.due import find
from tests.conftest import ROOT
from tests.database.older import old_database

_ROWS = """
INSERT INTO tenants (id, name, navigation, time_zone, keyword_policy, possible_opt_out_policy) VALUES
    (1, 'First', 'teams', 'UTC', 'team', 'hold'), (2, 'Second', 'legacy', 'UTC', 'team', 'hold'),
    (3, 'Third', 'legacy', 'UTC', 'team', 'hold');
INSERT INTO users (id, tenant_id, email, name, password_hash, role, active) VALUES
    (1, 1, 'ana@first.example', 'Ana', '', 'admin', true),
    (2, 2, 'ben@second.example', 'Ben', '', 'agent', true),
    (3, 3, 'cleo@third.example', 'Cleo', '', 'admin', true);
INSERT INTO api_tokens (id, tenant_id, name, key, secret_hash, scopes, created_by_id, expires_at, revoked_at)
VALUES
    (1, 1, 'Endless', 'a', '', '{}', 1, NULL, NULL),
    (2, 1, 'Far away', 'b', '', '{}', 1, '8999-01-01', NULL),
    (3, 2, 'Of somebody demoted', 'c', '', '{}', 2, now() + interval '10 days', NULL),
    (4, 1, 'Expired', 'd', '', '{}', 1, now() - interval '1 day', NULL),
    (5, 1, 'Ended', 'e', '', '{}', 1, NULL, now()),
    (6, 3, 'Of an admin', 'f', '', '{}', 3, NULL, NULL);
"""


def test_tokens_of_an_older_cadence_end_within_a_year_and_lose_no_owner(app: Flask) -> None:
    with old_database(app) as (superuser, _, application):
        superuser.execute(_ROWS)
        with superuser.transaction():
            hand_over(superuser, EMBEDDED_OWNER)
        with application.app_context():
            upgrade(directory=str(ROOT / "migrations"))
            due = [each.tenant_id for each in find("due_standing", timedelta(), 1, 100)]
        rows = {
            row[0]: row[1:]
            for row in superuser.execute(
                "SELECT id, owner_id = created_by_id, expires_at - now(), expires_at - next_notice_at,"
                " end_reason FROM api_tokens"
            )
        }
        assert all(row[0] for row in rows.values())
        year, notice = timedelta(days=364), timedelta(days=30)
        for token_id in (1, 2, 5, 6):
            assert year < rows[token_id][1] < year + timedelta(days=3)
        assert timedelta(days=9) < rows[3][1] < timedelta(days=10)
        assert [rows[each][2] for each in (1, 2, 3, 4, 5)] == [notice, notice, notice, None, None]
        assert [rows[each][3] for each in (4, 5)] == ["", "ended"]
        # Whose maker is an agent by now is found without anybody changing them again.
        assert due == [2]
