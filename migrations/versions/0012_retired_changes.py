"""Rows of the history that were erased or purged: what they were, so that the seals still prove the rest.

Not in the models: the two functions that are the only way past the history's append-only trigger, and the
triggers that keep the record of what they did from being changed, or added to for a day that is sealed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

# The row digest of docs/proof.md. consent/seals.py writes the same into its own statements.
DIGEST = """
CREATE FUNCTION netstring(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value || ',', '-,') $$;

CREATE FUNCTION change_digest(c opt_out_changes) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to('cadence-change-1 '
        || netstring(c.id::text) || netstring(c.tenant_id::text) || netstring(c.contact_id::text)
        || netstring(c.team_id::text) || netstring(c.status)
        || netstring(to_char(c.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || netstring(c.source) || netstring(c.user_id::text) || netstring(c.message_id::text)
        || netstring(c.first_name) || netstring(c.last_name) || netstring(c.external_id)
        || netstring(c.number) || netstring(c.team_code) || netstring(c.user_name)
        || netstring(c.words) || netstring(c.reason), 'UTF8'))
$$;
"""

# The history's trigger lets one change of a row through: the one that the record says, to the byte.
ONLY_WAY = """
CREATE OR REPLACE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (
        SELECT FROM retired_changes r
        WHERE r.change_id = OLD.id AND r.how = 'erased' AND r.replaced = change_digest(NEW)
    ) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM retired_changes r WHERE r.change_id = OLD.id AND r.how = 'purged'
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'opt_out_changes is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER append_only ON opt_out_changes;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON opt_out_changes
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON opt_out_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();

CREATE FUNCTION erased_change(c opt_out_changes, why text) RETURNS opt_out_changes
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    c.first_name := '';
    c.last_name := '';
    c.external_id := '';
    c.number := 'erased-' || c.contact_id;
    c.words := '';
    c.reason := 'Erased: ' || why;
    RETURN c;
END $$;
"""

# Both take the day they happen on as a writer of the history does (0004): no seal misses one on its way.
RECORD = f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retired_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();

CREATE FUNCTION refuse_retiring_on_sealed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'rows are retired in READ COMMITTED only: an older snapshot can''t see a seal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(history_day_key(held.tenant_id, held.day)) FROM (
        SELECT DISTINCT tenant_id, CASE WHEN day >= history_day(clock_timestamp()) - 1 THEN day END AS day
        FROM (SELECT tenant_id, history_day(retired_at) AS day FROM added) AS days
    ) AS held;
    IF EXISTS (
        SELECT FROM added WHERE retired_at > clock_timestamp() OR history_day(retired_at)
            <= (SELECT max(day) FROM seals WHERE seals.tenant_id = added.tenant_id)
    ) THEN
        RAISE EXCEPTION 'no row can be retired at another time than now' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sealed_days AFTER INSERT ON retired_changes REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_retiring_on_sealed_day();

CREATE FUNCTION erase_changes(ids bigint[], by_user bigint, by_name text, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    tenant bigint := {CURRENT_TENANT};
    erased bigint[];
BEGIN
    WITH held AS (
        SELECT c FROM opt_out_changes c
        WHERE c.tenant_id = tenant AND c.id = ANY (ids)
          AND NOT EXISTS (SELECT FROM retired_changes r WHERE r.change_id = c.id)
        ORDER BY c.id FOR UPDATE
    ), added AS (
        INSERT INTO retired_changes
            (tenant_id, change_id, day, digest, how, user_id, user_name, reason, replaced)
        SELECT tenant, (c).id, history_day((c).changed_at), change_digest(c), 'erased', by_user, by_name, why,
               change_digest(erased_change(c, why))
        FROM held RETURNING change_id
    ) SELECT array_agg(change_id) INTO erased FROM added;
    UPDATE opt_out_changes c SET (first_name, last_name, external_id, number, words, reason)
        = (SELECT e.first_name, e.last_name, e.external_id, e.number, e.words, e.reason
           FROM erased_change(c, why) AS e)
        WHERE c.id = ANY (erased);
    RETURN coalesce(cardinality(erased), 0);
END $$;

CREATE FUNCTION purge_changes(ids bigint[], by_user bigint, by_name text, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    tenant bigint := {CURRENT_TENANT};
    purged bigint[];
BEGIN
    WITH held AS (
        SELECT c FROM opt_out_changes c
        WHERE c.tenant_id = tenant AND c.id = ANY (ids)
          AND history_day(c.changed_at) <= (SELECT max(day) FROM seals WHERE tenant_id = tenant)
          AND NOT EXISTS (SELECT FROM consents WHERE change_id = c.id)
        ORDER BY c.id FOR UPDATE
    ), added AS (
        INSERT INTO retired_changes
            (tenant_id, change_id, day, digest, how, user_id, user_name, reason, replaced)
        SELECT tenant, (c).id, history_day((c).changed_at),
               coalesce((SELECT digest FROM retired_changes WHERE change_id = (c).id), change_digest(c)),
               'purged', by_user, by_name, why, NULL
        FROM held RETURNING change_id
    ) SELECT array_agg(change_id) INTO purged FROM added;
    DELETE FROM opt_out_changes WHERE id = ANY (purged);
    RETURN coalesce(cardinality(purged), 0);
END $$;
REVOKE ALL ON FUNCTION erase_changes, purge_changes FROM public;
GRANT EXECUTE ON FUNCTION erase_changes, purge_changes TO cadence_app;
"""  # noqa: S608 - our own constant


def upgrade() -> None:
    op.create_table(
        "retired_changes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column(
            "retired_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("statement_timestamp()"),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("replaced", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("how IN ('erased', 'purged')", name="how"),
        sa.CheckConstraint("(how = 'purged') = (replaced IS NULL)", name="replaced"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("change_id", "how"),
    )
    op.create_index("ix_retired_changes_day", "retired_changes", ["tenant_id", "day", "change_id"])
    op.create_index("ix_retired_changes_retired", "retired_changes", ["tenant_id", "retired_at", "id"])
    op.execute("ALTER TABLE retired_changes ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON retired_changes USING (tenant_id = {CURRENT_TENANT})")
    op.execute("GRANT SELECT ON retired_changes TO cadence_app")
    op.add_column("seals", sa.Column("retired", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("seals", sa.Column("retired_digest", sa.LargeBinary(), nullable=True))
    # What finds the rows whose status rests on a change.
    op.create_index("ix_consents_change", "consents", ["change_id"])
    op.execute(DIGEST)
    op.execute(ONLY_WAY)
    op.execute(RECORD)


def downgrade() -> None:
    raise RuntimeError("the record of what was erased is never dropped by a migration")
