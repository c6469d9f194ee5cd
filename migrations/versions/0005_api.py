"""API tokens, idempotency keys, and a feed of the ledger that never skips a change.

The feed reads the ledger in the order of its ids, but a change can commit after one with a higher id. So
each transaction that is about to write history first takes a shared advisory lock whose two keys tell the
last id given out before its own, and holds it to its end: 1000 and the id's high bits (the pairs below 1000
are for other uses), and its 31 low bits. settled_change_id() is then the highest id up to which nothing can
appear any more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "api_tokens": "SELECT, INSERT, UPDATE",
    "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

# It runs as the owner, before a tenant is known, and returns ids only.
LOOKUP = """
CREATE FUNCTION find_api_token(token_key text) RETURNS TABLE (tenant_id bigint, token_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    $$ SELECT t.tenant_id, t.id FROM api_tokens t WHERE t.key = token_key $$;
REVOKE ALL ON FUNCTION find_api_token FROM public;
GRANT EXECUTE ON FUNCTION find_api_token TO cadence_app;
"""

FEED = """
GRANT SELECT ON SEQUENCE opt_out_changes_id_seq TO cadence_app;
CREATE FUNCTION last_change_id_given() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.opt_out_changes_id_seq $$;

CREATE FUNCTION announce_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    newest bigint;
BEGIN
    IF coalesce(current_setting('cadence.history_announced', true), '') = '' THEN
        newest := last_change_id_given();
        PERFORM pg_advisory_xact_lock_shared(1000 + (newest >> 31)::int, (newest & 2147483647)::int);
        PERFORM set_config('cadence.history_announced', 'yes', true);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER announced BEFORE INSERT ON opt_out_changes
    FOR EACH STATEMENT EXECUTE FUNCTION announce_history();

CREATE FUNCTION settled_change_id() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    -- Read first: whoever was given an id up to this one had announced it before, or has ended.
    newest bigint := last_change_id_given();
BEGIN
    RETURN least(newest, (
        SELECT min(((classid::bigint - 1000) << 31) | objid::bigint) FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint >= 1000
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ));
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["revoked_by_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("tenant_id", "name"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("token_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["token_id"], ["api_tokens.id"]),
        sa.PrimaryKeyConstraint("token_id", "key"),
    )
    op.create_index("ix_idempotency_keys_age", "idempotency_keys", ["tenant_id", "created_at"])
    op.create_index("ix_opt_out_changes_feed", "opt_out_changes", ["tenant_id", "id"])
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")
    op.execute(LOOKUP)
    op.execute(FEED)


def downgrade() -> None:
    raise RuntimeError("the history's triggers are never dropped by a migration")
