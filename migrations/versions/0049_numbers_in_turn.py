"""Who gets a number, and who decides about words that it wrote before, do so one after the other.

A decision keeps the stop of a number that its writer has no more, and bars who has it by then. Somebody who
got it in the same instant was not seen by the decision, and did not see the stop.

Not in the models: the function and the trigger's.
"""

from __future__ import annotations

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

# Numbers share 64 turns, so that a file with a hundred thousand of them holds no more locks than that. Both
# spellings of a number of Mexico have the same one.
TURN = r"""
CREATE FUNCTION number_turn(tenant bigint, number text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended('number of ' || tenant || ' ' || (hashtextextended(
        regexp_replace(number, '^\+521([0-9]{10})$', '+52\1'), 0) & 63), 0)
$$;
REVOKE ALL ON FUNCTION number_turn FROM public;
GRANT EXECUTE ON FUNCTION number_turn TO cadence_app;
"""
# Each statement of it sees what was committed before it began: a stop that this waited for is seen.
BARS = """
CREATE OR REPLACE FUNCTION bar_stopped_numbers() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(held.turn) FROM (
        SELECT DISTINCT number_turn(tenant_id, number) AS turn FROM added WHERE until IS NULL ORDER BY turn
    ) AS held;
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
"""


def upgrade() -> None:
    op.execute(TURN)
    op.execute(BARS)


def downgrade() -> None:
    raise RuntimeError("what a phone said is never forgotten by a migration")
