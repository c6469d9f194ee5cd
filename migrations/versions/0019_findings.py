"""What lists keep of people of other teams, when an operator's session ends, and whose a mail domain is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# A list says one thing of whoever is not in the team, and keeps only what was pasted.
UNKNOWN_IN_LISTS = """
UPDATE campaign_recipients r SET reason = 'no_consent', contact_id = NULL FROM campaigns c
    WHERE c.id = r.campaign_id AND (r.reason IN ('invalid', 'everywhere', 'no_consent')
      OR r.reason = 'duplicate' AND NOT EXISTS (
        SELECT FROM consents o WHERE o.contact_id = r.contact_id AND o.team_id = c.team_id))
"""

# Users of other tenants can't be seen: it runs as the owner, and says only whether there is one.
DOMAIN_OF_OTHERS = """
CREATE FUNCTION others_have_domain(mail_domain text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    $$ SELECT EXISTS (SELECT FROM users u
         WHERE right(lower(u.email), length(mail_domain) + 1) = '@' || lower(mail_domain)
           AND u.invited_at IS NULL
           AND u.tenant_id IS DISTINCT FROM
             nullif(current_setting('cadence.tenant_id', true), '')::bigint) $$;
REVOKE ALL ON FUNCTION others_have_domain FROM public;
GRANT EXECUTE ON FUNCTION others_have_domain TO cadence_app;
"""


def upgrade() -> None:
    op.execute(UNKNOWN_IN_LISTS)
    op.execute(DOMAIN_OF_OTHERS)
    op.add_column("operators", sa.Column("session_key", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("operators", "session_key")
    op.execute("DROP FUNCTION others_have_domain")
