"""A status follows its newest change only, and temporary tables can't lead the owner's look-ups astray."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MATCHES_HISTORY = """
CREATE OR REPLACE FUNCTION require_matching_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM opt_out_changes c
        WHERE c.id = NEW.change_id AND c.contact_id = NEW.contact_id AND c.team_id = NEW.team_id
          AND c.status = NEW.status AND c.changed_at = NEW.since
    ) OR EXISTS (
        SELECT FROM opt_out_changes c
        WHERE c.contact_id = NEW.contact_id AND c.team_id = NEW.team_id AND c.id > NEW.change_id
    ) THEN
        RAISE EXCEPTION 'contact %, team %: no matching history row', NEW.contact_id, NEW.team_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    op.execute(MATCHES_HISTORY)
    # A schema of temporary tables that is not named comes first.
    for function in ("find_sign_in(text)", "find_inbox(text)"):
        op.execute(f"ALTER FUNCTION {function} SET search_path = pg_catalog, public, pg_temp")


def downgrade() -> None:
    raise RuntimeError("the ledger's rules are never loosened by a migration")
