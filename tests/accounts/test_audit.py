"""The audit log keeps what was changed and lets nobody change it."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from cadence_app.accounts import audit
from cadence_app.accounts.models import AuditEntry, User
from cadence_app.extensions import db
from tests.world import World


def test_an_entry_says_who_did_what_and_only_the_fields_that_changed(world: World) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        audit.record(admin, "team.renamed", "Admissions", name=("A", "B"), code=("ADM", "ADM"))
        audit.record(None, "policy.changed", "Keyword policy", begins=(None, date(2027, 1, 31)))
        db.session.commit()
        renamed, policy = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert (renamed.user_name, renamed.changes) == (admin.name, {"name": ["A", "B"]})
        assert (policy.user_name, policy.changes) == (audit.OPERATOR, {"begins": [None, "2027-01-31"]})


@pytest.mark.parametrize("change", ["UPDATE audit_entries SET subject = 'x'", "DELETE FROM audit_entries"])
def test_the_audit_log_can_not_be_rewritten(world: World, change: str) -> None:
    with world.session():
        audit.record(None, "team.made", "Admissions")
        db.session.commit()
        with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
            db.session.execute(text(change))
        db.session.rollback()


def test_an_entry_of_another_tenant_is_not_seen(world: World, legacy_world: World) -> None:
    with world.session():
        audit.record(None, "team.made", "Admissions")
        db.session.commit()
    with legacy_world.session():
        assert db.session.scalars(select(AuditEntry)).all() == []


def test_settings_are_for_admins(world: World) -> None:
    assert "API tokens" in world.sign_in("admin").get("/settings/").text
    agent = world.sign_in("agent")
    assert agent.get("/settings/").status_code == 403
    assert 'href="/settings/"' not in agent.get("/messages/").text
