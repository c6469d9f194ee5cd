"""Seals: each closed UTC day of the history with a digest chained to the day before.

Not in the models: the triggers that keep the seals append-only, and the one that refuses a row of the history
for a day that is sealed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "seals": "SELECT, INSERT",
    "sealed_changes": "SELECT, INSERT",
    "seal_checks": "SELECT, INSERT, UPDATE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

# A writer holds its row's day shared until it commits; who seals a day takes it alone (consent/seals.py). So
# no seal misses a row that is on its way, and the changes of today never wait for one. Days before yesterday
# share one lock: history being loaded would fill the lock table otherwise. The check runs after the lock was
# had, with a snapshot of its own, which only READ COMMITTED gives.
CLOSED_DAYS = """
CREATE FUNCTION history_day(moment timestamptz) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT (moment AT TIME ZONE 'UTC')::date $$;

CREATE FUNCTION history_day_key(tenant bigint, day date) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT hashtextextended(format('history %s %s', tenant, day - date '2000-01-01'), 0) $$;

CREATE FUNCTION refuse_sealed_day() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    refused record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the history is written in READ COMMITTED only: an older snapshot can''t see a seal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(history_day_key(held.tenant_id, held.day)) FROM (
        SELECT DISTINCT tenant_id, CASE WHEN day >= history_day(clock_timestamp()) - 1 THEN day END AS day
        FROM (SELECT tenant_id, history_day(changed_at) AS day FROM added) AS days
    ) AS held;
    SELECT oldest.changed_at, sealed.day INTO refused
        FROM (SELECT tenant_id, min(changed_at) AS changed_at FROM added GROUP BY tenant_id) AS oldest
        CROSS JOIN LATERAL (SELECT max(day) AS day FROM seals WHERE tenant_id = oldest.tenant_id) AS sealed
        WHERE history_day(oldest.changed_at) <= sealed.day
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a change at % is refused: the history is sealed up to %',
            to_char(refused.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), refused.day
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sealed_days AFTER INSERT ON opt_out_changes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_sealed_day();

CREATE FUNCTION refuse_change_of_seals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sealed_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
"""


def upgrade() -> None:
    op.create_table(
        "seals",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("rows_digest", sa.LargeBinary(), nullable=False),
        sa.Column("previous_digest", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "sealed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "day"),
    )
    op.create_table(
        "sealed_changes",
        sa.Column("change_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("change_id"),
    )
    op.create_index(
        "ix_sealed_changes_day", "sealed_changes", ["tenant_id", "day", "change_id"], unique=False
    )
    op.create_table(
        "seal_checks",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("requested_by_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "requested_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("days_total", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("last_digest", sa.LargeBinary(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("problem_day", sa.Date(), nullable=True),
        sa.Column("problem_change_id", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'intact', 'differs', 'failed')", name="state"),
        sa.ForeignKeyConstraint(["requested_by_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_seal_checks_latest", "seal_checks", ["tenant_id", sa.literal_column("id DESC")])
    op.create_index(
        "uq_seal_checks_unfinished",
        "seal_checks",
        ["tenant_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    # All sources, unlike the report's index: seals cover imports and the API too.
    op.create_index("ix_opt_out_changes_day", "opt_out_changes", ["tenant_id", "changed_at", "id"])
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON SEQUENCE seals_id_seq, seal_checks_id_seq TO cadence_app")
    op.execute(CLOSED_DAYS)


def downgrade() -> None:
    raise RuntimeError("the seals are never dropped by a migration")
