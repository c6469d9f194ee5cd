"""An e-mail address is reserved by who has confirmed it, and by nobody before: organisations invite whom they
like, and the first to accept takes the address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.tenants import for_all_tenants, give_to_lookup

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

# Who was here, or was made by an operator, has the address; who was only asked has not, nor whose invitation
# was taken back.
CAME = "invited_at IS NULL AND (active OR password_hash <> '' OR single_sign_on_subject IS NOT NULL)"

# Both come before a tenant is known, or look past it. Of a deactivated user an address is free again.
LOOKUPS = """
CREATE FUNCTION find_sign_in(sign_in_email text) RETURNS TABLE (tenant_id bigint, user_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
    $$ SELECT u.tenant_id, u.id FROM users u
       WHERE lower(u.email) = lower(sign_in_email) AND u.confirmed_at IS NOT NULL AND u.active $$;
CREATE FUNCTION others_have_domain(mail_domain text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
    $$ SELECT EXISTS (SELECT FROM users u
         WHERE right(lower(u.email), length(mail_domain) + 1) = '@' || lower(mail_domain)
           AND u.confirmed_at IS NOT NULL AND u.active
           AND u.tenant_id IS DISTINCT FROM
             nullif(current_setting('cadence.tenant_id', true), '')::bigint) $$;
REVOKE ALL ON FUNCTION find_sign_in, others_have_domain FROM public;
GRANT EXECUTE ON FUNCTION find_sign_in, others_have_domain TO cadence_app;
"""
READS = {"users": "tenant_id, id, email, confirmed_at, active"}


def upgrade() -> None:
    op.add_column("users", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("new_email", sa.Text(), server_default="", nullable=False))
    for_all_tenants(
        f"UPDATE users SET confirmed_at = now() WHERE {CAME}",  # noqa: S608 - our own constant
        f"SELECT count(*) FROM users WHERE {CAME}",  # noqa: S608 - our own constant
    )
    op.drop_index("uq_users_email", table_name="users")
    op.create_index(
        "uq_users_email",
        "users",
        [sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("confirmed_at IS NOT NULL AND active"),
    )
    op.create_index(
        "uq_users_tenant_email", "users", ["tenant_id", sa.literal_column("lower(email)")], unique=True
    )
    # They belong to the look-ups' role, which may do no more than own them.
    op.execute("SET LOCAL ROLE cadence_lookup")
    op.execute("DROP FUNCTION find_sign_in(text), others_have_domain(text)")
    op.execute("RESET ROLE")
    op.execute(LOOKUPS)
    for function in ("find_sign_in(text)", "others_have_domain(text)"):
        give_to_lookup(function, READS)


def downgrade() -> None:
    raise RuntimeError("an address that several were invited by can't be made one's again")
