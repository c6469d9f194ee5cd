"""Isolation that can't be switched off: row-level security holds for the tables' owner too, look-ups belong
to a role of their own, foreign keys carry the tenant, and what functions read can't be put before them.

It comes after every migration that makes a table of tenants without migrations/tenants.py, for it goes over
the catalogue.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.tenants import CURRENT_TENANT, carry_tenant, force, give_to_lookup, guarded_tables, protect

revision = "0040"
down_revision = "0036"
branch_labels = None
depends_on = None

NO_ROLE = (
    "The role {role} is missing, or {user} may not use it: run `flask cadence prepare-database` first"
    " (docs/configuration.md, The database's roles)."
)

# The look-ups that come before a tenant is known, or look past it, and the columns that they read.
LOOKUPS = {
    "find_sign_in(text)": {"users": "tenant_id, id, email"},
    "find_inbox(text)": {"inboxes": "tenant_id, id, number"},
    "find_api_token(text)": {"api_tokens": "tenant_id, id, key"},
    "find_sign_in_session(bytea)": {"sign_in_sessions": "tenant_id, id, last_seen_at, key_hash, ended_at"},
    "find_single_sign_on(text)": {"single_sign_on_domains": "tenant_id, domain"},
    "find_carrier_account(text)": {"carrier_accounts": "tenant_id, id, key"},
    "others_have_domain(text)": {"users": "tenant_id, email, invited_at"},
    # Of the tenant's own rows only, as it says itself: under a policy that asks for more than `true`,
    # PostgreSQL uses no index for an operator that might tell what others' rows hold.
    "changes_with(text,text)": {
        "opt_out_changes": "tenant_id, id, first_name, last_name, external_id, number",
    },
}

# A schema of temporary tables that is not named comes first: whoever may make one could lay another table
# before what a function reads, such as the seals that refuse a change.
SEARCH_PATHS = """
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p
        JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = 'public'::regnamespace AND (p.prosecdef OR l.lanname = 'plpgsql')
          AND pg_has_role(p.proowner, 'MEMBER')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', f.name);
    END LOOP;
END $$;
"""

# A day is over in every zone of the clock that counts: UTC. Ten minutes of grace are the sealer's own matter.
SEALS = """
CREATE FUNCTION refuse_seal_of_open_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.day >= history_day(clock_timestamp()) THEN
        RAISE EXCEPTION 'the day % is not over: it can''t be sealed', NEW.day
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER open_days BEFORE INSERT ON seals FOR EACH ROW EXECUTE FUNCTION refuse_seal_of_open_day();
"""

# The application deletes no status itself: this one takes them from contacts who are gone, merged or erased.
LEAVING = f"""
CREATE FUNCTION leave_teams(ids bigint[]) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    left_teams bigint;
BEGIN
    DELETE FROM consents WHERE tenant_id = {CURRENT_TENANT} AND contact_id = ANY (ids);
    GET DIAGNOSTICS left_teams = ROW_COUNT;
    RETURN left_teams;
END $$;
REVOKE ALL ON FUNCTION leave_teams FROM public;
GRANT EXECUTE ON FUNCTION leave_teams TO cadence_app;
REVOKE DELETE ON consents FROM cadence_app;
"""  # noqa: S608 - our own constant


def upgrade() -> None:
    _check_roles()
    _make_leases()
    carry_tenant()
    # The unique key that changes are now referred to by has the same columns.
    op.drop_index("ix_opt_out_changes_feed", table_name="opt_out_changes")
    op.execute(SEALS)
    op.execute(LEAVING)
    op.execute(SEARCH_PATHS)
    for function, reads in LOOKUPS.items():
        give_to_lookup(function, reads)
    for table in guarded_tables():
        force(table)
    op.execute("GRANT USAGE ON SCHEMA public TO cadence_backup, cadence_lookup")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO cadence_backup")
    op.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO cadence_backup")
    for kind in ("TABLES", "SEQUENCES"):
        op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON {kind} TO cadence_backup")


def _check_roles() -> None:
    """Errors: RuntimeError where the roles were not made before; a migration's user may not make them all."""
    for role in ("cadence_app", "cadence_lookup", "cadence_backup"):
        known = op.get_bind().scalar(
            sa.text(
                "SELECT r.rolname <> 'cadence_lookup' OR pg_has_role(r.oid, 'MEMBER')"
                " FROM pg_roles r WHERE r.rolname = :role"
            ),
            {"role": role},
        )
        if not known:
            user = op.get_bind().scalar(sa.text("SELECT current_user"))
            raise RuntimeError(NO_ROLE.format(role=role, user=user))


def _make_leases() -> None:
    """Who works on what, for as long as work lasts longer than a transaction."""
    op.create_table(
        "leases",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "name"),
    )
    protect("leases", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    raise RuntimeError("what keeps tenants apart is never taken away by a migration")
