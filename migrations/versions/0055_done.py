"""A conversation is open, snoozed or done, and is known to wait for a reply.

What was quiet for 14 days is done at once, and what nobody but a campaign has written in is in no list. For
the others it is worked out from their texts since when they wait, as far as these tell.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.due import make_due_rows
from migrations.tenants import open_to_owner, protect

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

# A person's own text, the contact's or a user's.
OF_PERSONS = """
    (m.direction = 'inbound'
     OR m.direction = 'outbound' AND m.user_id IS NOT NULL AND m.campaign_id IS NULL
        AND m.state NOT IN ('failed', 'suppressed', 'dropped'))
"""

# A conversation that is somebody's, has a note or waits for a text of a later time stays in the list too.
LISTED = f"""
UPDATE conversations c SET listed_at = coalesce(wrote.last_at, CASE
    WHEN c.assignee_id IS NOT NULL
      OR EXISTS (SELECT FROM notes n WHERE n.conversation_id = c.id)
      OR EXISTS (SELECT FROM scheduled_texts s WHERE s.conversation_id = c.id
                 AND s.state IN ('waiting', 'held', 'missed'))
    THEN c.last_message_at END)
FROM conversations b LEFT JOIN LATERAL (
    SELECT max(m.created_at) AS last_at FROM messages m WHERE m.conversation_id = b.id AND {OF_PERSONS}
) AS wrote ON true
WHERE b.id = c.id
"""  # noqa: S608 - of constants

# Words that may be an opt out are decided by a person, however old they are.
QUIET = """
UPDATE conversations c SET state = 'done'
WHERE (c.listed_at IS NULL OR c.listed_at < now() - interval '14 days')
  AND NOT EXISTS (
    SELECT FROM possible_opt_outs p JOIN inboxes i ON i.id = c.inbox_id AND i.team_id = p.team_id
    WHERE p.contact_id = c.contact_id AND p.decision = 'open')
"""

# A keyword that was acted on stands in the history or was answered by the text that follows it; a reaction
# is known by how it begins.
NEED = r"""
UPDATE messages m SET needs_reply = true
FROM conversations c
WHERE m.conversation_id = c.id AND c.state = 'open' AND m.direction = 'inbound'
  AND m.id > coalesce((
    SELECT max(a.id) FROM messages a
    WHERE a.conversation_id = c.id AND a.direction = 'outbound' AND a.user_id IS NOT NULL
      AND a.campaign_id IS NULL AND a.state NOT IN ('failed', 'suppressed', 'dropped')), 0)
  AND NOT EXISTS (SELECT FROM opt_out_changes o WHERE o.message_id = m.id AND o.source = 'keyword')
  AND coalesce((
    SELECT n.direction = 'inbound' OR n.kind = 'person' FROM messages n
    WHERE n.conversation_id = c.id AND n.id > m.id ORDER BY n.id LIMIT 1), true)
  AND m.body !~* '^(un|dis)?(liked|loved|laughed at|emphasi[sz]ed|questioned) ["\u201c]'
  AND m.body !~* '^(reacted .{1,30} to|removed an? .{1,30} from) ["\u201c]'
"""

WAITING = """
UPDATE conversations c SET waiting_since = asked.since
FROM (
    SELECT m.conversation_id, min(coalesce(m.provider_at, m.created_at)) AS since
    FROM messages m WHERE m.needs_reply GROUP BY 1
) AS asked
WHERE asked.conversation_id = c.id
"""

# The line that says so, once.
TOLD = """
UPDATE tenants t SET quiet_done_at = now()
WHERE EXISTS (SELECT FROM conversations c
              WHERE c.tenant_id = t.id AND c.state = 'done' AND c.listed_at IS NOT NULL)
"""


def upgrade() -> None:
    op.add_column("conversations", sa.Column("state", sa.Text(), server_default="open", nullable=False))
    for name in ("snoozed_until", "listed_at", "waiting_since"):
        op.add_column("conversations", sa.Column(name, INSTANT))
    op.add_column("messages", sa.Column("answered_since", INSTANT))
    op.add_column("messages", sa.Column("needs_reply", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("tenants", sa.Column("quiet_done_at", INSTANT))
    _changes()
    _batches()
    _choices()
    _fill()
    op.create_check_constraint("state", "conversations", "state IN ('open', 'snoozed', 'done')")
    op.create_check_constraint(
        "snoozed", "conversations", "(state = 'snoozed') = (snoozed_until IS NOT NULL)"
    )
    op.create_check_constraint("done", "conversations", "state <> 'done' OR waiting_since IS NULL")
    _indexes()
    make_due_rows(
        "due_snoozes",
        "conversations",
        {"conversations": "tenant_id, id, state, snoozed_until"},
        waiting="w.state = 'snoozed'",
        due_at="w.snoozed_until",
    )


def _changes() -> None:
    states = "('open', 'snoozed', 'done')"
    op.create_table(
        "state_changes",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("tenant_id", sa.BigInteger(), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), sa.ForeignKey("users.id")),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("before_until", INSTANT),
        sa.Column("waited_since", INSTANT),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("until", INSTANT),
        sa.Column("created_at", INSTANT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("undone_at", INSTANT),
        sa.CheckConstraint(f"before IN {states}", name="before"),
        sa.CheckConstraint(f"after IN {states}", name="after"),
        sa.CheckConstraint("cause IN ('user', 'text', 'snooze_ended', 'not_sent', 'decided')", name="cause"),
    )
    op.create_index("ix_state_changes_thread", "state_changes", ["conversation_id", "id"])
    op.execute("GRANT USAGE ON SEQUENCE state_changes_id_seq TO cadence_app")
    protect("state_changes", "SELECT, INSERT, UPDATE, DELETE")


def _batches() -> None:
    op.create_table(
        "desk_batches",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("tenant_id", sa.BigInteger(), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("assignee_id", sa.BigInteger(), sa.ForeignKey("users.id")),
        sa.Column("tag_id", sa.BigInteger(), sa.ForeignKey("tags.id", ondelete="CASCADE")),
        sa.Column("left_out", sa.BigInteger(), nullable=False),
        sa.Column("newer", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("undone_at", INSTANT),
        sa.CheckConstraint("action IN ('done', 'snooze', 'reopen', 'read', 'assign', 'tag')", name="action"),
    )
    op.create_index("ix_desk_batches_user", "desk_batches", ["user_id", "created_at"])
    op.create_table(
        "desk_batch_items",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("tenant_id", sa.BigInteger(), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column(
            "batch_id",
            sa.BigInteger(),
            sa.ForeignKey("desk_batches.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("conversation_id", sa.BigInteger(), sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("change_id", sa.BigInteger(), sa.ForeignKey("state_changes.id", ondelete="CASCADE")),
        sa.Column("assignee_id", sa.BigInteger(), sa.ForeignKey("users.id")),
        sa.Column("unread", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_desk_batch_items_batch", "desk_batch_items", ["batch_id", "conversation_id"])
    op.create_index("ix_desk_batch_items_conversation_id", "desk_batch_items", ["conversation_id"])
    for name in ("desk_batches", "desk_batch_items"):
        op.execute(f"GRANT USAGE ON SEQUENCE {name}_id_seq TO cadence_app")
        protect(name, "SELECT, INSERT, UPDATE, DELETE")


def _choices() -> None:
    op.create_table(
        "desk_choices",
        sa.Column("user_id", sa.BigInteger(), sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("tenant_id", sa.BigInteger(), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("tab", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Boolean(), nullable=False)
            for name in ("oldest_first", "done_told", "quiet_told")
        ),
    )
    protect("desk_choices", "SELECT, INSERT, UPDATE")


def _fill() -> None:
    # The trigger would have every open page read its lists anew, row by row.
    op.execute("ALTER TABLE conversations DISABLE TRIGGER changed")
    with open_to_owner():
        for statement in (LISTED, QUIET, NEED, WAITING, TOLD):
            op.get_bind().exec_driver_sql(statement)
    op.execute("ALTER TABLE conversations ENABLE TRIGGER changed")


def _indexes() -> None:
    op.drop_index("ix_conversations_latest", "conversations")
    op.create_index(
        "ix_conversations_listed",
        "conversations",
        ["inbox_id", sa.text("listed_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("listed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_conversations_open",
        "conversations",
        ["inbox_id", sa.text("listed_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("state = 'open' AND listed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_conversations_waiting",
        "conversations",
        ["inbox_id", "waiting_since", "id"],
        postgresql_where=sa.text("state = 'open' AND waiting_since IS NOT NULL"),
    )
    op.create_index(
        "ix_conversations_snoozed",
        "conversations",
        ["tenant_id", "snoozed_until"],
        postgresql_where=sa.text("state = 'snoozed'"),
    )


def downgrade() -> None:
    raise RuntimeError("what was done, snoozed or answered is never forgotten by a migration")
