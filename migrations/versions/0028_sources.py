"""A change of number and a merge are sources of their own; and a change is recorded at a moment that no seal
has closed.

Rows that are there stay as they are: they are sealed. Not in the models: history_moment().
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

SOURCES = (
    "source IN ('cold_inbound', 'manual_add', 'keyword', 'toggle', 'import', 'api', 'number_change', 'merge')"
)

# The clock, and the moment at which a change is to be recorded: the clock's, or the first instant after the
# newest seal where the clock stands behind it. The day is held as the writers of the history hold theirs
# (0004), and from before it is known to be open: so no seal closes it until this transaction ends. A status
# may be newer than the clock, and a change of it comes after that: where the history has rows of a later day,
# the lock that every sealer takes is held besides.
#
# VOLATILE, so that each statement sees the seals that were made while the one before it waited.
MOMENT = """
CREATE FUNCTION history_moment(tenant bigint, OUT clock timestamptz, OUT moment timestamptz)
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    LOOP
        clock := clock_timestamp();
        moment := greatest(clock,
            (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM seals WHERE tenant_id = tenant));
        PERFORM pg_advisory_xact_lock_shared(history_day_key(tenant, history_day(moment)));
        IF EXISTS (
            SELECT FROM opt_out_changes WHERE tenant_id = tenant
            AND changed_at >= (history_day(moment) + 1)::timestamp AT TIME ZONE 'UTC'
        ) THEN
            PERFORM pg_advisory_xact_lock_shared(history_day_key(tenant, NULL));
        END IF;
        EXIT WHEN NOT EXISTS (SELECT FROM seals WHERE tenant_id = tenant AND day >= history_day(moment));
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION history_moment FROM public;
GRANT EXECUTE ON FUNCTION history_moment TO cadence_app;
"""

# Who follows changes by hand, or those of imports, goes on to be told of what was among them until now.
FOLLOWED = """
UPDATE webhook_endpoints SET sources = sources || ARRAY['number_change']
    WHERE sources && ARRAY['toggle', 'import'] AND NOT 'number_change' = ANY (sources);
UPDATE webhook_endpoints SET sources = sources || ARRAY['merge']
    WHERE 'toggle' = ANY (sources) AND NOT 'merge' = ANY (sources);
"""


def upgrade() -> None:
    op.drop_constraint("source", "opt_out_changes", type_="check")
    op.create_check_constraint("source", "opt_out_changes", SOURCES)
    op.create_index(
        "ix_opt_out_changes_carried",
        "opt_out_changes",
        ["tenant_id", "changed_at", "id"],
        postgresql_include=["team_id", "user_id", "status", "source"],
        postgresql_where=sa.text("source IN ('number_change', 'merge')"),
    )
    op.add_column("exports", sa.Column("left_out", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(MOMENT)
    op.execute(FOLLOWED)


def downgrade() -> None:
    raise RuntimeError("the ledger is never dropped by a migration")
