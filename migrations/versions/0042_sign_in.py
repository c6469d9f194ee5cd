"""Signing in: failed tries are counted here, operators have a second factor, and what they do of themselves
is logged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

# None of these is a tenant's: who fails to sign in has shown none, and operators belong to none.
RIGHTS = """
GRANT SELECT, INSERT, DELETE ON failed_tries TO cadence_app;
GRANT SELECT, INSERT ON operator_entries TO cadence_app;
GRANT SELECT ON failed_tries, operator_entries TO cadence_backup;
CREATE FUNCTION refuse_change_of_operator_entries() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'operator_entries is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON operator_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_operator_entries();
"""


def upgrade() -> None:
    op.create_table(
        "failed_tries",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_failed_tries_key", "failed_tries", ["key", "at"])
    op.create_index("ix_failed_tries_at", "failed_tries", ["at"])
    op.create_table(
        "operator_entries",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in (
        sa.Column("second_factor_secret", sa.Text(), server_default="", nullable=False),
        sa.Column("second_factor_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_factor_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recovery_codes", postgresql.ARRAY(sa.LargeBinary()), server_default="{}", nullable=False),
    ):
        op.add_column("operators", column)
    op.execute(RIGHTS)
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def downgrade() -> None:
    raise RuntimeError("who signs in how is never dropped by a migration")
