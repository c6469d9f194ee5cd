"""Words that a person decided were an opt out are a stop of the phone that wrote them, and what a carrier
blocks is of the number: for whoever has it next. What earlier migrations filed short is filed again.

Nothing is taken away here: a stop that is kept once too often is answered by START or a written reason.
Not in the models: the trigger that hands on what a carrier blocks, and when a row of the history is retired.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from cadence_app.number_key import KEY_SETTING, hex_key
from migrations.tenants import CURRENT_TENANT, open_to_owner

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

# The phones that wrote what is flagged: a text names a further number itself; else it came from the one that
# was texted then. Of a person whom a merge made of two, it may be either's.
PHONES = """
UPDATE possible_opt_outs f SET numbers = wrote.numbers, said_at = greatest(f.received_at, wrote.said_at)
FROM (
    SELECT f.id, array_agg(DISTINCT coalesce(m.other_number, had.number)) AS numbers,
        max(least(coalesce(m.provider_at, m.created_at), now())) AS said_at
    FROM possible_opt_outs f JOIN messages m ON m.id = ANY (f.message_ids)
    JOIN contacts p ON p.id = f.contact_id
    LEFT JOIN LATERAL (
        SELECT n.number, n.number = p.number AS texted, n.contact_id = p.id AS own,
            bool_or(n.contact_id <> p.id) OVER () AS merged,
            row_number() OVER (ORDER BY n.number = p.number DESC, n.until) AS place
        FROM contact_numbers n JOIN contacts c ON c.id = n.contact_id
        WHERE (c.id = p.id OR c.merged_into_id = p.id)
          AND n.since <= m.created_at AND (n.until IS NULL OR n.until > m.created_at)
    ) AS had ON m.other_number IS NULL AND (had.merged OR had.place = 1)
    WHERE coalesce(m.other_number, had.number) LIKE '+%'
    GROUP BY f.id
) AS wrote WHERE wrote.id = f.id
"""
STARTED = """EXISTS (SELECT FROM opt_out_changes c WHERE c.tenant_id = {0}.tenant_id AND c.number = {1}
    AND c.source = 'keyword' AND c.status = 'opted_in' AND c.changed_at > {2} {3})"""
# Those of whom somebody has decided so, unless that phone has opted in to the team since.
DECIDED = f"""
CREATE TEMPORARY TABLE filed ON COMMIT DROP AS
SELECT f.tenant_id, wrote.number, 'team' AS scope, f.team_id, f.contact_id, max(f.said_at) AS said_at,
    'An earlier holder of this number asked to stop on '
        || to_char(max(f.said_at) AT TIME ZONE t.time_zone, 'FMMonth FMDD, YYYY') || '.' AS reason
FROM possible_opt_outs f JOIN tenants t ON t.id = f.tenant_id CROSS JOIN unnest(f.numbers) AS wrote (number)
WHERE f.decision = 'opted_out'
  AND NOT {STARTED.format("f", "wrote.number", "f.said_at", "AND c.team_id = f.team_id")}
GROUP BY f.tenant_id, wrote.number, f.team_id, f.contact_id, t.time_zone
"""  # noqa: S608 - our own constants
# A stop of somebody who was out already made no row of the history, and a merge took it along without its
# number. Only where the text is known that said it, and which phone sent it is not: then of each that it may
# have been. The number of the record that was kept has been filed already.
NOTED = f"""
INSERT INTO filed
SELECT p.tenant_id, n.number, noted.scope, noted.team_id, p.id, noted.said_at,
    stopped_number_words(noted.said_at, p.tenant_id)
FROM (
    SELECT contact_id, 'team' AS scope, team_id, stopped_at AS said_at FROM consents
    WHERE status = 'opted_out' AND stopped_at IS NOT NULL
    UNION ALL SELECT contact_id, scope, NULL, since FROM blocks
    WHERE scope IN ('personal', 'organisation') AND number = ''
) AS noted
JOIN contacts p ON p.id = noted.contact_id
JOIN contacts gone ON gone.merged_into_id = p.id AND gone.gone_at > noted.said_at
JOIN contact_numbers n ON n.contact_id = gone.id AND n.since <= noted.said_at AND n.until > noted.said_at
WHERE n.number LIKE '+%' AND EXISTS (
    SELECT FROM messages m JOIN conversations v ON v.id = m.conversation_id
    WHERE v.contact_id = p.id AND m.direction = 'inbound' AND m.provider_at = noted.said_at
      AND coalesce(m.other_number, n.number) = n.number
      AND NOT EXISTS (SELECT FROM opt_out_changes c WHERE c.message_id = m.id
          AND (noted.team_id IS NULL OR c.team_id = noted.team_id))
) AND NOT {STARTED.format("p", "n.number", "noted.said_at", "")}
"""  # noqa: S608 - our own constants
KEEP = """
INSERT INTO number_stops (tenant_id, digest, scope, team_id, said_at, origin, reason)
SELECT DISTINCT ON (tenant_id, number, scope, team_id)
    tenant_id, number_digest(tenant_id, number), scope, team_id, said_at, 'text', reason
FROM filed ORDER BY tenant_id, number, scope, team_id, said_at DESC
ON CONFLICT (tenant_id, digest, scope, team_id) DO UPDATE
    SET said_at = excluded.said_at, origin = excluded.origin, reason = excluded.reason
    WHERE number_stops.said_at < excluded.said_at
"""
# The person's own words, which an opt in must answer, where nobody has opted them in since.
OWN_WORDS = """
UPDATE consents s SET stopped_at = greatest(s.stopped_at, f.said_at)
FROM (SELECT contact_id, team_id, max(said_at) AS said_at FROM possible_opt_outs
      WHERE decision = 'opted_out' AND numbers <> '{}' GROUP BY 1, 2) AS f
WHERE s.contact_id = f.contact_id AND s.team_id = f.team_id AND s.status = 'opted_out'
  AND NOT EXISTS (SELECT FROM opt_out_changes c WHERE c.contact_id = s.contact_id AND c.team_id = s.team_id
      AND c.status = 'opted_in' AND c.changed_at > f.said_at)
"""
# Who has such a number by now and is not the person: barred as whoever gets one from now on is, unless they
# are opted in by a word or a written reason of a later day.
BAR_HOLDERS = """
CREATE TEMPORARY TABLE newly_barred ON COMMIT DROP AS
WITH added AS (
    INSERT INTO blocks (tenant_id, contact_id, scope, team_id, number, since, reason)
    SELECT DISTINCT ON (n.contact_id, f.scope, f.team_id, n.number)
        n.tenant_id, n.contact_id, f.scope, f.team_id, n.number, f.said_at, f.reason
    FROM filed f
    CROSS JOIN LATERAL (VALUES (f.number), (regexp_replace(f.number, '^[+]521', '+52'))) AS s(number)
    JOIN contact_numbers n ON n.tenant_id = f.tenant_id AND n.number = s.number AND n.until IS NULL
    JOIN contacts wrote ON wrote.id = f.contact_id
    LEFT JOIN consents c ON c.contact_id = n.contact_id AND c.team_id = f.team_id AND c.status = 'opted_in'
    LEFT JOIN opt_out_changes last ON last.id = c.change_id
    WHERE n.contact_id <> f.contact_id AND wrote.merged_into_id IS DISTINCT FROM n.contact_id
      AND coalesce(last.changed_at <= f.said_at OR (last.reason = '' AND last.source <> 'keyword'), true)
    ORDER BY n.contact_id, f.scope, f.team_id, n.number, f.said_at DESC
    ON CONFLICT DO NOTHING RETURNING *
) SELECT * FROM added
"""
HOLD_HOLDERS = """
INSERT INTO possible_opt_outs (tenant_id, contact_id, team_id, words, received_at, said_at, due_on, decision)
SELECT DISTINCT ON (c.contact_id, c.team_id) c.tenant_id, c.contact_id, c.team_id, b.reason, now(), now(), (
    SELECT day::date FROM generate_series(current_date + 1, current_date + 20, '1 day') AS day
    WHERE extract(isodow FROM day) < 6 ORDER BY day OFFSET 9 LIMIT 1), 'open'
FROM newly_barred b JOIN contacts p ON p.id = b.contact_id AND p.number = b.number
JOIN consents c ON c.contact_id = b.contact_id AND (b.scope = 'organisation' OR b.team_id = c.team_id)
JOIN opt_out_changes last ON last.id = c.change_id
WHERE b.scope IN ('team', 'organisation') AND c.status = 'opted_in'
  AND NOT (last.changed_at > b.since AND (last.reason <> '' OR last.source = 'keyword'))
ORDER BY c.contact_id, c.team_id, b.since DESC
ON CONFLICT DO NOTHING
"""
# A person with two numbers of people who were erased had one bar, which 0027 gave one of the two. No written
# reason lifts such a bar: where the number's stop is there, it is.
ERASED = """
INSERT INTO blocks (tenant_id, contact_id, scope, number, since, reason)
SELECT n.tenant_id, n.contact_id, s.scope, n.number, s.said_at, s.reason
FROM contact_numbers n CROSS JOIN LATERAL number_spellings(n.number) AS spelled(number)
JOIN number_stops s ON s.tenant_id = n.tenant_id AND s.digest = number_digest(n.tenant_id, spelled.number)
WHERE n.until IS NULL AND s.scope = 'organisation' AND s.origin IN ('erased', 'aged')
ON CONFLICT DO NOTHING
"""
# Who had such a number and then stopped every team by a text of their own had one bar for both, and 0027 took
# it for the number's alone.
OWN_BARS = """
INSERT INTO blocks (tenant_id, contact_id, scope, since)
SELECT DISTINCT b.tenant_id, b.contact_id, b.scope, b.since
FROM blocks b JOIN opt_out_changes c ON c.contact_id = b.contact_id
JOIN messages m ON m.id = c.message_id AND m.provider_at = b.since
WHERE b.scope = 'organisation' AND b.number <> '' AND c.source = 'keyword' AND c.status = 'opted_out'
ON CONFLICT DO NOTHING
"""

# A carrier knows numbers and not people. The row of who had the number before stays, to be handed on.
CARRIERS = """
CREATE FUNCTION hand_on_carrier_blocks() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM blocks WHERE scope = 'carrier_number' AND number <> ''
               AND tenant_id = (SELECT tenant_id FROM added LIMIT 1)) THEN
        INSERT INTO blocks (tenant_id, contact_id, scope, inbox_id, number, since)
            SELECT added.tenant_id, added.contact_id, b.scope, b.inbox_id, added.number, min(b.since)
            FROM added CROSS JOIN LATERAL number_spellings(added.number) AS spelled(number)
            JOIN blocks b ON b.tenant_id = added.tenant_id AND b.number = spelled.number
              AND b.scope = 'carrier_number' AND b.number <> ''
            WHERE added.until IS NULL
            GROUP BY added.tenant_id, added.contact_id, b.scope, b.inbox_id, added.number
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER carrier_blocks_handed_on AFTER INSERT ON contact_numbers REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION hand_on_carrier_blocks();
"""
HAND_ON = """
INSERT INTO blocks (tenant_id, contact_id, scope, inbox_id, number, since)
SELECT n.tenant_id, n.contact_id, b.scope, b.inbox_id, n.number, min(b.since)
FROM contact_numbers n CROSS JOIN LATERAL number_spellings(n.number) AS spelled(number)
JOIN blocks b ON b.tenant_id = n.tenant_id AND b.number = spelled.number
WHERE n.until IS NULL AND b.scope = 'carrier_number' AND b.number <> ''
GROUP BY n.tenant_id, n.contact_id, b.scope, b.inbox_id, n.number
ON CONFLICT DO NOTHING
"""

# Retired now, or where the clock stands behind the newest seal, at the first instant after it, as a change is
# recorded (0028): the seal of that day covers it.
RETIRING = f"""
CREATE OR REPLACE FUNCTION refuse_retiring_on_sealed_day() RETURNS trigger LANGUAGE plpgsql AS $$
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
        SELECT FROM added CROSS JOIN LATERAL (
            SELECT max(day) AS day, (max(day) + 1)::timestamp AT TIME ZONE 'UTC' AS over
            FROM seals WHERE seals.tenant_id = added.tenant_id
        ) AS sealed
        WHERE retired_at > greatest(clock_timestamp(), sealed.over) OR history_day(retired_at) <= sealed.day
    ) THEN
        RAISE EXCEPTION 'no row can be retired at another time than now' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
ALTER FUNCTION refuse_retiring_on_sealed_day SET search_path = pg_catalog, public, pg_temp;

CREATE OR REPLACE FUNCTION erase_changes(ids bigint[], by_user bigint, by_name text, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant bigint := {CURRENT_TENANT};
    at timestamptz := (SELECT moment FROM history_moment(tenant));
    erased bigint[];
BEGIN
    WITH held AS (
        SELECT c FROM opt_out_changes c
        WHERE c.tenant_id = tenant AND c.id = ANY (ids)
          AND NOT EXISTS (SELECT FROM retired_changes r WHERE r.change_id = c.id)
        ORDER BY c.id FOR UPDATE
    ), added AS (
        INSERT INTO retired_changes
            (tenant_id, change_id, day, digest, how, retired_at, user_id, user_name, reason, replaced)
        SELECT tenant, (c).id, history_day((c).changed_at), change_digest(c), 'erased', at, by_user, by_name,
               why, change_digest(erased_change(c, why))
        FROM held RETURNING change_id
    ) SELECT array_agg(change_id) INTO erased FROM added;
    UPDATE opt_out_changes c SET (first_name, last_name, external_id, number, words, reason)
        = (SELECT e.first_name, e.last_name, e.external_id, e.number, e.words, e.reason
           FROM erased_change(c, why) AS e)
        WHERE c.id = ANY (erased);
    RETURN coalesce(cardinality(erased), 0);
END $$;

CREATE OR REPLACE FUNCTION purge_changes(ids bigint[], by_user bigint, by_name text, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant bigint := {CURRENT_TENANT};
    at timestamptz := (SELECT moment FROM history_moment(tenant));
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
            (tenant_id, change_id, day, digest, how, retired_at, user_id, user_name, reason, replaced)
        SELECT tenant, (c).id, history_day((c).changed_at),
               coalesce((SELECT digest FROM retired_changes WHERE change_id = (c).id), change_digest(c)),
               'purged', at, by_user, by_name, why, NULL
        FROM held RETURNING change_id
    ) SELECT array_agg(change_id) INTO purged FROM added;
    DELETE FROM opt_out_changes WHERE id = ANY (purged);
    RETURN coalesce(cardinality(purged), 0);
END $$;
"""  # noqa: S608 - our own constant


def upgrade() -> None:
    op.get_bind().execute(sa.select(sa.func.set_config(KEY_SETTING, hex_key(), True)))
    op.add_column(
        "possible_opt_outs",
        sa.Column("numbers", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "possible_opt_outs",
        sa.Column("said_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.add_column(
        "team_only_questions",
        sa.Column("stops", postgresql.JSONB(), server_default="[]", nullable=False),
    )
    op.create_index(
        "ix_blocks_carrier",
        "blocks",
        ["tenant_id", "number"],
        postgresql_where=sa.text("scope = 'carrier_number' AND number <> ''"),
    )
    with open_to_owner():
        op.execute("UPDATE possible_opt_outs SET said_at = received_at")
        for statement in (PHONES, DECIDED, NOTED, KEEP, OWN_WORDS, BAR_HOLDERS, HOLD_HOLDERS):
            op.execute(statement)
        # Before the bars of erased people are made: theirs are not of own words.
        for statement in (OWN_BARS, ERASED, HAND_ON):
            op.execute(statement)
    op.execute(CARRIERS)
    op.execute(RETIRING)


def downgrade() -> None:
    raise RuntimeError("what a phone said is never forgotten by a migration")
