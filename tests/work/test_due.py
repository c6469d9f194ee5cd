"""What is due is found by one query for each kind of work: by an index, and evenly, whoever has how much."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event

from cadence_app.extensions import db
from cadence_app.work import due
from cadence_app.work.sweeps import Sweep, declared, run_sweeps
from tests.work.crowd import TABLES, add_tenants, fill, own_database

_OF_EACH = 40
_SECONDS = timedelta(seconds=15)


@dataclass
class Crowd:
    superuser: psycopg.Connection[Any]
    app: Flask

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The statements that the application sends within."""
        sent: list[str] = []

        def note(connection: object, cursor: object, statement: str, *_: object) -> None:
            sent.append(statement)

        with self.app.app_context():
            event.listen(db.engine, "before_cursor_execute", note)
            yield sent
            event.remove(db.engine, "before_cursor_execute", note)

    def ids(self, statement: str) -> list[int]:
        return [row[0] for row in self.superuser.execute(statement).fetchall()]

    def find(self, name: str, of_each: int, at_most: int) -> list[due.Due]:
        with self.app.app_context():
            return due.find(name, _SECONDS, of_each, at_most)


@pytest.fixture(scope="module")
def crowd(app: Flask) -> Iterator[Crowd]:
    with own_database(app) as (superuser, application):
        yield Crowd(superuser, application)


def test_an_idle_round_asks_as_much_of_one_tenant_as_of_thirty(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sweep, "_is_time", lambda _: True)
    rounds = []
    for tenants in (1, 29):
        add_tenants(crowd.superuser, tenants)
        with crowd.counted() as sent:
            run_sweeps()
        assert [each for each in sent if "due_" not in each and "set_config" not in each]
        rounds.append(len(sent))
    assert rounds[0] == rounds[1]
    assert rounds[0] <= 3 * len(declared())


@pytest.fixture(scope="module")
def full(crowd: Crowd) -> Crowd:
    """300 tenants with some of everything, of which nothing is due."""
    add_tenants(crowd.superuser, 300 - len(crowd.ids("SELECT id FROM tenants")))
    for table in TABLES:
        fill(crowd.superuser, table, _OF_EACH)
    crowd.superuser.execute("ANALYZE")
    return crowd


@pytest.mark.parametrize("sweep", [each for each in declared() if each.query], ids=lambda each: each.name)
def test_what_is_due_is_found_by_an_index(full: Crowd, sweep: Sweep) -> None:
    large = {table for table in TABLES if full.ids(f"SELECT count(*) FROM {table}")[0] > 5_000}
    assert len(large) > 15
    assert _read_whole(full, sweep) & large == set()


def test_nothing_that_is_not_due_is_found(full: Crowd) -> None:
    with full.app.app_context():
        found = {each.name: each._due(10, 100) for each in declared() if each.query}
    assert {name: rows for name, rows in found.items() if rows} == {}


def test_who_has_very_much_is_found_by_the_index_and_hides_nobody(full: Crowd) -> None:
    much, *others = full.ids("SELECT id FROM tenants ORDER BY id LIMIT 4")
    put = (
        "INSERT INTO outgoing_mails (tenant_id, kind, recipient, subject, text, html, headers, problem,"
        " recipient_name, attempts, next_attempt_at)"
        " SELECT {tenant}, 'x', '', '', '', '', '{{}}', '', '', 0,"
        " now() - interval '1 day' + i * interval '1 s'"
        " FROM generate_series(1, {count}) i"
    )
    full.superuser.execute(put.format(tenant=much, count=20_000))
    for tenant in others:
        full.superuser.execute(put.format(tenant=tenant, count=2))
    full.superuser.execute("ANALYZE outgoing_mails")
    # The first of each come first, in whatever order of tenants.
    rows = full.find("due_mails", of_each=5, at_most=6)
    assert sorted(each.tenant_id for each in rows[:4]) == sorted([much, *others])
    assert len({each.id for each in rows}) == 6
    everything = full.find("due_mails", of_each=5, at_most=100)
    assert sorted(each.tenant_id for each in everything) == sorted([much] * 5 + others * 2)
    # The oldest of each.
    oldest = full.ids(
        f"SELECT id FROM outgoing_mails WHERE tenant_id = {much} AND next_attempt_at < now()"
        " ORDER BY next_attempt_at LIMIT 5"
    )
    assert [each.id for each in everything if each.tenant_id == much] == oldest
    sweep = next(each for each in declared() if each.query == "due_mails")
    assert "outgoing_mails" not in _read_whole(full, sweep)


def test_texts_that_are_held_hide_none_whose_time_has_come(full: Crowd) -> None:
    tenant = full.ids("SELECT max(id) FROM tenants")[0]
    put = (
        "INSERT INTO scheduled_texts (tenant_id, conversation_id, user_id, body, state, send_at)"
        f" SELECT {tenant}, 1, 1, '', %s, now() - interval '1 hour' FROM generate_series(1, %s) RETURNING id"
    )
    full.superuser.execute(put, ["held", 30])
    waiting = {row[0] for row in full.superuser.execute(put, ["waiting", 2]).fetchall()}
    found = [each.id for each in full.find("due_later_texts", of_each=20, at_most=4)]
    assert len(found) == 4
    assert waiting < set(found)


def test_inboxes_with_texts_that_are_due_and_a_free_slot_are_found_each_tenants_first(full: Crowd) -> None:
    full.superuser.execute(
        "INSERT INTO inboxes (id, tenant_id, team_id, kind, name, number, provider) OVERRIDING SYSTEM VALUE"
        " SELECT inbox_id, tenant_id, 1, 'shared', 'x', id::text, 'simulator' FROM messages"
        " WHERE state = 'queued' AND campaign_id IS NULL"
    )
    due_in = "UPDATE messages SET next_attempt_at = now() + %s WHERE state = 'queued'"
    tenants = full.ids("SELECT DISTINCT tenant_id FROM inboxes")
    assert len(tenants) > 10

    def found(ahead: int) -> list[int]:
        given = {"ahead": timedelta(seconds=ahead)}
        with full.app.app_context():
            return sorted(each.tenant_id for each in due.find("due_outgoing", timedelta(), 1, 1000, given))

    assert found(1) == []
    full.superuser.execute(due_in, [-timedelta(seconds=1)])
    try:
        assert found(1) == sorted(tenants)
        full.superuser.execute("UPDATE inboxes SET next_text_at = now() + interval '1 minute'")
        assert found(1) == []
        assert found(120) == sorted(tenants)
    finally:
        full.superuser.execute(due_in, [timedelta(hours=1)])


def test_a_sweep_names_a_query_of_what_is_due_and_nothing_else(full: Crowd) -> None:
    with full.app.app_context(), pytest.raises(ValueError, match="no query"):
        due.find("due_mails; DROP TABLE users", _SECONDS, 1, 1)


def _read_whole(crowd: Crowd, sweep: Sweep) -> set[str]:
    """The tables of which the query's plan reads every row."""
    found = crowd.superuser.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [sweep.query]).fetchone()
    assert found
    with crowd.app.app_context():
        late = sweep.late if isinstance(sweep.late, timedelta) else sweep.late()
        given = sweep.given()
    values = {"late": late, "of_each": sweep.of_each, "at_most": sweep.at_most, **given}
    query = re.sub(rf"\b({'|'.join(values)})\b", lambda match: f"%({match[0]})s", found[0])
    with crowd.superuser.transaction():
        crowd.superuser.execute("SET LOCAL ROLE cadence_lookup")
        plan = crowd.superuser.execute(f"EXPLAIN (FORMAT JSON) {query}", values).fetchone()
    assert plan
    return set(re.findall(r'"Seq Scan".*?"Relation Name": "(\w+)"', json.dumps(plan[0])))
