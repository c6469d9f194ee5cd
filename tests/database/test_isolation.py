"""What keeps tenants apart in the database itself, whatever the application asks of it.

The tests go over the catalogue, so that a table or function made later is held to the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from cadence_app.accounts.models import Role
from cadence_app.consent.seals import seal_closed_days
from cadence_app.extensions import db
from cadence_app.work.sweeps import declared
from tests.world import World, make_user, make_world

_TABLES = """
SELECT t.oid::regclass::text FROM pg_class t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') ORDER BY 1
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped
  AND attidentity <> 'a' AND attgenerated = ''
"""
_SAMPLES = {
    "bigint": "9000000{}",
    "integer": "9000000{}",
    "text": "'sample {}'",
    "boolean": "false",
    "date": "date '2026-01-01' + {}",
    "timestamp with time zone": "now()",
    "jsonb": "'{{}}'",
    "tsvector": "''",
    "bytea": "'\\x{:08}'::bytea",
    "double precision": "{}",
}
_places = itertools.count(1)


@pytest.fixture
def superuser(world: World) -> Iterator[Engine]:
    engine = db.create_engine(world.app.config["SUPERUSER_URL"])
    yield engine
    engine.dispose()


@pytest.fixture
def catalogue(superuser: Engine) -> Iterator[Connection]:
    with superuser.connect() as connection:
        yield connection


def _tables(connection: Connection) -> list[str]:
    tables = list(connection.scalars(text(_TABLES)))
    assert "contacts" in tables
    return tables


def _sample(connection: Connection, table: str, tenant_id: int) -> str:
    """An INSERT of a row of a tenant's that means nothing."""
    values = {}
    for name, kind in connection.execute(text(_COLUMNS), {"table": table}):
        sample = "'{{}}'" if kind.endswith("[]") else _SAMPLES[kind]
        values[name] = str(tenant_id) if name == "tenant_id" else sample.format(next(_places))
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())})"


def _act_as(connection: Connection, tenant_id: int) -> None:
    connection.execute(
        text("SELECT set_config('role', 'cadence_app', true), set_config('cadence.tenant_id', :id, true)"),
        {"id": str(tenant_id)},
    )


def _touched(connection: Connection, statement: str) -> int:
    """How many rows a statement found or changed; 0 where the database refused it. It is undone."""
    nested = connection.begin_nested()
    try:
        return connection.execute(text(statement)).rowcount
    except IntegrityError:
        # A tenant can have but one: the policy let it through.
        return 1
    except DBAPIError as error:
        if "row-level security" not in str(error):
            raise
        return 0
    finally:
        nested.rollback()


def test_no_raw_statement_of_one_tenant_touches_a_row_of_another(superuser: Engine, world: World) -> None:
    """With every right on every table, and neither checks, keys nor triggers in the way: by the policies
    alone."""
    mine, theirs = world.tenant_id, make_world(world.app, "teams").tenant_id
    with superuser.connect() as connection:
        tables = _tables(connection)
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        checks = "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
        for table, name in connection.execute(text(checks)).all():
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        connection.execute(text("GRANT ALL ON ALL TABLES IN SCHEMA public TO cadence_app"))
        inserts = {table: _sample(connection, table, theirs) for table in tables}
        for insert in inserts.values():
            connection.execute(text(insert))
        again = {table: _sample(connection, table, theirs) for table in tables}
        reached = []
        for table in tables:
            hers = f"WHERE tenant_id = {theirs}"
            statements = {
                "SELECT": f"SELECT 1 FROM {table} {hers}",
                "INSERT": again[table],
                "UPDATE": f"UPDATE {table} SET tenant_id = tenant_id {hers}",
                "UPDATE to take": f"UPDATE {table} SET tenant_id = {mine} {hers}",
                "UPDATE to give": f"UPDATE {table} SET tenant_id = {theirs} WHERE tenant_id = {mine}",
                "DELETE": f"DELETE FROM {table} {hers}",
            }
            _act_as(connection, theirs)
            for what in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                assert _touched(connection, statements[what]), f"{what} of one's own {table}"
            for tenant in (str(mine), ""):
                connection.execute(text("SELECT set_config('cadence.tenant_id', :id, true)"), {"id": tenant})
                reached += [
                    f"{what} {table} as {tenant or 'nobody'}"
                    for what, statement in statements.items()
                    if _touched(connection, statement)
                ]
            connection.execute(text("RESET ROLE"))
        connection.rollback()
    assert reached == []


def test_every_table_of_tenants_holds_its_owner_to_the_policies_too(catalogue: Connection) -> None:
    found = catalogue.execute(
        text(
            "SELECT oid::regclass::text, relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner)"
            " FROM pg_class WHERE oid::regclass::text = ANY (:tables)"
        ),
        {"tables": [*_tables(catalogue), "tenants"]},
    ).all()
    assert [row for row in found if tuple(row[1:]) != (True, True, "cadence_owner")] == []


def test_every_table_of_tenants_has_its_policies_and_no_others(catalogue: Connection) -> None:
    policies = "SELECT tablename, policyname, roles::text[], cmd FROM pg_policies WHERE schemaname = 'public'"
    found: dict[str, set[tuple[str, str, str]]] = {}
    for table, name, roles, command in catalogue.execute(text(policies)):
        found.setdefault(table, set()).add((name, ",".join(roles), command))
    usual = {("tenant", "public", "ALL"), ("backup", "cadence_backup", "SELECT")}
    lookup = ("lookup", "cadence_lookup", "SELECT")
    assert {t: found.get(t, set()) - {lookup} for t in _tables(catalogue)} == dict.fromkeys(
        _tables(catalogue), usual
    )
    assert {table for table, names in found.items() if lookup in names} == {
        *("users", "inboxes", "api_tokens", "sign_in_sessions", "single_sign_on_domains", "carrier_accounts"),
        # By the ids and times of what is due (work/due.py).
        *("tenants", "outgoing_mails", "exports", "export_deliveries", "messages", "scheduled_texts"),
        *("message_media", "discarded_files", "carrier_events", "unread_posts", "campaigns", "imports"),
        *("import_contacts", "webhook_endpoints", "webhook_deliveries", "notification_rules", "drafts"),
        *("seals", "seal_checks", "retention_runs", "idempotency_keys", "conversations", "contacts"),
        *("for_me", "alert_choices", "push_subscriptions", "push_notices", "inbox_notices", "note_words"),
        *("contact_numbers", "message_words", "day_counting", "days_to_recount", "opt_out_changes"),
        "export_schedules",
    }


def test_the_application_has_no_right_that_row_level_security_does_not_reach(catalogue: Connection) -> None:
    beyond = catalogue.scalars(
        text(
            "SELECT table_name FROM information_schema.role_table_grants WHERE table_schema = 'public'"
            " AND grantee IN ('cadence_app', 'PUBLIC')"
            " AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')"
        )
    )
    assert beyond.all() == []


def test_every_key_between_tables_of_tenants_carries_the_tenant(catalogue: Connection) -> None:
    loose = catalogue.scalars(
        text(
            "SELECT conname FROM pg_constraint c WHERE contype = 'f'"
            " AND conrelid::regclass::text = ANY (:tables) AND confrelid::regclass::text = ANY (:tables)"
            " AND NOT EXISTS (SELECT FROM unnest(conkey, confkey) AS pair(own, theirs)"
            "  JOIN pg_attribute a ON (a.attrelid, a.attnum, a.attname) = (conrelid, own, 'tenant_id')"
            "  JOIN pg_attribute b ON (b.attrelid, b.attnum, b.attname) = (confrelid, theirs, 'tenant_id'))"
        ),
        {"tables": _tables(catalogue)},
    ).all()
    assert loose == []


def test_no_row_points_to_another_tenants(world: World) -> None:
    other = make_world(world.app, "teams")
    theirs = other.add_contact()
    with world.session(), pytest.raises(DBAPIError, match="violates foreign key"):
        db.session.execute(
            text(
                "INSERT INTO conversations"
                " (tenant_id, inbox_id, contact_id, last_message_at, last_message_text, unread)"
                " SELECT tenant_id, id, :contact, now(), '', 0 FROM inboxes LIMIT 1"
            ),
            {"contact": theirs},
        )


def test_no_function_reads_what_a_temporary_table_puts_before_it(catalogue: Connection) -> None:
    led_astray = catalogue.scalars(
        text(
            "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
            " AND (p.prosecdef OR p.prorettype = 'trigger'::regtype) AND NOT EXISTS ("
            "  SELECT FROM unnest(p.proconfig) AS setting"
            "  WHERE setting LIKE 'search_path=%' AND setting ~ ', *\"?pg_temp\"?$')"
        )
    ).all()
    assert led_astray == []


def test_who_signs_in_is_not_who_a_temporary_view_says(world: World) -> None:
    other = make_world(world.app, "teams")
    with world.session():
        db.session.execute(
            text(
                "CREATE TEMPORARY VIEW api_tokens AS"
                f" SELECT {other.tenant_id}::bigint AS tenant_id, 1::bigint AS id, 'known'::text AS key"
            )
        )
        assert db.session.execute(text("SELECT * FROM find_api_token('known')")).all() == []


def test_a_sealed_day_is_not_opened_by_a_temporary_table(world: World) -> None:
    contact_id = world.add_contact()
    with world.session():
        db.session.execute(
            text("UPDATE tenants SET created_at = now() - interval '3 days' WHERE id = :id"),
            {"id": world.tenant_id},
        )
        db.session.commit()
        assert seal_closed_days()
        db.session.execute(text("CREATE TEMPORARY TABLE seals (tenant_id bigint, day date) ON COMMIT DROP"))
        with pytest.raises(DBAPIError, match="the history is sealed up to"):
            db.session.execute(
                text(
                    "INSERT INTO opt_out_changes (tenant_id, contact_id, team_id, status, changed_at, source,"
                    " first_name, last_name, external_id, number, team_code, user_name, words, reason)"
                    " VALUES (:tenant, :contact, :team, 'opted_in', now() - interval '2 days', 'toggle',"
                    " '', '', '', '', '', '', '', '')"
                ),
                {"tenant": world.tenant_id, "contact": contact_id, "team": world.team_id},
            )


@pytest.mark.parametrize("days", [0, 1, 400])
def test_a_day_that_is_not_over_is_not_sealed(world: World, days: int) -> None:
    with world.session(), pytest.raises(DBAPIError, match="is not over"):
        db.session.execute(
            text(
                "INSERT INTO seals (tenant_id, day, version, rows, rows_digest, digest) VALUES"
                " (:tenant, (now() AT TIME ZONE 'UTC')::date + :days, 1, 0, '', '')"
            ),
            {"tenant": world.tenant_id, "days": days},
        )


def test_a_status_is_deleted_by_leaving_teams_alone(world: World) -> None:
    number, theirs = "+12125550177", make_world(world.app, "teams")
    world.text(number, "hello")
    contact_id = world.contact_id(number)
    with world.session(), pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text("DELETE FROM consents"))
    with theirs.session():
        assert db.session.scalar(text("SELECT leave_teams(ARRAY[:id])"), {"id": contact_id}) == 0
        db.session.commit()
    assert world.status(contact_id) == "opted_in"
    with world.session():
        assert db.session.scalar(text("SELECT leave_teams(ARRAY[:id])"), {"id": contact_id}) == 1
        db.session.commit()
    assert world.status(contact_id) is None


def test_the_owner_sees_no_tenants_rows_without_its_tenant(world: World) -> None:
    world.add_contact()
    owner = db.create_engine(world.app.config["DATABASE_OWNER_URL"])
    with owner.connect() as connection:
        count = text("SELECT count(*) FROM contacts")
        assert connection.scalar(count) == 0
        connection.execute(
            text("SELECT set_config('cadence.tenant_id', :id, true)"), {"id": str(world.tenant_id)}
        )
        assert connection.scalar(count) == 1
        # It may become the look-ups' owner to make one, and has nothing of its rights before.
        connection.execute(text("SELECT set_config('cadence.tenant_id', '', true)"))
        assert connection.scalar(text("SELECT count(*) FROM users")) == 0
    owner.dispose()


def _argument_count(catalogue: Connection, function: str) -> int:
    found = catalogue.scalar(text("SELECT pronargs FROM pg_proc WHERE proname = :name"), {"name": function})
    return int(found or 0)


def test_look_ups_read_the_columns_they_need_and_no_more(world: World, catalogue: Connection) -> None:
    with world.session():
        make_user(world.tenant_id, Role.AGENT, "Somebody")
        db.session.commit()
    lookups = catalogue.scalars(
        text("SELECT proname FROM pg_proc WHERE proowner = 'cadence_lookup'::regrole ORDER BY 1")
    ).all()
    # What is due is asked for by the sweeps alone, but for texts (messaging/sender.py).
    assert [name for name in lookups if name.startswith("due_")] == sorted(
        ["due_outgoing", *(each.query for each in declared() if each.query)]
    )
    assert [name for name in lookups if not name.startswith("due_")] == [
        *("changes_with", "find_api_token", "find_carrier_account", "find_contacts", "find_inbox"),
        *("find_said", "find_sign_in", "find_sign_in_session", "find_single_sign_on", "others_have_domain"),
        "tenants_with_standing_due",
    ]
    # And no less: a migration that takes a column from one of them must not take it from another.
    with world.session():
        for name in lookups:
            arguments = ", ".join(["NULL"] * _argument_count(catalogue, name))
            db.session.execute(text(f"SELECT * FROM {name}({arguments})"))
    others = text(
        "SELECT proname FROM pg_proc WHERE prosecdef AND proowner <> 'cadence_lookup'::regrole ORDER BY 1"
    )
    assert catalogue.scalars(others).all() == [
        "erase_changes",
        "erase_evidence",
        "keep_words_of_messages",
        "keep_words_of_notes",
        "leave_teams",
        "purge_changes",
        "purge_evidence",
        "remove_contacts",
        "take_back_text",
    ]
    catalogue.execute(text("SET LOCAL ROLE cadence_lookup"))
    assert catalogue.scalar(text("SELECT count(email) FROM users WHERE email LIKE '%@%'"))
    for secret in (
        "SELECT password_hash FROM users",
        "SELECT number FROM contacts",
        "UPDATE users SET email = ''",
    ):
        nested = catalogue.begin_nested()
        with pytest.raises(DBAPIError, match="permission denied"):
            catalogue.execute(text(secret))
        nested.rollback()
