"""Alembic's environment: migrations run as the tables' owner, the application never does.

The owner's address leads to the server itself and past any pooler."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, event, pool

from cadence_app.database_roles import ADVICE
from cadence_app.extensions import db
from cadence_app.migrating import check_revision, lock_seconds, telling_of_locks, wait_at_most
from cadence_app.outbound.own_servers import pin
from migrations.models import as_migrated

if not current_app.config["DATABASE_OWNER_URL"]:
    raise RuntimeError(f"Migrations need DATABASE_OWNER_URL. {ADVICE}")
engine = create_engine(
    current_app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool, hide_parameters=True
)
event.listen(engine, "do_connect", pin)
seconds = lock_seconds()
wait_at_most(engine, seconds)
with engine.connect() as connection:
    check_revision(connection, {each.revision for each in context.script.walk_revisions()})
with telling_of_locks(seconds), engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=as_migrated(db.metadata),
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()
