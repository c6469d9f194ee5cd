"""How search is carried out at some volume: by its indexes, under row-level security."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import text

from cadence_app.accounts.models import User
from cadence_app.contacts import searching
from cadence_app.extensions import db
from cadence_app.messaging import finding
from tests.world import World, make_world, new_number

_TEXTS = 20_000
_PEOPLE = 5_000
# So many of them have it.
_RARE = 20


@pytest.fixture(scope="module")
def volume(app: Flask) -> Iterator[World]:
    """An organization with two years of texts, written by as few statements as may be, as a backup is."""
    world = make_world(app, "teams")
    conversation_id = world.text(new_number(), "hello").conversation_id
    engine = db.create_engine(app.config["SUPERUSER_URL"])
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL cadence.tenant_id = '{world.tenant_id}'"))
        # The words are what this is about; keys and other triggers have their own tests.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(
                "INSERT INTO messages (tenant_id, conversation_id, inbox_id, direction, kind, body, state,"
                " detail, created_at) SELECT c.tenant_id, c.id, c.inbox_id, 'inbound', 'person',"
                " CASE WHEN n % :every = 0 THEN 'a walrus' ELSE 'about form ' || n END, 'received', '',"
                " now() - n * interval '50 minutes'"
                " FROM conversations c, generate_series(1, :many) n WHERE c.id = :id"
            ),
            {"many": _TEXTS, "every": _TEXTS // _RARE, "id": conversation_id},
        )
        connection.execute(
            text(
                "INSERT INTO message_words (message_id, tenant_id, conversation_id, at, words)"
                " SELECT m.id, m.tenant_id, m.conversation_id, m.created_at,"
                " said_at(m.tenant_id, m.inbox_id, m.created_at, m.body) FROM messages m"
                " WHERE m.conversation_id = :id AND m.body <> 'hello'"
            ),
            {"id": conversation_id},
        )
        connection.execute(
            text(
                "INSERT INTO contacts (tenant_id, first_name, last_name, external_id, number)"
                " SELECT :tenant, 'First' || n % 50, 'Last' || n, '', '+1646' || 3000000 + n"
                " FROM generate_series(1, :many) n"
            ),
            {"tenant": world.tenant_id, "many": _PEOPLE},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("messages", "message_words", "contacts"):
            connection.execute(text(f"ANALYZE {table}"))
    yield world
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in ("message_words", "messages", "contacts"):
            connection.execute(
                text(f"DELETE FROM {table} WHERE tenant_id = :id"),
                {"id": world.tenant_id},
            )
    engine.dispose()


_READ = text(
    "SELECT relname, seq_scan, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('messages', 'message_words', 'note_words', 'contacts', 'contact_numbers')"
)


@contextmanager
def _reading() -> Iterator[dict[str, tuple[int, int]]]:
    """How often each table is gone through meanwhile, and how many of its rows are read."""
    read: dict[str, tuple[int, int]] = {}
    before = {name: (scans, rows) for name, scans, rows in db.session.execute(_READ)}
    yield read
    for name, scans, rows in db.session.execute(_READ):
        read[name] = (scans - before[name][0], rows - before[name][1])


@pytest.mark.parametrize(
    ("search", "most_read"), [("walrus", 3 * _RARE), ("form", 3 * finding.MOST), ("absent", 4)]
)
def test_a_search_reads_the_texts_that_it_finds_and_no_others(
    volume: World, search: str, most_read: int
) -> None:
    with volume.session():
        user = db.session.get_one(User, volume.agent_id)
        with _reading() as read:
            found = finding.find(user, search, None, None)
        assert found.more == (search == "form")
    assert read["message_words"][0] == 0
    assert read["message_words"][1] <= most_read
    assert read["messages"] == (0, 0)


@pytest.mark.parametrize(
    ("search", "some"), [("Last4321", 1), ("first7 last7", 1), ("3004321", 0), ("zz", 0)]
)
def test_people_are_found_without_going_through_them(volume: World, search: str, some: int) -> None:
    with volume.session(), _reading() as read:
        found = searching.matching_ids(search, 100)
    assert len(found) >= some
    assert read["contacts"][0] == read["contact_numbers"][0] == 0
    assert read["contacts"][1] <= 200


def test_the_words_go_with_a_text_that_is_emptied_by_whoever_sees_every_tenant(world: World) -> None:
    received = world.text(new_number(), "a bassoon")
    agent = world.sign_in("agent")
    agent.post(f"/messages/conversations/{received.conversation_id}/notes", {"note": "Plays the bassoon"})
    engine = db.create_engine(world.app.config["SUPERUSER_URL"])
    with engine.begin() as everything:
        for table in ("messages", "notes"):
            everything.execute(
                text(f"UPDATE {table} SET body = '' WHERE conversation_id = :id"),
                {"id": received.conversation_id},
            )
        assert everything.scalar(text("SELECT current_setting('cadence.tenant_id', true)")) in (None, "")
        for table in ("message_words", "note_words"):
            left = text(f"SELECT count(*) FROM {table} WHERE conversation_id = :id")
            assert everything.scalar(left, {"id": received.conversation_id}) == 0
    engine.dispose()
