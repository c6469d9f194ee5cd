"""What goes on by itself on a person's right: API tokens and schedules of exports know whose right that is,
since when it is gone, and when somebody must look at them; every token ends one day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.tenants import for_all_tenants, give_to_lookup

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

# The tenants where a token or a schedule asks for a look: what belongs to somebody who is no admin any more
# and is not noted so, is to be told of again or is over; what is noted so and is not; a token before it ends.
DUE = """
CREATE FUNCTION tenants_with_standing_due() RETURNS SETOF bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT t.tenant_id FROM api_tokens t JOIN users u ON u.tenant_id = t.tenant_id AND u.id = t.owner_id
    WHERE t.revoked_at IS NULL AND (
        t.next_notice_at <= now()
        OR CASE WHEN u.active AND u.role = 'admin' AND u.invited_at IS NULL THEN t.gone_at IS NOT NULL
           ELSE t.expires_at > now() AND (t.gone_at IS NULL OR t.remind_at <= now()) END
    )
    UNION
    SELECT s.tenant_id FROM export_schedules s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.owner_id
    WHERE s.deleted_at IS NULL
      AND CASE WHEN u.active AND u.role = 'admin' AND u.invited_at IS NULL THEN s.gone_at IS NOT NULL
          ELSE s.gone_at IS NULL OR s.remind_at <= now() END
$$;
REVOKE ALL ON FUNCTION tenants_with_standing_due FROM public;
GRANT EXECUTE ON FUNCTION tenants_with_standing_due TO cadence_app;
"""
DUE_READS = {
    "users": "tenant_id, id, active, role, invited_at",
    "api_tokens": "tenant_id, owner_id, revoked_at, expires_at, next_notice_at, gone_at, remind_at",
    "export_schedules": "tenant_id, owner_id, deleted_at, gone_at, remind_at",
}


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("api_tokens", sa.Column("owner_id", sa.BigInteger(), nullable=True))
    for name in ("gone_at", "remind_at", "next_notice_at", "refused_at"):
        op.add_column("api_tokens", sa.Column(name, moment, nullable=True))
    for name in ("end_reason", "refused_call", "refused_from"):
        op.add_column("api_tokens", sa.Column(name, sa.Text(), server_default="", nullable=False))
    for name in ("gone_at", "remind_at"):
        op.add_column("export_schedules", sa.Column(name, moment, nullable=True))
    _fill()
    op.alter_column("api_tokens", "owner_id", nullable=False)
    op.alter_column("api_tokens", "expires_at", nullable=False)
    op.create_foreign_key(
        "api_tokens_owner_id_fkey",
        *("api_tokens", "users", ["tenant_id", "owner_id"], ["tenant_id", "id"]),
    )
    op.execute(DUE)
    give_to_lookup("tenants_with_standing_due()", DUE_READS)


def _fill() -> None:
    """Whose right a token works on is its maker's so far. No token works for longer than a year from now, and
    those that work still are told of 30 days before."""
    for_all_tenants("UPDATE api_tokens SET owner_id = created_by_id", "SELECT count(*) FROM api_tokens")
    endless = "expires_at IS NULL OR expires_at > now() + interval '1 year'"
    for_all_tenants(
        f"UPDATE api_tokens SET expires_at = now() + interval '1 year' WHERE {endless}",  # noqa: S608 - our own
        f"SELECT count(*) FROM api_tokens WHERE {endless}",  # noqa: S608 - our own
    )
    working = "revoked_at IS NULL AND expires_at > now()"
    for_all_tenants(
        f"UPDATE api_tokens SET next_notice_at = expires_at - interval '30 days' WHERE {working}",  # noqa: S608
        f"SELECT count(*) FROM api_tokens WHERE {working}",  # noqa: S608 - our own
    )
    ended = "revoked_at IS NOT NULL"
    for_all_tenants(
        f"UPDATE api_tokens SET end_reason = 'ended' WHERE {ended}",  # noqa: S608 - our own
        f"SELECT count(*) FROM api_tokens WHERE {ended}",  # noqa: S608 - our own
    )


def downgrade() -> None:
    raise RuntimeError("whose right a token works on is never forgotten by a migration")
