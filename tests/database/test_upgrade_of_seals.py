"""Seals from before there was evidence stay as they were, and the chain goes on from them."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import psycopg
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, select

from cadence_app.consent import seals
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.consent.seal_models import Seal
from cadence_app.consent.verifying import verify
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant
from tests.conftest import ROOT
from tests.consent.history import noon
from tests.database.fresh import fresh_database

_FIRST = date(2026, 1, 2)
_ROWS = """
INSERT INTO tenants (id, name, navigation, time_zone, keyword_policy, possible_opt_out_policy, created_at)
    VALUES (1, 'First', 'teams', 'UTC', 'team', 'hold', '2026-01-02');
INSERT INTO teams (id, tenant_id, name, code, opt_out_text, opt_in_text, help_text)
    VALUES (1, 1, 'Aid', 'AID', '', '', '');
INSERT INTO contacts (id, tenant_id, first_name, last_name, external_id, number)
    VALUES (1, 1, 'Maya', 'Chen', '', '+12125550111');
INSERT INTO opt_out_changes (id, tenant_id, contact_id, team_id, status, changed_at, source, first_name,
    last_name, external_id, number, team_code, user_name, words, reason) VALUES
    (1, 1, 1, 1, 'opted_out', '2026-01-02', 'keyword', 'Maya', 'Chen', '', '+12125550111', 'AID', '', '', '');
INSERT INTO consents (contact_id, team_id, tenant_id, status, since, change_id)
    VALUES (1, 1, 1, 'opted_out', '2026-01-02', 1);
"""


def _seal(superuser: psycopg.Connection, day: date, previous: bytes | None) -> bytes:
    """Seals a day of the first tenant as version 1 of docs/proof.md says, with nothing of Cadence."""
    keep = (
        "INSERT INTO sealed_changes (change_id, tenant_id, day, digest) SELECT id, 1, %s, change_digest(c)"
        " FROM opt_out_changes c WHERE tenant_id = 1 AND history_day(changed_at) = %s RETURNING digest"
    )
    rows = [row[0] for row in superuser.execute(keep, (day, day)).fetchall()]
    over = hashlib.sha256(b"".join(rows)).digest()
    linked = f"64:{previous.hex()}," if previous else "-,"
    written = f"cadence-seal-1 1:1,10:{day},1:{len(rows)},64:{over.hex()},{linked}"
    digest = hashlib.sha256(written.encode()).digest()
    superuser.execute(
        "INSERT INTO seals (tenant_id, day, version, rows, rows_digest, previous_digest, digest)"
        " VALUES (1, %s, 1, %s, %s, %s, %s)",
        (day, len(rows), over, previous, digest),
    )
    return digest


def test_old_seals_stay_valid_and_the_chain_goes_on_with_evidence(app: Flask) -> None:
    with fresh_database(app) as fresh:
        with fresh.app.app_context():
            upgrade(directory=str(ROOT / "migrations"), revision="0052")
        fresh.superuser.execute(_ROWS)
        kept = _seal(fresh.superuser, _FIRST + timedelta(days=1), _seal(fresh.superuser, _FIRST, None))
        fresh.upgrade()
        with fresh.app.app_context():
            use_tenant(1)
            outcome = verify()
            assert (outcome.intact, outcome.days, outcome.rows, outcome.evidence) == (True, 2, 1, 0)
            assert outcome.last_digest == kept
            row = {
                **{"tenant_id": 1, "contact_id": 1, "team_id": 1, "recorded_at": noon(1)},
                **{"method": Method.PAPER, "way": Way.RECORD, "words": "", "page_url": "", "ip": ""},
                **{"number": "+12125550111", "collected_by": "", "user_name": "Here", "origin": ""},
            }
            db.session.execute(insert(Evidence), [row])
            db.session.commit()
            seals.seal_closed_days()
            outcome = verify()
            assert (outcome.intact, outcome.evidence) == (True, 1), outcome.problem
            versions = db.session.scalars(select(Seal.version).order_by(Seal.day)).all()
            assert (set(versions[:-1]), versions[-1]) == ({1}, 3)
            assert seals.seal_with_digest(kept.hex())
            db.session.remove()
