"""The desk with thousands of conversations: a page reads what it shows, and asks no more than a small one."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, select, text

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging import desk, desk_first
from cadence_app.messaging.desk_which import Only, Which
from cadence_app.messaging.models import Conversation
from tests.statements import statements
from tests.world import World

_MANY = 6_000
_PEOPLE = """
INSERT INTO contacts (tenant_id, first_name, last_name, external_id, number)
SELECT :tenant, 'First', 'Last', 'V' || n, '+1999' || (:tenant % 900 * 10000 + n)
FROM generate_series(1, :many) n
"""
_TALKS = """
INSERT INTO conversations (tenant_id, inbox_id, contact_id, last_message_at, last_message_text, unread,
    listed_at, state, waiting_since)
SELECT c.tenant_id, boxes.ids[1 + c.id % cardinality(boxes.ids)], c.id, now(), 'x', (c.id % 7 = 0)::int,
    now() - c.id % 1000 * interval '1 minute', CASE WHEN c.id % 2 = 0 THEN 'done' ELSE 'open' END,
    CASE WHEN c.id % 2 = 1 AND c.id % 3 = 0 THEN now() END
FROM contacts c, (SELECT array_agg(i.id) AS ids FROM inboxes i WHERE i.tenant_id = :tenant
    AND i.number = ANY (:numbers)) AS boxes
WHERE c.tenant_id = :tenant AND c.external_id LIKE 'V%'
"""
_TEXTS = """
INSERT INTO messages (tenant_id, conversation_id, inbox_id, direction, kind, body, state, detail)
SELECT tenant_id, id, inbox_id, 'inbound', 'person', 'x', 'received', '' FROM conversations
WHERE tenant_id = :tenant
"""


@pytest.fixture
def many(world: World) -> World:
    engine = create_engine(world.app.config["SUPERUSER_URL"])
    values = {
        "tenant": world.tenant_id,
        "many": _MANY,
        "numbers": [world.shared, world.personal, world.toll_free],
    }
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in (_PEOPLE, _TALKS, _TEXTS):
            query = text(statement)
            connection.execute(query, {name: values[name] for name in query.compile().params})
        connection.execute(text("ANALYZE contacts, conversations, messages"))
    engine.dispose()
    return world


@pytest.mark.parametrize("only", [Only.WAITING, Only.UNASSIGNED, Only.ALL, Only.UNREAD, Only.DONE])
def test_a_long_tab_shows_the_same_inbox_by_inbox_as_read_whole(many: World, only: Only) -> None:
    with many.session():
        user = db.session.get_one(User, many.agent_id)
        which = Which(only=only)
        for page in (1, 3):
            rows = [row.conversation.id for row in desk.conversations(user, which, page).rows]
            whole = desk._narrowed(desk._joined(select(Conversation.id), user), user, which, None)
            ordered = whole.order_by(*desk._order(which)(Conversation))
            assert rows == list(db.session.scalars(ordered.limit(50).offset((page - 1) * 50)))
        total = len(list(db.session.scalars(whole)))
        assert desk.count(user, which, 100_000) == total
        assert desk.count(user, which, 100) == min(100, total)


@pytest.mark.parametrize(
    ("only", "index"), [(Only.WAITING, "waiting"), (Only.DONE, "done"), (Only.UNREAD, "unread")]
)
def test_a_page_of_a_long_tab_comes_out_of_its_index_in_order(many: World, only: Only, index: str) -> None:
    with many.session():
        user = db.session.get_one(User, many.agent_id)
        which = Which(only=only)
        first = desk_first._of_each(user, None, desk._conditions(user, which, None), 51, desk._order(which))
        # So few could as well be sorted; what must be there is the index that a long one comes out of.
        db.session.execute(text("SET LOCAL enable_bitmapscan = off"))
        state = first.compile(db.engine).construct_expanded_state({})
        lines = db.session.connection().exec_driver_sql(
            "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) " + state.statement, dict(state.parameters)
        )
        plan = "\n".join(line for (line,) in lines)
    assert f"Index Scan using ix_conversations_{index}_listed" in plan, plan


def test_a_page_asks_as_much_with_thousands_of_conversations_as_with_one(world: World, many: World) -> None:
    client = world.sign_in("agent")
    path = "/messages/?inbox=&only=done&page=2"
    client.get(path)
    with statements(world) as asked:
        assert client.get(path).status_code == 200
    assert len(asked) <= 24, asked


def test_who_takes_all_of_a_long_list_is_told_up_to_how_many(many: World) -> None:
    page = many.sign_in("agent").get("/messages/?inbox=&only=done").text
    assert "All of this list, up to 5,000" in page
