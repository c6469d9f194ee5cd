"""The schema that everything later starts from: what the migrations 0001 to 0052 made, as it was then.

A database that they brought to 0052 has it and goes on; an empty one is made by the files in
migrations/as_of_0052. The old migrations are in git under the tag v0.9
(docs/decisions/one-first-migration.md).

These files are never changed again: what is to be another way is changed by a migration after this one.
docs/schema.sql shows the schema as it is today.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from cadence_app.number_key import KEY_SETTING, hex_key

revision = "0052"
down_revision = None
branch_labels = None
depends_on = None

START = Path(__file__).parents[1] / "as_of_0052"
# Each area after those whose tables it refers to.
AREAS = (
    *("tenants", "sign_in", "operators", "work", "inboxes", "contacts", "messages", "campaigns", "consent"),
    *("seals", "imports", "exports", "notifications", "webhooks", "api", "retention"),
)
# What an index is made of.
FIRST_FUNCTION = "threes"

NO_ROLE = (
    "The role {role} is missing, or {user} may not use it: run `flask cadence prepare-database` first"
    " (docs/configuration.md, The database's roles)."
)


def upgrade() -> None:
    _check_roles()
    # Functions call one another, and the look-ups' role may make none but now.
    _run("SET LOCAL check_function_bodies = off")
    _run("GRANT CREATE ON SCHEMA public TO cadence_lookup")
    for file in _files():
        _run(file.read_text())
    _run("REVOKE CREATE ON SCHEMA public FROM cadence_lookup")
    _run("SET LOCAL check_function_bodies = on")
    _fill()


def _files() -> Iterator[Path]:
    first = START / "functions" / f"{FIRST_FUNCTION}.sql"
    yield first
    for area in AREAS:
        yield START / f"{area}.sql"
    for file in sorted((START / "functions").glob("*.sql")):
        if file != first:
            yield file
    for name in ("triggers", "policies", "lookups", "rights"):
        yield START / f"{name}.sql"


def _run(statements: str) -> None:
    # As they are: with parameters, even none, % and : would mean something.
    op.get_bind().exec_driver_sql(statements, execution_options={"no_parameters": True})


def _check_roles() -> None:
    """Errors: RuntimeError where the roles were not made before; a migration's user may not make them all."""
    for role in ("cadence_app", "cadence_lookup", "cadence_backup"):
        known = op.get_bind().scalar(
            sa.text(
                "SELECT r.rolname <> 'cadence_lookup' OR pg_has_role(r.oid, 'MEMBER')"
                " FROM pg_roles r WHERE r.rolname = :role"
            ),
            {"role": role},
        )
        if not known:
            user = op.get_bind().scalar(sa.text("SELECT current_user"))
            raise RuntimeError(NO_ROLE.format(role=role, user=user))


def _fill() -> None:
    """The rows that an installation begins with, of no tenant: the check value of its key (number_key.py),
    and since when texts can come in."""
    op.get_bind().execute(sa.select(sa.func.set_config(KEY_SETTING, hex_key(), True)))
    _run("INSERT INTO number_key_check (digest) VALUES (number_digest(0, 'the key'))")
    _run("INSERT INTO inbound_beat (id, beat_at) VALUES (1, now())")


def downgrade() -> None:
    raise RuntimeError("there is nothing before this one: to take it back, remove the database")
