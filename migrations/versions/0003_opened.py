"""When a text of a contact was first opened, and the index that message activity reads by.

`conversations.unread` is a counter that opening resets and marking unread sets again, so it can't say which
texts nobody ever opened.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The texts that the counter still calls unread stay unopened: the newest ones of each conversation. When the
# others were opened nobody wrote down; what is sure is that it was before now.
FILL = """
UPDATE messages SET opened_at = now()
FROM (
    SELECT m.id, c.unread, row_number() OVER (PARTITION BY m.conversation_id ORDER BY m.id DESC) AS newest
    FROM messages m JOIN conversations c ON c.id = m.conversation_id
    WHERE m.direction = 'inbound'
) inbound
WHERE messages.id = inbound.id AND inbound.newest > inbound.unread
"""


def upgrade() -> None:
    op.add_column("messages", sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(FILL)
    op.create_index("ix_messages_activity", "messages", ["tenant_id", "created_at"])
    op.create_index(
        "ix_messages_unopened",
        "messages",
        ["conversation_id"],
        postgresql_where=sa.text("direction = 'inbound' AND opened_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_messages_unopened", "messages")
    op.drop_index("ix_messages_activity", "messages")
    op.drop_column("messages", "opened_at")
