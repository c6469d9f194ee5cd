"""Each transaction works as the application's role or not at all."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cadence_app import create_app, database_roles, embedded
from cadence_app.database_roles import WrongLogin, check_login, missing, prepare
from cadence_app.extensions import db
from cadence_app.preflight import NotReady, check_servers
from tests.world import World, make_world

_WHO = text(
    "SELECT current_user, session_user, current_setting('cadence.tenant_id', true),"
    " current_setting('timezone')"
)


def _url(app: Flask, name: str = "SUPERUSER_URL") -> str:
    return str(app.config[name]).replace("+psycopg", "")


@pytest.fixture
def superuser(app: Flask) -> Iterator[psycopg.Connection]:
    with psycopg.connect(_url(app), autocommit=True) as connection:
        yield connection


@pytest.fixture
def login(superuser: psycopg.Connection, app: Flask) -> Iterator[tuple[str, str]]:
    """A login that may take the application's role, and its URL."""
    name = f"login_{uuid.uuid4().hex[:8]}"
    superuser.execute(f"CREATE ROLE {name} LOGIN NOINHERIT")
    superuser.execute(f"GRANT cadence_app TO {name} WITH INHERIT FALSE, SET TRUE")
    yield name, _url(app).replace("://postgres:", f"://{name}:")
    superuser.execute(f"DROP OWNED BY {name}")
    superuser.execute(f"DROP ROLE {name}")


def test_the_login_itself_may_do_nothing(app: Flask) -> None:
    with psycopg.connect(_url(app, "SQLALCHEMY_DATABASE_URI"), autocommit=True) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert len(tables) > 60
        for (table,) in tables:
            for statement in (f"SELECT 1 FROM {table}", f"DELETE FROM {table}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT find_inbox('')")


def test_every_transaction_begins_under_the_role_with_a_tenant_or_without(world: World) -> None:
    tenant = str(world.tenant_id)
    with world.app.app_context():
        for _ in range(3):
            assert tuple(db.session.execute(_WHO).one()) == ("cadence_app", "cadence_login", "", "UTC")
            db.session.rollback()
        with db.engine.begin() as connection:
            assert tuple(connection.execute(_WHO).one())[::2] == ("cadence_app", "")
    with world.session():
        for end in (db.session.commit, db.session.rollback):
            assert tuple(db.session.execute(_WHO).one())[::2] == ("cadence_app", tenant)
            with db.session.begin_nested() as nested:
                nested.rollback()
            assert tuple(db.session.execute(_WHO).one())[::2] == ("cadence_app", tenant)
            end()
        with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            assert tuple(connection.execute(_WHO).one())[::2] == ("cadence_app", tenant)
            connection.rollback()
            assert tuple(connection.execute(_WHO).one())[::2] == ("cadence_app", tenant)


def test_a_thread_without_the_application_has_no_tenant(world: World) -> None:
    def who() -> tuple[str, ...]:
        with engine.connect() as connection:
            return tuple(connection.execute(_WHO).one())

    with world.session(), ThreadPoolExecutor(1) as thread:
        engine = db.engine
        assert thread.submit(who).result()[::2] == ("cadence_app", "")


def test_role_and_tenant_are_one_statement_that_begins_the_transaction(world: World) -> None:
    statements: list[str] = []
    with world.session():
        db.session.rollback()

        def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
            statements.append(statement)

        db.event.listen(db.engine, "before_cursor_execute", note)
        try:
            db.session.execute(text("SELECT 1"))
        finally:
            db.event.remove(db.engine, "before_cursor_execute", note)
    assert len(statements) == 2
    assert statements[0].startswith("SELECT set_config('role'")


def test_a_transaction_that_did_not_begin_so_is_refused(world: World) -> None:
    with world.session():
        connection = db.engine.raw_connection()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.cursor().execute("SELECT 1 FROM contacts")
        connection.close()
        with (
            db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as loose,
            pytest.raises(DBAPIError, match="permission denied"),
        ):
            loose.execute(text("SELECT 1 FROM contacts"))


def test_nothing_of_a_transaction_stays_with_its_connection(world: World) -> None:
    world.add_contact()
    with world.session(), db.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM contacts"))
        connection.rollback()
        driver = connection.connection.driver_connection
        assert driver
        who = driver.execute("SELECT current_user, current_setting('cadence.tenant_id', true)").fetchone()
        assert who == ("cadence_login", "")
        driver.rollback()


@pytest.mark.parametrize("role", ["cadence_owner", "cadence_lookup", "cadence_backup", "postgres"])
def test_the_application_becomes_nobody_else(world: World, role: str) -> None:
    with world.session(), pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(f"SET ROLE {role}"))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("ALTER ROLE {} SUPERUSER", "is a superuser"),
        ("ALTER ROLE {} BYPASSRLS", "passes by row-level security"),
        ("ALTER ROLE {} CREATEROLE", "may make roles"),
        ("ALTER ROLE {} REPLICATION", "may copy the whole server"),
        ("GRANT cadence_app TO {} WITH INHERIT TRUE", "without taking that role"),
        ("GRANT cadence_owner TO {} WITH INHERIT FALSE", "owns tables"),
        ("GRANT cadence_backup TO {} WITH INHERIT FALSE", "sees all tenants"),
        ("GRANT cadence_lookup TO {} WITH INHERIT FALSE", "sees all tenants"),
        ("GRANT SELECT (number) ON contacts TO {}", "rights on tables of its own"),
        ("REVOKE cadence_app FROM {}", "may not take the role cadence_app"),
    ],
)
def test_a_login_that_may_do_too_much_or_too_little_is_not_used(
    app: Flask, superuser: psycopg.Connection, login: tuple[str, str], statement: str, says: str
) -> None:
    name, url = login
    with psycopg.connect(url) as connection:
        check_login(connection)
        superuser.execute(statement.format(name))
        with pytest.raises(WrongLogin, match=says):
            check_login(connection)
    settings = dict(app.config) | {
        "SQLALCHEMY_DATABASE_URI": url.replace("postgresql:", "postgresql+psycopg:")
    }
    with create_app(settings).app_context(), pytest.raises(WrongLogin, match=f"{says}.*prepare-database"):
        db.session.execute(text("SELECT 1"))


@pytest.mark.parametrize("name", ["SUPERUSER_URL", "DATABASE_OWNER_URL"])
def test_one_url_for_everything_is_refused_with_what_to_run(
    app: Flask, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", _url(app, name))
    with pytest.raises(
        NotReady, match=r"may do too much.*DATABASE_OWNER_URL.*flask cadence prepare-database"
    ):
        check_servers()
    monkeypatch.setenv("DATABASE_URL", _url(app, "SQLALCHEMY_DATABASE_URI"))
    with pytest.raises(NotReady, match=r"DATABASE_OWNER_URL is not set"):
        check_servers()
    monkeypatch.setenv("DATABASE_OWNER_URL", _url(app, "DATABASE_OWNER_URL"))
    check_servers()


def test_preparing_makes_the_login_with_its_password_and_is_done_once(
    app: Flask, superuser: psycopg.Connection
) -> None:
    name = f"college_{uuid.uuid4().hex[:8]}"
    login_url = _url(app).replace("://postgres:", f"://{name}:s'ecret")
    try:
        done = prepare(_url(app), login_url)
        assert f'CREATE ROLE "{name}" LOGIN NOINHERIT' in done
        assert not any("ecret" in statement for statement in done)
        secret = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
        ((kept,),) = superuser.execute(secret, (name,)).fetchall()
        assert kept.startswith("SCRAM-SHA-256$")
        assert prepare(_url(app), login_url) == []
        with psycopg.connect(login_url) as connection:
            check_login(connection)
    finally:
        superuser.execute(f"DROP ROLE {name}")


def test_an_owner_who_may_make_no_roles_is_told_what_an_administrator_runs(
    app: Flask, superuser: psycopg.Connection
) -> None:
    login_url = _url(app).replace("://postgres:", "://newcomer:secret")
    with pytest.raises(
        WrongLogin, match=r"(?s)may not make the roles.*CREATE ROLE \"newcomer\" LOGIN NOINHERIT;"
    ):
        prepare(_url(app, "DATABASE_OWNER_URL"), login_url)
    with pytest.raises(WrongLogin, match="two users"):
        prepare(_url(app), _url(app))
    assert missing(superuser, "cadence_login", "cadence_owner") == []


def test_the_command_prepares_the_database(app: Flask) -> None:
    settings = dict(app.config) | {"DATABASE_OWNER_URL": app.config["SUPERUSER_URL"]}
    run = create_app(settings).test_cli_runner().invoke
    answer = run(args=["cadence", "prepare-database"])
    assert (answer.exit_code, answer.output) == (0, "The database has every role that Cadence needs.\n")
    answer = (
        create_app(settings | {"DATABASE_OWNER_URL": ""})
        .test_cli_runner()
        .invoke(args=["cadence", "prepare-database"])
    )
    assert answer.exit_code == 1
    assert "DATABASE_OWNER_URL is not set" in answer.output


def test_a_backup_has_every_tenants_rows_and_its_role_changes_none(
    app: Flask, superuser: psycopg.Connection
) -> None:
    worlds = [make_world(app, "teams") for _ in range(2)]
    ids = [world.add_contact() for world in worlds]
    superuser.execute("CREATE ROLE nightly LOGIN NOINHERIT")
    superuser.execute("GRANT cadence_backup TO nightly")
    url = _url(app).replace("://postgres:", "://nightly:")
    try:
        options = ["--role=cadence_backup", "--enable-row-security", "--data-only", "--schema=public"]
        dump = [str(embedded.postgres_tool("pg_dump")), *options, url]
        done = subprocess.run(dump, capture_output=True, text=True, check=True, env=os.environ)
        contacts = done.stdout.partition("COPY public.contacts ")[2].partition("\\.")[0]
        for contact_id in ids:
            assert f"\n{contact_id}\t" in contacts
        with psycopg.connect(url) as connection:
            connection.execute("SET ROLE cadence_backup")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("DELETE FROM contacts")
    finally:
        superuser.execute("DROP ROLE nightly")


def test_roles_have_the_names_that_the_migrations_use() -> None:
    roles = database_roles.APP_ROLE, database_roles.LOOKUP_ROLE, database_roles.BACKUP_ROLE
    assert roles == ("cadence_app", "cadence_lookup", "cadence_backup")
