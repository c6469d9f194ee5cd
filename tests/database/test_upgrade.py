"""A database of an older Cadence, whose owner and login were one superuser, becomes one of today's."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from cadence_app.accounts import service as accounts
from cadence_app.database_roles import EMBEDDED_OWNER, hand_over
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant
from tests.conftest import ROOT
from tests.database.older import REVISION, old_database

_ROWS = """
INSERT INTO tenants (id, name, navigation, time_zone, keyword_policy, possible_opt_out_policy) VALUES
    (1, 'First', 'teams', 'UTC', 'team', 'hold'), (2, 'Second', 'legacy', 'UTC', 'team', 'hold');
INSERT INTO teams (id, tenant_id, name, code, opt_out_text, opt_in_text, help_text) VALUES
    (1, 1, 'Aid', 'AID', '', '', ''), (2, 2, 'Aid', 'AID', '', '', '');
INSERT INTO inboxes (id, tenant_id, team_id, kind, name, number, provider) VALUES
    (1, 1, 1, 'shared', 'Desk', '+12125550101', 'simulator'),
    (2, 2, 2, 'shared', 'Desk', '+12125550102', 'simulator');
INSERT INTO users (id, tenant_id, email, name, password_hash, role, active, invited_at) VALUES
    (1, 1, 'here@first.example', 'Here', 'x', 'admin', true, NULL),
    (2, 1, 'sso@first.example', 'By the provider', '', 'agent', true, NULL),
    (3, 1, 'asked@first.example', 'Asked', '', 'agent', true, now()),
    (4, 1, 'revoked@first.example', 'Not asked any more', '', 'agent', false, NULL),
    (5, 2, 'left@second.example', 'Left', 'x', 'agent', false, NULL);
SET cadence.tenant_id = '1';
INSERT INTO contacts (id, tenant_id, first_name, last_name, external_id, number) VALUES
    (1, 1, 'Maya', 'Chen', '', '+12125550111'), (2, 2, 'Noor', 'Haddad', '', '+12125550111');
INSERT INTO conversations (id, tenant_id, inbox_id, contact_id, last_message_at, last_message_text, unread)
    VALUES (1, 1, 1, 1, now(), '', 0), (2, 2, 2, 2, now(), '', 0);
INSERT INTO opt_out_changes (id, tenant_id, contact_id, team_id, status, changed_at, source, first_name,
    last_name, external_id, number, team_code, user_name, words, reason) VALUES
    (1, 1, 1, 1, 'opted_out', '2026-01-02', 'keyword', 'Maya', 'Chen', '', '+12125550111', 'AID', '', '', ''),
    (2, 2, 2, 2, 'opted_in', '2026-01-03', 'toggle', 'Noor', 'Haddad', '', '+12125550111', 'AID', '', '', '');
INSERT INTO consents (contact_id, team_id, tenant_id, status, since, change_id) VALUES
    (1, 1, 1, 'opted_out', '2026-01-02', 1), (2, 2, 2, 'opted_in', '2026-01-03', 2);
"""


def _upgrade(application: Flask) -> None:
    with application.app_context():
        upgrade(directory=str(ROOT / "migrations"))


def test_an_old_database_with_rows_is_upgraded(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with old_database(app) as (superuser, _, application):
        superuser.execute(_ROWS)
        with superuser.transaction():
            hand_over(superuser, EMBEDDED_OWNER)
        # Keys that went by row-level security are found, and named, before they are held to carry the tenant.
        superuser.execute("UPDATE conversations SET contact_id = 2 WHERE id = 1")
        with pytest.raises(SystemExit), caplog.at_level(logging.ERROR):
            _upgrade(application)
        assert "1 rows of conversations point to another tenant's contacts" in caplog.text
        assert superuser.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISION,)]
        superuser.execute("UPDATE conversations SET contact_id = 1 WHERE id = 1")
        _upgrade(application)
        for table in ("contacts", "conversations", "opt_out_changes", "consents", "inboxes"):
            assert superuser.execute(f"SELECT count(*) FROM {table}").fetchone() == (2,)
        with application.app_context():
            assert db.session.execute(text("SELECT tenant_id FROM find_inbox('+12125550102')")).scalar() == 2
            # Who was here has their address; who was only asked has reserved nothing.
            confirmed = superuser.execute("SELECT id FROM users WHERE confirmed_at IS NOT NULL ORDER BY id")
            assert [row[0] for row in confirmed] == [1, 2, 5]
            reserved = "SELECT email FROM users, find_sign_in(email) WHERE user_id = id ORDER BY id"
            assert [row[0] for row in superuser.execute(reserved)] == [
                "here@first.example",
                "sso@first.example",
            ]
            use_tenant(accounts.find_tenant("First").id)
            names = db.session.scalars(text("SELECT first_name FROM contacts")).all()
            assert names == ["Maya"]
            changes = text("SELECT changes_with('haddad', ''), (SELECT count(*) FROM opt_out_changes)")
            assert db.session.execute(changes).all() == []
            db.session.remove()
            db.engine.dispose()


def test_a_superusers_own_upgrade_works_too(app: Flask) -> None:
    with old_database(app) as (superuser, then, _):
        superuser.execute(_ROWS)
        _upgrade(then)
        forced = "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'contacts'::regclass"
        assert superuser.execute(forced).fetchone() == (True,)
