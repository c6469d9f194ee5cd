"""What migrations are written with, as the tables' owner who is no superuser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from cadence_app.extensions import db
from migrations import due, tenants
from tests.world import World, make_world


@pytest.fixture
def migration(world: World) -> Iterator[Connection]:
    """A transaction of the owner in which migrations/tenants.py works; it is rolled back."""
    owner = db.create_engine(world.app.config["DATABASE_OWNER_URL"])
    with owner.connect() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            yield connection
        connection.rollback()
    owner.dispose()


def _forced(connection: Connection) -> int | None:
    found: int | None = connection.scalar(text("SELECT count(*) FROM pg_class WHERE relforcerowsecurity"))
    return found


def test_a_plain_change_finds_no_row_and_one_for_all_tenants_finds_them_all(
    world: World, migration: Connection
) -> None:
    other = make_world(world.app, "teams")
    ids = [world.add_contact(), other.add_contact()]
    change = f"UPDATE contacts SET last_name = 'Now' WHERE id IN ({ids[0]}, {ids[1]})"
    assert migration.execute(text(change)).rowcount == 0
    forced = _forced(migration)
    count = f"SELECT count(*) FROM contacts WHERE id IN ({ids[0]}, {ids[1]})"
    assert tenants.for_all_tenants(change, count) == 2
    assert _forced(migration) == forced
    assert migration.scalar(text(count)) == 0


def test_a_change_of_fewer_rows_than_there_are_is_refused(world: World, migration: Connection) -> None:
    world.add_contact()
    with pytest.raises(RuntimeError, match="0 rows were changed where"):
        tenants.for_all_tenants(
            "UPDATE contacts SET last_name = '' WHERE false", "SELECT count(*) FROM contacts"
        )


def test_a_new_table_is_closed_and_its_keys_carry_the_tenant(world: World, migration: Connection) -> None:
    migration.execute(
        text(
            "CREATE TABLE pets (id bigint PRIMARY KEY, tenant_id bigint NOT NULL REFERENCES tenants,"
            " contact_id bigint REFERENCES contacts ON DELETE SET NULL DEFERRABLE)"
        )
    )
    tenants.protect("pets", "SELECT, INSERT")
    keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
    assert sorted(migration.scalars(text(f"{keys} AND conrelid = 'pets'::regclass"))) == [
        "FOREIGN KEY (tenant_id) REFERENCES tenants(id)",
        "FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts(tenant_id, id)"
        " ON DELETE SET NULL (contact_id) DEFERRABLE",
    ]
    forced = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = 'pets'::regclass"
    assert migration.scalar(text(forced))
    rights = "SELECT has_table_privilege('cadence_app', 'pets', :right)"
    found = [migration.scalar(text(rights), {"right": right}) for right in ("SELECT", "INSERT", "DELETE")]
    assert found == [True, True, False]
    policies = "SELECT policyname FROM pg_policies WHERE tablename = 'pets' ORDER BY 1"
    assert migration.scalars(text(policies)).all() == ["backup", "tenant"]


def test_a_new_look_up_reads_every_tenants_columns_that_it_was_given(
    world: World, migration: Connection
) -> None:
    team_of = (
        "CREATE FUNCTION team_of(team bigint) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER"
        " SET search_path = pg_catalog, public, pg_temp AS 'SELECT tenant_id FROM teams WHERE id = team'"
    )
    migration.execute(text(team_of))
    find = text("SELECT team_of(:team)")
    assert migration.scalar(find, {"team": world.team_id}) is None
    tenants.give_to_lookup("team_of(bigint)", {"teams": "tenant_id, id"})
    assert migration.scalar(find, {"team": world.team_id}) == world.tenant_id


def _made_media(name: str) -> None:
    waiting = "w.next_attempt_at IS NOT NULL"
    due.make_due_rows(name, "message_media", {}, waiting=waiting, due_at="w.next_attempt_at")


def _made_later_texts(name: str) -> None:
    parts = ["w.state = 'waiting'", "w.state = 'held'"]
    due.make_due_in_parts(name, "scheduled_texts", {}, parts=parts, due_at="w.send_at")


def _made_standing(name: str) -> None:
    due.make_due(name, "SELECT t, t FROM tenants_with_standing_due() t ORDER BY random() LIMIT at_most", {})


def _made_monthly(name: str) -> None:
    due.make_due_tenants(
        name,
        {},
        due="""t.retention_monthly
    AND NOT EXISTS (SELECT FROM retention_runs r WHERE r.tenant_id = t.id
        AND r.state IN ('counting', 'ready', 'waiting', 'removing'))
    AND NOT EXISTS (SELECT FROM retention_runs r WHERE r.tenant_id = t.id
        AND r.automatic AND r.requested_at >= first_of_month(t.time_zone))""",
    )


def _made_logs(name: str) -> None:
    ended = due.rows("webhook_deliveries", waiting="w.state <> 'pending'", due_at="w.finished_at")
    left = due.rows(
        "webhook_endpoints",
        waiting="w.deleted_at IS NOT NULL",
        due_at="w.id",
        due="EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = w.id)",
    )
    due.make_due(name, f"({ended}) UNION ALL ({left})", {})


def _made_texts(name: str) -> None:
    lost = due.rows(
        "messages",
        waiting="w.state = 'sending' AND w.campaign_id IS NULL",
        due_at="coalesce(w.next_attempt_at, w.sending_since)",
        due="coalesce(w.next_attempt_at, w.sending_since) <= now() AND w.sending_since <= now() - late",
    )
    due.make_due(name, lost, {})


@pytest.mark.parametrize(
    ("make", "like"),
    [
        (_made_texts, "due_lost_texts"),
        (_made_media, "due_media"),
        (_made_later_texts, "due_later_texts"),
        (_made_standing, "due_standing"),
        (_made_monthly, "due_monthly_retention"),
        (_made_logs, "due_webhook_logs"),
    ],
)
def test_a_query_for_what_is_due_is_made_as_those_that_are_there(
    migration: Connection, make: Callable[[str], None], like: str
) -> None:
    """So that what is measured of the ones holds for the others."""
    make("due_anew")
    rows = migration.execute(
        text(
            "SELECT prosrc, prosecdef, proconfig, pg_get_userbyid(proowner), proacl::text,"
            " pg_get_function_arguments(oid), pg_get_function_result(oid) FROM pg_proc"
            " WHERE proname IN ('due_anew', :like)"
        ),
        {"like": like},
    ).all()
    assert len(rows) == 2
    assert rows[0] == rows[1]
