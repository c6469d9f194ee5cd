"""Who answered a campaign is noted when they do, so that its page lists them however many it texted; and what
was checked before it went is kept with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.tenants import for_all_tenants

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

# As campaigns/answers.py notes it from now on: each text of a person counts for the campaign that texted them
# last in the seven days before. What opted them out or in was a keyword, and no answer; nor is a reaction,
# which is known by how it begins.
_ANSWERS = r"""
SELECT r.id, min(said.created_at) AS first_at
FROM messages said
CROSS JOIN LATERAL (
    SELECT t.id FROM messages t
    WHERE t.conversation_id = said.conversation_id AND t.id < said.id AND t.campaign_id IS NOT NULL
      AND t.created_at > said.created_at - interval '168 hours'
    ORDER BY t.id DESC LIMIT 1) AS texted
JOIN campaign_recipients r ON r.message_id = texted.id AND r.state IN ('sent', 'delivered', 'failed')
WHERE said.direction = 'inbound'
  AND said.conversation_id IN (SELECT conversation_id FROM messages WHERE campaign_id IS NOT NULL)
  AND NOT EXISTS (SELECT FROM opt_out_changes c WHERE c.message_id = said.id AND c.source = 'keyword')
  AND said.body !~* '^(un|dis)?(liked|loved|laughed at|emphasi[sz]ed|questioned) ["\u201c]'
  AND said.body !~* '^(reacted .{1,30} to|removed an? .{1,30} from) ["\u201c]'
GROUP BY r.id
"""
_NOTE = (
    "UPDATE campaign_recipients r SET answered_at = answers.first_at"  # noqa: S608 - our own constant
    f" FROM ({_ANSWERS}) AS answers WHERE r.id = answers.id"
)
_COUNT = f"SELECT count(*) FROM ({_ANSWERS}) AS answers"  # noqa: S608 - our own constant


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("checked", postgresql.JSONB(), nullable=True))
    op.add_column("campaign_recipients", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    for_all_tenants(_NOTE, _COUNT)
    op.create_index(
        "ix_campaign_recipients_texts",
        "campaign_recipients",
        ["contact_id", "message_id"],
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
    op.create_index(
        "ix_campaign_recipients_answered",
        "campaign_recipients",
        ["campaign_id", sa.text("answered_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("answered_at IS NOT NULL"),
    )


def downgrade() -> None:
    raise RuntimeError("who answered a campaign is never dropped by a migration")
