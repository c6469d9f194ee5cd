"""What setting up has been told that no data can tell, presses on selected contacts, and indexes by which the
list of contacts is sorted.

Names are kept in small letters too, as columns: lower() is not leakproof, so under row-level security a
condition with it never goes into an index, and each page would read all before it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.tenants import for_all_tenants, protect

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def _key(name: str, to: str, ondelete: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(f"{to}.id", ondelete=ondelete), nullable=True)


def _at(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def upgrade() -> None:
    _first_run()
    _presses()
    _lists()
    op.create_index(
        "ix_scheduled_texts_message",
        "scheduled_texts",
        ["message_id"],
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_unregistered",
        "messages",
        ["tenant_id", "created_at"],
        postgresql_where=sa.text("failure_code IN ('30034', '30032')"),
    )


def _first_run() -> None:
    op.create_table(
        "first_run",
        sa.Column("tenant_id", sa.BigInteger(), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("registration", sa.Text(), server_default="", nullable=False),
        _at("registration_at"),
        _key("registration_by_id", "users"),
        _at("keywords_seen_at"),
        _key("keywords_seen_by_id", "users"),
        _at("dismissed_at"),
        _key("dismissed_by_id", "users"),
        sa.CheckConstraint(
            "registration IN ('', 'registered', 'not_needed')", name=op.f("ck_first_run_registration")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_first_run")),
    )
    protect("first_run", "SELECT, INSERT, UPDATE")
    # Who has connected a carrier is past their first run; the list can be brought back.
    for_all_tenants(
        "INSERT INTO first_run (tenant_id, dismissed_at)"
        " SELECT DISTINCT tenant_id, now() FROM carrier_accounts",
        "SELECT count(DISTINCT tenant_id) FROM carrier_accounts",
    )


def _presses() -> None:
    op.create_table(
        "contact_presses",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        _key("tag_id", "tags", "CASCADE"),
        sa.Column("contact_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False
        ),
        _at("undone_at"),
        sa.CheckConstraint("action IN ('tag', 'untag', 'text')", name=op.f("ck_contact_presses_action")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_presses")),
    )
    op.create_index("ix_contact_presses_user", "contact_presses", ["user_id", "created_at"])
    protect("contact_presses", "SELECT, INSERT, UPDATE, DELETE")
    op.execute("GRANT USAGE ON SEQUENCE contact_presses_id_seq TO cadence_app")


def _lists() -> None:
    op.execute(
        "ALTER TABLE contacts"
        " ADD COLUMN last_key text NOT NULL GENERATED ALWAYS AS (lower(last_name)) STORED,"
        " ADD COLUMN first_key text NOT NULL GENERATED ALWAYS AS (lower(first_name)) STORED"
    )
    op.drop_index("ix_contacts_name", "contacts")
    op.create_index("ix_contacts_name", "contacts", ["tenant_id", "last_key", "first_key", "id"])
    op.create_index("ix_contacts_added", "contacts", ["tenant_id", "created_at", "id"])
    op.create_index("ix_consents_status", "consents", ["team_id", "status", "contact_id"])
    op.create_index("ix_conversations_latest", "conversations", ["tenant_id", "last_message_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_conversations_latest", "conversations")
    op.drop_index("ix_consents_status", "consents")
    op.drop_index("ix_contacts_added", "contacts")
    op.drop_index("ix_contacts_name", "contacts")
    op.drop_column("contacts", "first_key")
    op.drop_column("contacts", "last_key")
    op.create_index(
        "ix_contacts_name",
        "contacts",
        ["tenant_id", sa.text("lower(last_name)"), sa.text("lower(first_name)"), "id"],
    )
    op.drop_index("ix_messages_unregistered", "messages")
    op.drop_index("ix_scheduled_texts_message", "scheduled_texts")
    op.drop_table("contact_presses")
    op.drop_table("first_run")
