"""Sign-in: sessions kept here, second factors, invitations, single sign-on, and the outbox of mails."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "sign_in_sessions": "SELECT, INSERT, UPDATE, DELETE",
    "recovery_codes": "SELECT, INSERT, UPDATE, DELETE",
    "single_sign_ons": "SELECT, INSERT, UPDATE, DELETE",
    "single_sign_on_domains": "SELECT, INSERT, DELETE",
    "outgoing_mails": "SELECT, INSERT, UPDATE",
}

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

# The look-ups that come before a tenant is known. They run as the owner and return no more than is needed
# to go on as that tenant.
LOOKUPS = """
CREATE FUNCTION find_sign_in_session(cookie_hash bytea)
    RETURNS TABLE (tenant_id bigint, session_id bigint, last_seen_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    $$ SELECT s.tenant_id, s.id, s.last_seen_at FROM sign_in_sessions s
       WHERE s.key_hash = cookie_hash AND s.ended_at IS NULL $$;
CREATE FUNCTION find_single_sign_on(mail_domain text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    $$ SELECT d.tenant_id FROM single_sign_on_domains d WHERE d.domain = lower(mail_domain) $$;
REVOKE ALL ON FUNCTION find_sign_in_session, find_single_sign_on FROM public;
GRANT EXECUTE ON FUNCTION find_sign_in_session, find_single_sign_on TO cadence_app;
"""


def upgrade() -> None:
    op.add_column("tenants", sa.Column("second_factor", sa.Text(), server_default="optional", nullable=False))
    op.create_check_constraint(
        "second_factor", "tenants", "second_factor IN ('optional', 'admins', 'everybody')"
    )
    for column in (
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_factor_secret", sa.Text(), server_default="", nullable=False),
        sa.Column("second_factor_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_factor_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("single_sign_on_subject", sa.Text(), nullable=True),
    ):
        op.add_column("users", column)
    op.create_index(
        "uq_users_single_sign_on_subject", "users", ["tenant_id", "single_sign_on_subject"], unique=True
    )
    op.create_table(
        "sign_in_sessions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "method IN ('password', 'second_factor', 'link', 'single_sign_on')", name="method"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_index("ix_sign_in_sessions_user_id", "sign_in_sessions", ["user_id"])
    op.create_index("ix_sign_in_sessions_age", "sign_in_sessions", ["tenant_id", "last_seen_at"])
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "code_hash"),
    )
    op.create_table(
        "single_sign_ons",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=False),
        sa.Column("passwords_allowed", sa.Boolean(), nullable=False),
        sa.Column("creates_users", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    op.create_table(
        "single_sign_on_domains",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("domain"),
    )
    op.create_index("ix_single_sign_on_domains_tenant_id", "single_sign_on_domains", ["tenant_id"])
    op.create_table(
        "outgoing_mails",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("useless_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=True
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_outgoing_mails_waiting",
        "outgoing_mails",
        ["tenant_id", "next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    for table, rights in TENANT_TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = {CURRENT_TENANT})")
        op.execute(f"GRANT {rights} ON {table} TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")
    op.execute(LOOKUPS)


def downgrade() -> None:
    raise RuntimeError("who signs in how is never dropped by a migration")
