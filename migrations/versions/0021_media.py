"""The files that come and go with texts.

Not in the models: whenever such a file's row is deleted, by whomever, a trigger notes its file, so that it is
removed from the storage too.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "message_media": "SELECT, INSERT, UPDATE, DELETE",
    "discarded_files": "SELECT, INSERT, UPDATE, DELETE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

DISCARD = """
CREATE FUNCTION discard_media_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO discarded_files (tenant_id, file_key) VALUES (OLD.tenant_id, OLD.file_key);
    RETURN NULL;
END $$;
CREATE TRIGGER file_discarded_with_row AFTER DELETE ON message_media
    FOR EACH ROW WHEN (OLD.file_key <> '') EXECUTE FUNCTION discard_media_file();
"""


def upgrade() -> None:
    op.create_table(
        "message_media",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'stored', 'failed')", name="state"),
        sa.CheckConstraint("(state = 'waiting') = (next_attempt_at IS NOT NULL)", name="waiting"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["carrier_accounts.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id", "position"),
    )
    op.create_index(
        "ix_message_media_waiting",
        "message_media",
        ["tenant_id", "next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_table(
        "discarded_files",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_discarded_files_due", "discarded_files", ["tenant_id", "due_at"])
    op.execute(DISCARD)
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def downgrade() -> None:
    raise RuntimeError("files that came with texts are never dropped by a migration")
