"""A stop belongs to the number whose phone said it, and outlasts whoever had the number.

Not in the models: the triggers that bar a contact who gets a stopped number, in whatever way, and that take
the bar away with the number.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cadence_app.number_key import KEY_SETTING, hex_key

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"

# What is said of a stop to who has the number now: neither who said it nor the words.
BARS = """
CREATE FUNCTION stopped_number_words(said_at timestamptz, tenant bigint) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT 'An earlier holder of this number texted STOP on '
        || to_char(said_at AT TIME ZONE t.time_zone, 'FMMonth FMDD, YYYY') || '.'
    FROM tenants t WHERE t.id = tenant
$$;

-- A number of Mexico was kept with the 1 before it that it has lost since.
CREATE FUNCTION number_spellings(number text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    SELECT number
    UNION ALL SELECT '+521' || substr(number, 4) WHERE number ~ '^\\+52[0-9]{10}$'
$$;

CREATE FUNCTION bar_stopped_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM number_stops s JOIN added USING (tenant_id)) THEN
        INSERT INTO blocks (tenant_id, contact_id, scope, team_id, number, since, reason)
            SELECT added.tenant_id, added.contact_id, s.scope, s.team_id, added.number, s.said_at,
                coalesce(nullif(s.reason, ''), stopped_number_words(s.said_at, s.tenant_id))
            FROM added CROSS JOIN LATERAL number_spellings(added.number) AS spelled(number)
            JOIN number_stops s ON s.tenant_id = added.tenant_id
              AND s.digest = number_digest(added.tenant_id, spelled.number)
            WHERE added.until IS NULL
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stopped_barred AFTER INSERT ON contact_numbers REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION bar_stopped_numbers();

CREATE FUNCTION unbar_left_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM blocks b USING was JOIN became USING (id)
        WHERE was.until IS NULL AND became.until IS NOT NULL AND b.contact_id = became.contact_id
          AND b.number = became.number AND b.scope <> 'carrier_number';
    RETURN NULL;
END $$;
CREATE TRIGGER left_unbarred AFTER UPDATE ON contact_numbers
    REFERENCING OLD TABLE AS was NEW TABLE AS became
    FOR EACH STATEMENT EXECUTE FUNCTION unbar_left_numbers();
"""

# Each word that a phone said, as the history has it: a text from a further number names its phone in the
# message only. Whoever answered TEAM took back what they had said of the other teams. A word that counted for
# every team changed one status where they were in one: the bar from that moment tells.
SAID = """
CREATE TEMPORARY TABLE said ON COMMIT DROP AS
SELECT c.id, c.tenant_id, coalesce(m.other_number, c.number) AS number, c.contact_id, c.team_id,
    c.status = 'opted_out' AS stopped, coalesce(m.provider_at, c.changed_at) AS said_at,
    coalesce(i.kind = 'personal', false) AS personal,
    lower(c.words) ~ '^[^[:alpha:]]*stop\\s*all[^[:alpha:]]*$'
        OR (c.status = 'opted_out' AND (count(c.message_id) OVER (PARTITION BY c.message_id) > 1
            OR EXISTS (SELECT FROM blocks b WHERE b.contact_id = c.contact_id AND b.scope = 'organisation'
                AND b.number = '' AND b.reason = '' AND b.since = m.provider_at))) AS everywhere
FROM opt_out_changes c LEFT JOIN messages m ON m.id = c.message_id LEFT JOIN inboxes i ON i.id = m.inbox_id
WHERE c.source = 'keyword' AND coalesce(m.other_number, c.number) LIKE '+%'
"""
LAST_WORDS = """
CREATE TEMPORARY TABLE last_words ON COMMIT DROP AS
SELECT * FROM (
    SELECT DISTINCT ON (tenant_id, number, team_id) tenant_id, number, 'team' AS scope, team_id, contact_id,
        said_at, stopped
    FROM said ORDER BY tenant_id, number, team_id, said_at DESC, id DESC
) AS of_teams WHERE stopped
UNION ALL SELECT * FROM (
    SELECT DISTINCT ON (tenant_id, number) tenant_id, number, 'personal', NULL::bigint, contact_id, said_at,
        stopped
    FROM said WHERE personal ORDER BY tenant_id, number, said_at DESC, id DESC
) AS of_personal WHERE stopped
UNION ALL SELECT * FROM (
    SELECT DISTINCT ON (tenant_id, number) tenant_id, number, 'organisation', NULL::bigint, contact_id,
        said_at, stopped
    FROM said WHERE everywhere OR NOT stopped ORDER BY tenant_id, number, said_at DESC, id DESC
) AS of_all WHERE stopped
"""
# A stop of somebody who was opted out already made no row: it is noted at the status, or as a bar.
NOTED = """
INSERT INTO last_words
SELECT c.tenant_id, p.number, 'team', c.team_id, c.contact_id, c.stopped_at, true
FROM consents c JOIN contacts p ON p.id = c.contact_id
JOIN contact_numbers n ON n.contact_id = p.id AND n.number = p.number AND n.until IS NULL
WHERE c.status = 'opted_out' AND n.since <= c.stopped_at
UNION ALL
SELECT b.tenant_id, p.number, b.scope, NULL, b.contact_id, b.since, true
FROM blocks b JOIN contacts p ON p.id = b.contact_id
JOIN contact_numbers n ON n.contact_id = p.id AND n.number = p.number AND n.until IS NULL
WHERE b.scope IN ('personal', 'organisation') AND b.reason = '' AND n.since <= b.since
"""
KEEP = """
INSERT INTO number_stops (tenant_id, digest, scope, team_id, said_at, origin, reason)
SELECT tenant_id, number_digest(tenant_id, number), scope, team_id, max(said_at), 'text', ''
FROM last_words GROUP BY tenant_id, number, scope, team_id
ON CONFLICT DO NOTHING
"""
# Who has such a number now and did not say it: barred as whoever gets one from now on is.
BAR_HOLDERS = """
INSERT INTO blocks (tenant_id, contact_id, scope, team_id, number, since, reason)
SELECT DISTINCT ON (n.contact_id, w.scope, w.team_id, n.number)
    n.tenant_id, n.contact_id, w.scope, w.team_id, n.number, w.said_at,
    stopped_number_words(w.said_at, n.tenant_id)
FROM last_words w
JOIN contact_numbers n ON n.tenant_id = w.tenant_id AND n.number = w.number AND n.until IS NULL
JOIN contacts said_by ON said_by.id = w.contact_id
WHERE n.contact_id <> w.contact_id AND said_by.merged_into_id IS DISTINCT FROM n.contact_id
ORDER BY n.contact_id, w.scope, w.team_id, n.number, w.said_at DESC
ON CONFLICT DO NOTHING
"""
# Those of them who are opted in, and nobody wrote why since: held until a person decides (ten business days).
HOLD_HOLDERS = """
INSERT INTO possible_opt_outs (tenant_id, contact_id, team_id, words, received_at, due_on, decision)
SELECT DISTINCT ON (c.contact_id, c.team_id) c.tenant_id, c.contact_id, c.team_id, b.reason, now(), (
    SELECT day::date FROM generate_series(current_date + 1, current_date + 20, '1 day') AS day
    WHERE extract(isodow FROM day) < 6 ORDER BY day OFFSET 9 LIMIT 1), 'open'
FROM blocks b JOIN contacts p ON p.id = b.contact_id AND p.number = b.number
JOIN consents c ON c.contact_id = b.contact_id AND (b.scope = 'organisation' OR b.team_id = c.team_id)
JOIN opt_out_changes last ON last.id = c.change_id
WHERE b.scope IN ('team', 'organisation') AND c.status = 'opted_in'
  AND NOT (last.reason <> '' AND last.changed_at > b.since)
  AND NOT (last.source = 'keyword' AND last.changed_at > b.since)
ORDER BY c.contact_id, c.team_id, b.since DESC
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.execute(sa.select(sa.func.set_config(KEY_SETTING, hex_key(), True)))
    op.create_table(
        "number_key_check",
        sa.Column(
            "single", sa.Boolean(), sa.CheckConstraint("single", name="single"), server_default=sa.true()
        ),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("single"),
    )
    op.execute("INSERT INTO number_key_check (digest) VALUES (number_digest(0, 'the key'))")
    op.execute("GRANT SELECT ON number_key_check TO cadence_app")
    op.create_table(
        "number_stops",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("scope IN ('team', 'personal', 'organisation')", name="scope"),
        sa.CheckConstraint("(scope = 'team') = (team_id IS NOT NULL)", name="team"),
        sa.CheckConstraint("origin IN ('text', 'erased', 'aged')", name="origin"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "digest", "scope", "team_id", postgresql_nulls_not_distinct=True),
    )
    _widen_blocks()
    op.drop_column("team_only_questions", "bar_reason")
    op.execute(
        "INSERT INTO number_stops (tenant_id, digest, scope, said_at, origin, reason)"
        " SELECT tenant_id, digest, 'organisation', erased_at,"
        " CASE WHEN reason LIKE 'This number was of a person who was erased%' THEN 'erased' ELSE 'aged' END,"
        " reason FROM erased_numbers"
    )
    op.execute("DROP TRIGGER erased_barred ON contact_numbers")
    op.execute("DROP FUNCTION bar_erased_numbers()")
    op.drop_table("erased_numbers")
    op.execute(BARS)
    for statement in (SAID, LAST_WORDS, NOTED, KEEP, BAR_HOLDERS, HOLD_HOLDERS):
        op.execute(statement)
    op.execute("ALTER TABLE number_stops ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON number_stops USING (tenant_id = {CURRENT_TENANT})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON number_stops TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def _widen_blocks() -> None:
    """A bar that came with a number names it, and may be of one team."""
    op.add_column("blocks", sa.Column("team_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(None, "blocks", "teams", ["team_id"], ["id"])
    op.drop_constraint(op.f("ck_blocks_scope"), "blocks", type_="check")
    op.create_check_constraint(
        "scope", "blocks", "scope IN ('team', 'personal', 'organisation', 'carrier_number')"
    )
    op.create_check_constraint("team", "blocks", "(scope = 'team') = (team_id IS NOT NULL)")
    op.drop_constraint("uq_blocks_contact_id_scope_inbox_id_number", "blocks", type_="unique")
    op.create_unique_constraint(
        None,
        "blocks",
        ["contact_id", "scope", "inbox_id", "number", "team_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.execute(
        "UPDATE blocks b SET number = n.number FROM contact_numbers n, erased_numbers e"
        " WHERE b.scope = 'organisation' AND b.reason <> '' AND n.contact_id = b.contact_id"
        " AND n.until IS NULL AND e.tenant_id = n.tenant_id"
        " AND e.digest = number_digest(n.tenant_id, n.number)"
    )


def downgrade() -> None:
    raise RuntimeError("what a phone said is never forgotten by a migration")
