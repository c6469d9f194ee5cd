"""A backup that is restored has history and evidence as they were, proven, and goes on from there."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

from cadence_app import create_app, embedded
from cadence_app.accounts.models import User
from cadence_app.consent import evidence, seals
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Evidence, Method, RetiredEvidence, Way
from cadence_app.consent.verifying import verify
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant
from tests.consent.history import agree, check, flip, seal
from tests.records.people import erase
from tests.retention.old_contacts import keep_for_a_year, old_contact, remove_all
from tests.world import World


@pytest.fixture
def backup_login(world: World) -> Iterator[str]:
    """The URL of a login that may take the role of backups and nothing else."""
    url = str(world.app.config["SUPERUSER_URL"]).replace("+psycopg", "")
    name = f"nightly_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE {name} LOGIN NOINHERIT")
        superuser.execute(f"GRANT cadence_backup TO {name}")
        yield url.replace("://postgres:", f"://{name}:")
        superuser.execute(f"DROP ROLE {name}")


@pytest.fixture
def empty_database(app: Flask) -> Iterator[str]:
    name = f"restored_{uuid.uuid4().hex[:8]}"
    url = str(app.config["SUPERUSER_URL"]).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {name}")
        yield name
        superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_evidence_comes_back_from_a_backup_with_its_seals_and_is_sealed_on(
    world: World, backup_login: str, empty_database: str
) -> None:
    erased, kept, removed = world.add_contact(), world.add_contact(), old_contact(world)
    flip(world, erased, 5, 3)
    agree(world, erased, 4, 3)
    agree(world, kept, 3, 1, 0)
    agree(world, removed, 400)
    keep_for_a_year(world)
    erase(world, erased)
    assert remove_all(world).state == "done"
    seal(world)
    before = check(world)
    assert before.intact, before.problem
    tools = [str(embedded.postgres_tool(name)) for name in ("pg_dump", "psql")]
    backup = [tools[0], "--role=cadence_backup", "--enable-row-security", "--schema=public", backup_login]
    dump = subprocess.run(backup, capture_output=True, text=True, check=True, env=os.environ).stdout
    there = {
        name: str(world.app.config[name]).replace("/postgres?", f"/{empty_database}?")
        for name in ("SUPERUSER_URL", "SQLALCHEMY_DATABASE_URI", "DATABASE_OWNER_URL")
    }
    psql = [tools[1], "--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", "-c", "DROP SCHEMA public", "-f", "-"]
    url = there["SUPERUSER_URL"].replace("+psycopg", "")
    subprocess.run([*psql, url], input=dump, capture_output=True, text=True, check=True)
    restored = create_app(dict(world.app.config) | there)
    with restored.app_context():
        use_tenant(world.tenant_id)
        assert verify() == before
        assert before.evidence == 5
        assert len(db.session.scalars(select(Evidence)).all()) == 5
        assert {each.how for each in db.session.scalars(select(RetiredEvidence))} == {"erased", "purged"}
        agent = db.session.get_one(User, world.agent_id)
        evidence.record([(kept, world.team_id)], Given(Method.PAPER), Way.RECORD, agent)
        db.session.commit()
        assert seals.open_days()[0].evidence == 2
        with pytest.raises(Exception, match="permission denied"):
            db.session.execute(text("UPDATE consent_evidence SET words = ''"))
        db.session.remove()
        db.engine.dispose()
