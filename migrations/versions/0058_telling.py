"""What is for a user, which browsers and mails tell them, and what is on its way there.

Not in the models: a browser is told no longer once its session has ended, in whatever way; a trigger sees to
it, so that no way of ending one can forget it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.due import make_due, make_due_rows
from migrations.tenants import protect

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

_ENDING = """
CREATE FUNCTION end_push_subscriptions() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM push_subscriptions WHERE session_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER end_push_subscriptions AFTER UPDATE OF ended_at ON sign_in_sessions
    FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION end_push_subscriptions();
"""

# Inboxes of tenants who have a browser to tell, with a text of the last minutes that nobody has opened or was
# told of. The tenants are found as in migrations/due.py; the minutes are those of alerts/new_texts.py.
_NEW_TEXTS = """
WITH RECURSIVE having_some (tenant_id) AS (
    (SELECT w.tenant_id FROM push_subscriptions w ORDER BY w.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM push_subscriptions w WHERE w.tenant_id > h.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
    FROM having_some h WHERE h.tenant_id IS NOT NULL
)
SELECT h.tenant_id, found.id FROM having_some h CROSS JOIN LATERAL (
    SELECT first.id, row_number() OVER (ORDER BY first.id) AS place FROM (
        SELECT DISTINCT m.inbox_id AS id FROM messages m
        LEFT JOIN inbox_notices n ON n.inbox_id = m.inbox_id
        WHERE m.tenant_id = h.tenant_id AND m.created_at > now() - interval '5 minutes'
          AND m.created_at <= now() - late AND m.direction = 'inbound' AND m.opened_at IS NULL
          AND (n.inbox_id IS NULL OR (n.quiet_until <= now() AND NOT m.id = ANY (n.recent)))
        LIMIT of_each
    ) AS first
) AS found
WHERE h.tenant_id IS NOT NULL ORDER BY found.place, random() LIMIT at_most
"""


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), nullable=False)


def _tenant() -> sa.Column[int]:
    return sa.Column("tenant_id", sa.BigInteger(), sa.ForeignKey("tenants.id"), nullable=False)


def _key(name: str, to: str, nullable: bool = False, ondelete: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(f"{to}.id", ondelete=ondelete), nullable=nullable)


def _at(name: str, default: str = "", nullable: bool = False) -> sa.Column[object]:
    usual = sa.text(default) if default else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=usual, nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    op.add_column("tenants", sa.Column("notices_name", sa.Boolean(), server_default="false", nullable=False))
    _for_me()
    _browsers()
    op.create_table(
        "alert_choices",
        sa.Column("user_id", sa.BigInteger(), sa.ForeignKey("users.id"), nullable=False),
        _tenant(),
        sa.Column("mentions", sa.Boolean(), nullable=False),
        sa.Column("assignments", sa.Boolean(), nullable=False),
        _at("waiting_from", nullable=True),
        _at("waiting_next", nullable=True),
        sa.CheckConstraint("(waiting_from IS NULL) = (waiting_next IS NULL)", name="waiting"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_index("ix_alert_choices_waiting", "alert_choices", ["tenant_id", "waiting_next"])
    protect("alert_choices", "SELECT, INSERT, UPDATE, DELETE")
    make_due_rows(
        *("due_waiting_mails", "alert_choices", {"alert_choices": "tenant_id, user_id, waiting_next"}),
        waiting="w.waiting_next IS NOT NULL",
        due_at="w.waiting_next",
        id_column="user_id",
    )


def _for_me() -> None:
    op.create_table(
        "for_me",
        _id(),
        _tenant(),
        _key("user_id", "users"),
        _text("kind"),
        _key("conversation_id", "conversations"),
        _key("note_id", "notes", nullable=True, ondelete="CASCADE"),
        _key("by_id", "users"),
        _at("created_at", "clock_timestamp()"),
        *(_at(name, nullable=True) for name in ("seen_at", "told_at", "mailed_at")),
        sa.CheckConstraint("kind IN ('mention', 'assignment')", name="kind"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_for_me_list", "for_me", ["user_id", sa.text("id DESC")])
    op.create_index("ix_for_me_conversation", "for_me", ["conversation_id"])
    op.create_index("ix_for_me_note", "for_me", ["note_id"], postgresql_where=sa.text("note_id IS NOT NULL"))
    for name, column in (("untold", "told_at"), ("unmailed", "mailed_at")):
        op.create_index(
            *(f"ix_for_me_{name}", "for_me", ["tenant_id", "created_at"]),
            postgresql_where=sa.text(f"{column} IS NULL"),
        )
    op.create_index("ix_for_me_age", "for_me", ["tenant_id", "created_at"])
    protect("for_me", "SELECT, INSERT, UPDATE, DELETE")
    op.execute("GRANT USAGE ON SEQUENCE for_me_id_seq TO cadence_app")
    for query, column in (("due_for_me_notices", "told_at"), ("due_for_me_mails", "mailed_at")):
        make_due_rows(
            *(query, "for_me", {"for_me": "tenant_id, id, user_id, created_at, told_at, mailed_at"}),
            waiting=f"w.{column} IS NULL",
            due_at="w.created_at",
            id_column="user_id",
        )
    make_due_rows(
        *("due_old_for_me", "for_me", {"for_me": "tenant_id, id, created_at"}),
        waiting="true",
        due_at="w.created_at",
    )


def _browsers() -> None:
    op.create_table(
        "push_keys",
        sa.Column("tenant_id", sa.BigInteger(), sa.ForeignKey("tenants.id"), nullable=False),
        _text("public_key"),
        _text("private_key"),
        _at("made_at", "now()"),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    op.create_table(
        "push_subscriptions",
        _id(),
        _tenant(),
        _key("user_id", "users"),
        _key("session_id", "sign_in_sessions", ondelete="CASCADE"),
        _text("endpoint"),
        sa.Column("endpoint_hash", sa.LargeBinary(), nullable=False),
        *(_text(name) for name in ("p256dh", "auth", "public_key", "device")),
        _at("told_since", "now()"),
        _at("worked_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "endpoint_hash"),
    )
    op.create_index("ix_push_subscriptions_user", "push_subscriptions", ["user_id"])
    op.create_index("ix_push_subscriptions_session", "push_subscriptions", ["session_id"])
    op.create_table(
        "push_notices",
        _id(),
        _tenant(),
        _key("subscription_id", "push_subscriptions", ondelete="CASCADE"),
        _text("kind"),
        _text("tag"),
        _key("inbox_id", "inboxes", nullable=True),
        _at("queued_at", "clock_timestamp()"),
        _at("useless_after"),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        _at("next_attempt_at", "now()"),
        sa.CheckConstraint("kind IN ('texts', 'for_me', 'test')", name="kind"),
        sa.CheckConstraint("(kind = 'texts') = (inbox_id IS NOT NULL)", name="inbox"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subscription_id", "tag"),
    )
    op.create_index("ix_push_notices_due", "push_notices", ["tenant_id", "next_attempt_at"])
    op.create_index("ix_push_notices_inbox", "push_notices", ["inbox_id"])
    op.create_table(
        "inbox_notices",
        sa.Column("inbox_id", sa.BigInteger(), sa.ForeignKey("inboxes.id"), nullable=False),
        _tenant(),
        sa.Column("recent", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        _at("quiet_until", "now()"),
        sa.PrimaryKeyConstraint("inbox_id"),
    )
    op.create_index("ix_inbox_notices_tenant_id", "inbox_notices", ["tenant_id"])
    for table in ("push_keys", "push_subscriptions", "push_notices", "inbox_notices"):
        protect(table, "SELECT, INSERT, UPDATE, DELETE")
    for table in ("push_subscriptions", "push_notices"):
        op.execute(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO cadence_app")
    op.execute(_ENDING)
    make_due_rows(
        *("due_push_notices", "push_notices", {"push_notices": "tenant_id, id, next_attempt_at"}),
        waiting="true",
        due_at="w.next_attempt_at",
    )
    make_due(
        "due_text_notices",
        _NEW_TEXTS,
        {
            "push_subscriptions": "tenant_id",
            "messages": "tenant_id, id, inbox_id, created_at, direction, opened_at",
            "inbox_notices": "inbox_id, quiet_until, recent",
        },
    )


def downgrade() -> None:
    raise RuntimeError("what users chose to be told of is never dropped by a migration")
