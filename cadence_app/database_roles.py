"""The database's roles: which there are, what is missing of them, and what a login may not be able to do.

`cadence_app` does the application's work and owns nothing. `cadence_lookup` owns the look-ups that come
before a tenant is known, and `cadence_backup` reads everything for a backup; nobody signs in as any of them.
The login of DATABASE_URL has no rights of its own: each transaction takes the role `cadence_app` for itself
(tenancy.py), so that one which did not is refused everything. DATABASE_OWNER_URL is who owns the tables.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from cadence_app.outbound.own_servers import database_connection

APP_ROLE = "cadence_app"
LOOKUP_ROLE = "cadence_lookup"
BACKUP_ROLE = "cadence_backup"
# Of the PostgreSQL that Cadence brings itself.
EMBEDDED_LOGIN = "cadence_login"
EMBEDDED_OWNER = "cadence_owner"

# Since this version a membership itself says whether its rights come by themselves; before, the member does.
_GRANTS_SAY = 160000

ADVICE = (
    "Give the owner of the tables in DATABASE_OWNER_URL, and in DATABASE_URL a login of its own, with a new "
    "name and password, such as postgresql://cadence_login:PASSWORD@host/database. Then run "
    "`flask cadence prepare-database` once: it makes that login, or prints what an administrator must run."
)

# What the session's user could do without, or beside, the role cadence_app.
_TOO_MUCH = f"""
WITH tables AS (SELECT oid, relowner, relacl FROM pg_class
    WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p', 'v', 'm'))
SELECT array_remove(ARRAY[
    CASE WHEN me.rolsuper THEN 'is a superuser' END,
    CASE WHEN me.rolbypassrls THEN 'passes by row-level security' END,
    CASE WHEN me.rolcreaterole THEN 'may make roles' END,
    CASE WHEN me.rolreplication THEN 'may copy the whole server' END,
    CASE WHEN pg_has_role(me.oid, to_regrole('{APP_ROLE}')::oid, 'USAGE')
        THEN 'has the rights of {APP_ROLE} without taking that role' END,
    CASE WHEN EXISTS (SELECT FROM pg_roles other
            WHERE other.oid <> me.oid AND pg_has_role(me.oid, other.oid, 'MEMBER')
              AND (other.rolsuper OR other.rolbypassrls
                OR other.rolname IN ('{LOOKUP_ROLE}', '{BACKUP_ROLE}')))
        THEN 'may become another role that sees all tenants' END,
    CASE WHEN EXISTS (SELECT FROM tables t WHERE pg_has_role(me.oid, t.relowner, 'MEMBER'))
        THEN 'owns tables' END,
    CASE WHEN EXISTS (SELECT FROM (SELECT relacl AS rights FROM tables UNION ALL SELECT a.attacl
                FROM pg_attribute a JOIN tables t ON t.oid = a.attrelid WHERE a.attacl IS NOT NULL) AS given
              CROSS JOIN LATERAL aclexplode(given.rights) AS one
              WHERE one.grantee = 0 OR pg_has_role(me.oid, one.grantee, 'USAGE'))
        THEN 'has rights on tables of its own' END
], NULL), coalesce(pg_has_role(me.oid, to_regrole('{APP_ROLE}')::oid, 'MEMBER'), false)
FROM pg_roles me WHERE me.rolname = session_user
"""  # noqa: S608 - our own constants

# An import copies its rows by way of a temporary table.
_MAY_COPY = "SELECT has_database_privilege(%s, %s, 'TEMPORARY')"
# The owner lends the right to make functions to the look-ups' role while it makes one.
_MAY_MAKE = "SELECT has_schema_privilege(%s, 'public', 'CREATE WITH GRANT OPTION')"
# There, who inherits nothing has nothing of the database's owner either, and needs the right itself.
_MAY_MAKE_OLD = """
SELECT r.rolsuper OR EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'public'
    AND a.grantee = r.oid AND a.privilege_type = 'CREATE' AND a.is_grantable)
FROM pg_roles r WHERE r.rolname = %s
"""

# What belongs to none other: tables (their sequences and indexes go with them), other sequences, functions.
_MADE_BY_SUPERUSERS = """
SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, t.oid::regclass::text
FROM pg_class t JOIN pg_roles r ON r.oid = t.relowner AND r.rolsuper
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p', 'v', 'S')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype IN ('a', 'i')
                    AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass)
UNION ALL
SELECT 'FUNCTION', f.oid::regprocedure::text
FROM pg_proc f JOIN pg_roles r ON r.oid = f.proowner AND r.rolsuper
WHERE f.pronamespace = 'public'::regnamespace
"""


# What the server itself has to say is still logged, and a connection that it refuses.
_NO_VALUES = {"log_min_messages": "log", "log_error_verbosity": "terse"}
_IS_SET = """
SELECT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
    WHERE s.setrole = 0 AND d.datname = %s AND %s = ANY (s.setconfig))
"""


class WrongLogin(RuntimeError):
    """Why the application doesn't work with a database's login, for who runs it."""


def check_login(connection: Any) -> None:
    """`connection` is psycopg's. Errors: WrongLogin for a login that may do more than take the role of the
    application, or not even that."""
    row = connection.execute(_TOO_MUCH).fetchone()
    too_much, member = row or ([], False)
    user = connection.info.user
    if too_much:
        raise WrongLogin(f"DATABASE_URL's user {user} may do too much: it {', '.join(too_much)}. {ADVICE}")
    if not member:
        raise WrongLogin(f"DATABASE_URL's user {user} may not take the role {APP_ROLE}. {ADVICE}")


def missing(connection: psycopg.Connection[Any], login: str, owner: str) -> list[sql.Composed]:
    """What must be run so that the roles are as they should be, in its order; empty where they are."""
    roles = connection.execute("SELECT rolname, rolcanlogin, rolinherit AND NOT rolsuper FROM pg_roles")
    known = {name: (signs_in, inherits) for name, signs_in, inherits in roles}
    old = connection.info.server_version < _GRANTS_SAY
    statements = []
    for role in (APP_ROLE, LOOKUP_ROLE, BACKUP_ROLE):
        if role not in known:
            statements.append(_say("CREATE ROLE {} NOLOGIN", role))
        elif known[role][0]:
            statements.append(_say("ALTER ROLE {} NOLOGIN", role))
    for role in (owner, login):
        if role not in known:
            statements.append(_say("CREATE ROLE {} LOGIN NOINHERIT", role))
            statements.append(_say("ALTER ROLE {} SET timezone = 'UTC'", role))
    if APP_ROLE in known and not _is(connection, _MAY_COPY, APP_ROLE, connection.info.dbname):
        statements.append(_say("GRANT TEMPORARY ON DATABASE {} TO {}", connection.info.dbname, APP_ROLE))
    if owner not in known or not _is(connection, _MAY_MAKE_OLD if old else _MAY_MAKE, owner):
        statements.append(_say("GRANT CREATE, USAGE ON SCHEMA public TO {} WITH GRANT OPTION", owner))
    for role in (owner, login) if old else (login,):
        if role in known and known[role][1]:
            statements.append(_say("ALTER ROLE {} NOINHERIT", role))
    for member, role in ((login, APP_ROLE), (owner, LOOKUP_ROLE)):
        if not {member, role} <= known.keys() or not _only_by_asking(connection, member, role):
            how = "" if old else " WITH INHERIT FALSE, SET TRUE"
            statements.append(_say("GRANT {} TO {}" + how, role, member))
    return statements


def _only_by_asking(connection: psycopg.Connection[Any], member: str, role: str) -> bool:
    """Whether a role may take another, and has none of its rights before; a superuser needs no leave."""
    may = "SET" if connection.info.server_version >= _GRANTS_SAY else "MEMBER"
    row = connection.execute(
        "SELECT pg_has_role(%s, %s, %s), pg_has_role(%s, %s, 'USAGE'), rolsuper"
        " FROM pg_roles WHERE rolname = %s",
        (member, role, may, member, role, member),
    ).fetchone()
    return bool(row and row[0] and (row[2] or not row[1]))


def _is(connection: psycopg.Connection[Any], question: str, *values: str) -> bool:
    row = connection.execute(question.encode(), values).fetchone()
    return bool(row and row[0])


def _say(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))


def prepare(owner_url: str, login_url: str) -> list[str]:
    """Makes what is missing, as the owner; returns the statements that were run. Both are libpq's URLs.

    Errors: WrongLogin where the owner may not, with what an administrator must run; psycopg.Error.
    """
    login = psycopg.conninfo.conninfo_to_dict(login_url)
    name = str(login.get("user") or "")
    with database_connection(owner_url, connect_timeout=5) as connection:
        owner = connection.info.user
        if name in ("", owner):
            raise WrongLogin(f"DATABASE_URL and DATABASE_OWNER_URL must have two users. {ADVICE}")
        statements = missing(connection, name, owner)
        shown = [statement.as_string(connection) for statement in statements]
        new = not _is(connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", name)
        try:
            for statement in statements:
                connection.execute(statement)
            if new and login.get("password"):
                secret = sql.Literal(str(login["password"]))
                connection.execute(_say("ALTER ROLE {}", name) + sql.SQL(" PASSWORD {}").format(secret))
        except psycopg.errors.InsufficientPrivilege as error:
            wanted = "\n".join(f"    {each};" for each in shown)
            raise WrongLogin(
                f"{owner} may not make the roles. As an administrator, run in this database:\n{wanted}\n"
                f"and give {name} its password (in psql: \\password {name})."
            ) from error
    return shown


def prepare_embedded(superuser_url: str) -> tuple[str, str]:
    """The URLs of login and owner of the PostgreSQL that Cadence brings, whose roles are made where they are
    missing; what an older Cadence made as the superuser becomes the owner's."""
    with database_connection(superuser_url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('cadence roles', 0))")
        for statement in missing(connection, EMBEDDED_LOGIN, EMBEDDED_OWNER):
            connection.execute(statement)
        hand_over(connection, EMBEDDED_OWNER)
        _log_no_values(connection)
    login, owner = (_as(superuser_url, user) for user in (EMBEDDED_LOGIN, EMBEDDED_OWNER))
    return login, owner


def _log_no_values(connection: psycopg.Connection[Any]) -> None:
    """Keeps failed statements out of PostgreSQL's own log, for it quotes the values they were about. Who sent
    one logs it without them (database_errors.py)."""
    database = connection.info.dbname
    for name, value in _NO_VALUES.items():
        if not _is(connection, _IS_SET, database, f"{name}={value}"):
            connection.execute(_say("ALTER DATABASE {} SET {} = ", database, name) + sql.Literal(value))


def hand_over(connection: psycopg.Connection[Any], owner: str) -> None:
    """Makes a role the owner of the database and of what its superuser made in it. As a superuser."""
    database = connection.info.dbname
    made = connection.execute(_MADE_BY_SUPERUSERS).fetchall()
    for kind, name in made:
        connection.execute(sql.SQL(f"ALTER {kind} {name} OWNER TO {{}}").format(sql.Identifier(owner)))
    if not _is(
        connection, "SELECT datdba = to_regrole(%s)::oid FROM pg_database WHERE datname = %s", owner, database
    ):
        connection.execute(_say("ALTER DATABASE {} OWNER TO {}", database, owner))


def _as(url: str, user: str) -> str:
    return url.replace("://postgres:", f"://{user}:", 1)
