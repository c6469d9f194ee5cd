"""Texts go in batches: what waits is found by its inbox, and every text keeps what decided that it might go.

A text needs no job any more, so who looks for lost ones looks for those whose worker is gone alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.due import make_due, rows

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

_WAITING = "state = 'queued' AND campaign_id IS NULL"

# The inboxes with a text that is due and a turn that is free within `ahead`: of each tenant one, then the
# second ones. The inboxes that have some waiting are found one after the other in the index.
_OUTGOING = """
WITH RECURSIVE having_some (tenant_id, inbox_id) AS (
    (SELECT w.tenant_id, w.inbox_id FROM messages w WHERE {waiting} ORDER BY w.tenant_id, w.inbox_id LIMIT 1)
    UNION ALL
    SELECT after.tenant_id, after.inbox_id FROM having_some h CROSS JOIN LATERAL (
        SELECT w.tenant_id, w.inbox_id FROM messages w
        WHERE {waiting} AND (w.tenant_id, w.inbox_id) > (h.tenant_id, h.inbox_id)
        ORDER BY w.tenant_id, w.inbox_id LIMIT 1
    ) AS after
)
SELECT ready.tenant_id, ready.inbox_id FROM (
    SELECT h.tenant_id, h.inbox_id, row_number() OVER (PARTITION BY h.tenant_id ORDER BY random()) AS place
    FROM having_some h JOIN inboxes i ON i.id = h.inbox_id
    WHERE (i.next_text_at IS NULL OR i.next_text_at <= clock_timestamp() + ahead)
      AND EXISTS (SELECT FROM messages w WHERE w.tenant_id = h.tenant_id AND w.inbox_id = h.inbox_id
                  AND {waiting}
                  AND (w.next_attempt_at IS NULL OR w.next_attempt_at <= clock_timestamp() - late))
) AS ready WHERE ready.place <= of_each ORDER BY ready.place, random() LIMIT at_most
""".format(waiting="w.state = 'queued' AND w.campaign_id IS NULL")  # noqa: S608 - of constants


def upgrade() -> None:
    op.add_column("messages", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("decided_standing", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("decided_change_id", sa.BigInteger(), nullable=True))
    op.execute("DROP FUNCTION due_texts, due_held_texts")
    op.drop_index("ix_messages_overdue", "messages")
    op.create_index(
        "ix_messages_outgoing",
        "messages",
        ["tenant_id", "inbox_id", "kind", "id"],
        postgresql_where=sa.text(_WAITING),
    )
    make_due("due_outgoing", _OUTGOING, {"inboxes": "id, next_text_at"}, ", ahead interval")
    lost = rows(
        "messages",
        waiting="w.state = 'sending' AND w.campaign_id IS NULL",
        due_at="coalesce(w.next_attempt_at, w.sending_since)",
        due="coalesce(w.next_attempt_at, w.sending_since) <= now() AND w.sending_since <= now() - late",
    )
    make_due("due_lost_texts", lost, {})


def downgrade() -> None:
    raise RuntimeError("what decided that a text might go is never dropped by a migration")
