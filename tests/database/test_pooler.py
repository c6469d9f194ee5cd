"""Behind a pooler that gives each transaction another connection, and drops what its start-up asks for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from cadence_app import create_app
from cadence_app.consent.models import Source, Status
from cadence_app.database_roles import EMBEDDED_LOGIN
from cadence_app.extensions import db
from cadence_app.work.leases import held
from config import database_url
from tests.contacts.importing import csv_of
from tests.contacts.importing import run as run_import
from tests.pooler import FEW, pooling
from tests.reports.exporting import ask_for, change, export_row, run
from tests.world import World, make_world, new_number


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "options ignored"])
def pooler(request: pytest.FixtureRequest, app: Flask) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="cadence-pooler-") as folder:
        Path(folder).chmod(0o755)
        url = str(app.config["SUPERUSER_URL"]).replace("+psycopg", "")
        with pooling(url, Path(folder), EMBEDDED_LOGIN, request.param) as pooler:
            yield f"{pooler}/postgres"


@pytest.fixture
def worlds(app: Flask, pooler: str) -> Iterator[list[World]]:
    """Two tenants whose application reaches the database through the pooler."""
    settings = dict(app.config) | {"SQLALCHEMY_DATABASE_URI": database_url(pooler)}
    pooled = create_app(settings)
    yield [replace(make_world(app, "teams"), app=pooled) for _ in range(2)]
    with pooled.app_context():
        db.engine.dispose()


def test_tenants_who_take_turns_on_a_connection_see_their_own_rows_alone(worlds: list[World]) -> None:
    names = {world.tenant_id: {world.add_contact(first_name=f"Of {world.name}")} for world in worlds}

    def look(turn: int) -> bool:
        world = worlds[turn % 2]
        with world.session() if turn % 5 else world.app.app_context():
            seen = set(db.session.scalars(text("SELECT id FROM contacts")))
            if turn % 3:
                db.session.rollback()
                seen |= set(db.session.scalars(text("SELECT id FROM contacts")))
            pid: int = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
            pids.add(pid)
            return seen == (names[world.tenant_id] if turn % 5 else set())

    pids: set[int] = set()
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(look, range(200)))
    assert len(pids) <= FEW


def test_an_export_counts_its_own_tenants_rows_alone(worlds: list[World]) -> None:
    for world, changes in zip(worlds, (1, 3), strict=True):
        for _ in range(changes):
            change(world, world.add_contact(), Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    exports = [(world, ask_for(world)) for world in worlds]
    for world, export_id in exports:
        run(world, export_id)
    assert [export_row(world, export_id).rows_total for world, export_id in exports] == [1, 3]
    assert [export_row(world, export_id).state for world, export_id in exports] == ["sent", "sent"]


def test_signing_in_texts_and_imports_work(worlds: list[World]) -> None:
    world = worlds[0]
    number = new_number()
    assert world.sign_in("admin").get("/contacts/").status_code == 200
    world.text(number, "STOP")
    assert world.status(world.contact_id(number)) == "opted_out"
    done = run_import(world, csv_of(("Ann", "Lee", "7", new_number(), "ADM", "no")))
    assert done.rows_new == 1


def test_only_one_worker_has_the_work(worlds: list[World]) -> None:
    with worlds[0].session(), held("walk") as mine:
        assert mine
        for _ in range(5):
            db.session.execute(text("SELECT 1"))
            db.session.rollback()
            with held("walk") as second:
                assert second is None


def test_a_transaction_without_the_role_is_refused(pooler: str, worlds: list[World]) -> None:
    worlds[0].add_contact()
    with psycopg.connect(pooler, autocommit=True) as connection:
        for statement in ("SELECT 1 FROM contacts", "SELECT 1 FROM users", "DELETE FROM contacts"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_role_in_the_start_up_packet_is_refused_or_comes_to_nothing(pooler: str) -> None:
    """How isolation went off in silence: it was the pooler's to drop."""
    try:
        connection = psycopg.connect(pooler, options="-c role=cadence_app", autocommit=True)
    except psycopg.OperationalError as error:
        refusal = str(error)
        assert "options" in refusal
        return
    with connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT count(*) FROM contacts")
