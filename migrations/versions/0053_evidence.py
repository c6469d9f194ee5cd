"""Evidence of a yes: how a person agreed to be texted, append-only and sealed with its day.

Nothing is made up for consents that are there. Not in the models: what keeps a row as it was written, and the
two functions that are the only way past that, as erase_changes() and purge_changes() are for the history.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.tenants import CURRENT_TENANT, protect

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

METHODS = "method IN ('web_form', 'keyword', 'paper', 'spoken', 'import', 'api', 'other_system')"
WAYS = "way IN ('added', 'opted_in', 'new_text', 'number_change', 'record', 'import', 'api')"

# The recipe of docs/proof.md.
DIGEST = """
CREATE FUNCTION evidence_digest(e consent_evidence) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sha256(convert_to('cadence-evidence-1 '
        || netstring(e.id::text) || netstring(e.tenant_id::text) || netstring(e.contact_id::text)
        || netstring(e.team_id::text)
        || netstring(to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || netstring(e.method) || netstring(e.way)
        || netstring(to_char(e.agreed_on, 'YYYY-MM-DD'))
        || netstring(to_char(e.agreed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || netstring(e.words) || netstring(e.page_url) || netstring(encode(e.sha256, 'hex'))
        || netstring(e.ip) || netstring(e.number) || netstring(e.collected_by)
        || netstring(e.user_id::text) || netstring(e.user_name) || netstring(e.origin), 'UTF8'))
$$;
"""

ONLY_WAY = """
CREATE FUNCTION refuse_change_of_evidence() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (
        SELECT FROM retired_evidence r
        WHERE r.evidence_id = OLD.id AND r.how = 'erased' AND r.replaced = evidence_digest(NEW)
    ) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM retired_evidence r WHERE r.evidence_id = OLD.id AND r.how = 'purged'
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'consent_evidence is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON consent_evidence
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_evidence();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON consent_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_evidence();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sealed_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retired_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();
CREATE TRIGGER sealed_days AFTER INSERT ON retired_evidence REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_retiring_on_sealed_day();
"""

# Written on an open day only, which it holds as the writers of the history hold theirs.
CLOSED_DAYS = """
CREATE FUNCTION refuse_evidence_of_sealed_day() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    refused record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'evidence is written in READ COMMITTED only: an older snapshot can''t see a seal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(history_day_key(held.tenant_id, held.day)) FROM (
        SELECT DISTINCT tenant_id, CASE WHEN day >= history_day(clock_timestamp()) - 1 THEN day END AS day
        FROM (SELECT tenant_id, history_day(recorded_at) AS day FROM added) AS days
    ) AS held;
    SELECT oldest.recorded_at, sealed.day INTO refused
        FROM (SELECT tenant_id, min(recorded_at) AS recorded_at FROM added GROUP BY tenant_id) AS oldest
        CROSS JOIN LATERAL (SELECT max(day) AS day FROM seals WHERE tenant_id = oldest.tenant_id) AS sealed
        WHERE history_day(oldest.recorded_at) <= sealed.day
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'evidence of % is refused: the history is sealed up to %',
            to_char(refused.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), refused.day
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sealed_days AFTER INSERT ON consent_evidence REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_of_sealed_day();
"""

RETIRING = f"""
CREATE FUNCTION erased_evidence(e consent_evidence, why text) RETURNS consent_evidence
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    e.words := 'Erased: ' || why;
    e.page_url := '';
    e.sha256 := NULL;
    e.ip := '';
    e.number := 'erased-' || e.contact_id;
    e.collected_by := '';
    e.origin := '';
    RETURN e;
END $$;

CREATE FUNCTION erase_evidence(ids bigint[], by_user bigint, by_name text, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant bigint := {CURRENT_TENANT};
    at timestamptz := (SELECT moment FROM history_moment(tenant));
    erased bigint[];
BEGIN
    WITH held AS (
        SELECT e FROM consent_evidence e
        WHERE e.tenant_id = tenant AND e.id = ANY (ids)
          AND NOT EXISTS (SELECT FROM retired_evidence r WHERE r.evidence_id = e.id)
        ORDER BY e.id FOR UPDATE
    ), added AS (
        INSERT INTO retired_evidence
            (tenant_id, evidence_id, day, digest, how, retired_at, user_id, user_name, reason, replaced)
        SELECT tenant, (e).id, history_day((e).recorded_at), evidence_digest(e), 'erased', at, by_user,
               by_name, why, evidence_digest(erased_evidence(e, why))
        FROM held RETURNING evidence_id
    ) SELECT array_agg(evidence_id) INTO erased FROM added;
    UPDATE consent_evidence e SET (words, page_url, sha256, ip, number, collected_by, origin)
        = (SELECT n.words, n.page_url, n.sha256, n.ip, n.number, n.collected_by, n.origin
           FROM erased_evidence(e, why) AS n)
        WHERE e.id = ANY (erased);
    RETURN coalesce(cardinality(erased), 0);
END $$;

CREATE FUNCTION purge_evidence(ids bigint[], by_user bigint, by_name text, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant bigint := {CURRENT_TENANT};
    at timestamptz := (SELECT moment FROM history_moment(tenant));
    purged bigint[];
BEGIN
    WITH held AS (
        SELECT e FROM consent_evidence e
        WHERE e.tenant_id = tenant AND e.id = ANY (ids)
          AND history_day(e.recorded_at) <= (SELECT max(day) FROM seals WHERE tenant_id = tenant)
          AND NOT EXISTS (SELECT FROM consents c WHERE c.contact_id = e.contact_id AND c.team_id = e.team_id)
        ORDER BY e.id FOR UPDATE
    ), added AS (
        INSERT INTO retired_evidence
            (tenant_id, evidence_id, day, digest, how, retired_at, user_id, user_name, reason, replaced)
        SELECT tenant, (e).id, history_day((e).recorded_at),
               coalesce((SELECT digest FROM retired_evidence WHERE evidence_id = (e).id), evidence_digest(e)),
               'purged', at, by_user, by_name, why, NULL
        FROM held RETURNING evidence_id
    ) SELECT array_agg(evidence_id) INTO purged FROM added;
    DELETE FROM consent_evidence WHERE id = ANY (purged);
    RETURN coalesce(cardinality(purged), 0);
END $$;
REVOKE ALL ON FUNCTION erase_evidence, purge_evidence FROM public;
GRANT EXECUTE ON FUNCTION erase_evidence, purge_evidence TO cadence_app;
"""  # noqa: S608 - our own constant

# Who is removed by age loses the evidence with the history. What is new keeps them, evidence too, and also
# where it is of a record that was merged into theirs.
REMOVAL = """
CREATE OR REPLACE FUNCTION removable_contacts(tenant bigint, ids bigint[], before timestamptz)
    RETURNS TABLE (contact_id bigint, last_at timestamptz)
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT c.id, greatest(c.created_at, texts.last_at, changes.last_at, evidence.last_at)
    FROM contacts c
    CROSS JOIN LATERAL (
        SELECT array_append(array_agg(m.id), c.id) AS theirs FROM contacts m WHERE m.merged_into_id = c.id
    ) AS own
    CROSS JOIN LATERAL (
        SELECT max(last_message_at) AS last_at FROM conversations WHERE contact_id = c.id) AS texts
    CROSS JOIN LATERAL (
        SELECT max(changed_at) AS last_at FROM opt_out_changes
        WHERE contact_id = ANY (own.theirs)) AS changes
    CROSS JOIN LATERAL (
        SELECT max(recorded_at) AS last_at FROM consent_evidence
        WHERE contact_id = ANY (own.theirs)) AS evidence
    WHERE c.tenant_id = tenant AND c.id = ANY (ids) AND c.merged_into_id IS NULL
      AND greatest(c.created_at, texts.last_at, changes.last_at, evidence.last_at)
        < least(before, now() - interval '1 year')
      AND NOT EXISTS (
        SELECT FROM legal_holds h JOIN contacts held ON held.id = h.contact_id
        WHERE c.id IN (held.id, held.merged_into_id))
      AND NOT EXISTS (SELECT FROM possible_opt_outs p WHERE p.contact_id = c.id AND p.decision = 'open')
$$;

CREATE OR REPLACE FUNCTION remove_dependants(parent regclass, ids bigint[]) RETURNS void LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    link record;
    below bigint[];
BEGIN
    FOR link IN
        SELECT c.conrelid::regclass AS child, a.attname AS name, a.attnotnull AS needed,
            EXISTS (SELECT FROM pg_attribute i
                    WHERE i.attrelid = c.conrelid AND i.attname = 'id' AND NOT i.attisdropped) AS has_id
        FROM pg_constraint c
        CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS keys(own, theirs)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = keys.own
        JOIN pg_attribute p ON p.attrelid = c.confrelid AND p.attnum = keys.theirs AND p.attname = 'id'
        WHERE c.contype = 'f' AND c.confrelid = parent
          AND c.conrelid NOT IN ('opt_out_changes'::regclass, 'consent_evidence'::regclass)
        ORDER BY 1, 2
    LOOP
        IF NOT link.needed THEN
            EXECUTE format('UPDATE %s SET %I = NULL WHERE %I = ANY ($1)', link.child, link.name, link.name)
                USING ids;
        ELSE
            IF link.has_id THEN
                EXECUTE format('SELECT array_agg(id) FROM %s WHERE %I = ANY ($1)', link.child, link.name)
                    INTO below USING ids;
                IF below IS NOT NULL THEN
                    PERFORM remove_dependants(link.child, below);
                END IF;
            END IF;
            EXECUTE format('DELETE FROM %s WHERE %I = ANY ($1)', link.child, link.name) USING ids;
        END IF;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION remove_contacts(
    ids bigint[], before timestamptz, by_user bigint, by_name text, why text
) RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant bigint := nullif(current_setting('cadence.tenant_id', true), '')::bigint;
    named bigint[];
    gone bigint[];
    changes bigint[];
    evidence bigint[];
BEGIN
    -- In the order of their ids, as every writer of consent takes them; who waits for one sees it is gone.
    PERFORM FROM contacts WHERE tenant_id = tenant AND id = ANY (ids) ORDER BY id FOR UPDATE;
    named := ARRAY(SELECT contact_id FROM removable_contacts(tenant, ids, before) ORDER BY 1);
    gone := named || ARRAY(SELECT id FROM contacts WHERE merged_into_id = ANY (named) ORDER BY id);
    DELETE FROM consents WHERE contact_id = ANY (gone);
    changes := ARRAY(SELECT id FROM opt_out_changes WHERE contact_id = ANY (gone) ORDER BY id);
    PERFORM remove_dependants('opt_out_changes', changes);
    PERFORM purge_changes(changes, by_user, by_name, why);
    evidence := ARRAY(SELECT id FROM consent_evidence WHERE contact_id = ANY (gone) ORDER BY id);
    PERFORM purge_evidence(evidence, by_user, by_name, why);
    PERFORM remove_dependants('contacts', gone);
    DELETE FROM contacts WHERE id = ANY (gone);
    RETURN QUERY SELECT unnest(named);
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "consent_evidence",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("collected_by", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.CheckConstraint(METHODS, name="method"),
        sa.CheckConstraint(WAYS, name="way"),
        sa.CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"]),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_consent_evidence_contact", "consent_evidence", ["contact_id", "team_id", "recorded_at"]
    )
    op.create_index("ix_consent_evidence_day", "consent_evidence", ["tenant_id", "recorded_at", "id"])
    op.create_table(
        "sealed_evidence",
        sa.Column("evidence_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("evidence_id"),
    )
    op.create_index("ix_sealed_evidence_day", "sealed_evidence", ["tenant_id", "day", "evidence_id"])
    op.create_table(
        "retired_evidence",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("evidence_id", sa.BigInteger(), nullable=False),
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
        sa.UniqueConstraint("evidence_id", "how"),
    )
    op.create_index("ix_retired_evidence_day", "retired_evidence", ["tenant_id", "day", "evidence_id"])
    op.create_index("ix_retired_evidence_retired", "retired_evidence", ["tenant_id", "retired_at", "id"])
    for name in ("evidence", "retired_evidence"):
        op.add_column("seals", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
        op.add_column("seals", sa.Column(f"{name}_digest", sa.LargeBinary(), nullable=True))
    op.add_column("seal_checks", sa.Column("problem_evidence_id", sa.BigInteger(), nullable=True))
    op.add_column("seal_checks", sa.Column("evidence", sa.BigInteger(), server_default="0", nullable=False))
    protect("consent_evidence", "SELECT, INSERT")
    protect("sealed_evidence", "SELECT, INSERT")
    protect("retired_evidence", "SELECT")
    op.execute("GRANT USAGE ON SEQUENCE consent_evidence_id_seq TO cadence_app")
    for statement in (DIGEST, ONLY_WAY, CLOSED_DAYS, RETIRING, REMOVAL):
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("evidence of consent is never dropped by a migration")
