# ruff: noqa: S608 - built of our own names only
"""The set operations of one batch (applying.py). Each takes `import_id`, `tenant_id` and `lines`."""

from __future__ import annotations

from sqlalchemy import TextClause, text

_BATCH = "{0}.import_id = :import_id AND {0}.line = ANY(CAST(:lines AS bigint[]))"
ROWS, _OUTCOMES = _BATCH.format("r"), _BATCH.format("o")
# OFFSET 0 keeps the planner to this order: each line by its key, whatever the statistics say of tables that
# were filled a moment ago.
_BY_KEY = "CROSS JOIN LATERAL (SELECT * FROM {} WHERE import_id = :import_id AND line = batch.line OFFSET 0)"
OF_BATCH = (
    "unnest(CAST(:lines AS bigint[])) AS batch (line) "
    + _BY_KEY.format("import_outcomes")
    + " AS o "
    + _BY_KEY.format("import_rows")
    + " AS r"
)
_APPLIED = "o.result IN ('new', 'updated', 'unchanged')"
# OFFSET 0 here too: of a tenant's rows, only the one with this ContactId or number is read.
BY_ID = (
    "LATERAL (SELECT * FROM contacts c WHERE r.external_id <> '' AND c.tenant_id = :tenant_id"
    " AND c.external_id <> '' AND c.external_id = r.external_id AND c.gone_at IS NULL OFFSET 0)"
)
# Whoever has the number now, texted at it or not; nobody who is gone has one.
BY_NUMBER = (
    "LATERAL (SELECT * FROM contact_numbers n WHERE r.number <> '' AND n.tenant_id = :tenant_id"
    " AND n.number = r.number AND n.until IS NULL OFFSET 0)"
)


# A batch is small and finds all it needs by an index.
BY_INDEX = text(
    "SELECT set_config(name, 'off', true) FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin',"
    " 'enable_mergejoin', 'enable_bitmapscan', 'jit']) AS name"
)

# The planner knows nothing of rows that were staged a moment ago, and would hold each against each.
AT_ONCE = text("SELECT set_config('enable_nestloop', 'off', true)")

FIND = text(f"""
SELECT c.id, r.number <> '' AND r.number <> c.number AS moves
FROM import_rows r CROSS JOIN {BY_ID} AS c WHERE {ROWS}
UNION
SELECT n.contact_id, false FROM import_rows r CROSS JOIN {BY_NUMBER} AS n WHERE {ROWS}
""")

FORGET = text(f"DELETE FROM import_outcomes o WHERE {_OUTCOMES}")


# By ContactId first, then by number. What a row needs and another contact has is waited for: perhaps a
# later row moves it; a further number is never given up so. A row without a ContactId gives way to one that
# names the same person by it. Which of a person's numbers is texted is chosen on their record: a row only
# moves them to one that they don't have yet.
def _plan(new_id: str) -> TextClause:
    return text(f"""
INSERT INTO import_outcomes (import_id, tenant_id, line, result, contact_id, waits_for_id, moved, kind, note)
SELECT r.import_id, r.tenant_id, r.line,
    CASE WHEN verdict IN ('taken', 'same') THEN 'waiting'
         WHEN verdict = 'new' THEN 'new'
         WHEN verdict <> 'known' THEN 'refused'
         WHEN moves
           OR (r.first_name <> '' AND r.first_name <> coalesce(by_id.first_name, by_number.first_name))
           OR (r.last_name <> '' AND r.last_name <> coalesce(by_id.last_name, by_number.last_name))
           OR (r.external_id <> '' AND r.external_id <> coalesce(by_id.external_id, by_number.external_id))
           OR NOT coalesce(by_id.custom, by_number.custom) @> r.custom THEN 'updated'
         ELSE 'unchanged' END,
    CASE verdict WHEN 'new' THEN {new_id} WHEN 'known' THEN coalesce(by_id.id, by_number.id)
                 WHEN 'taken' THEN by_id.id END,
    CASE WHEN verdict IN ('taken', 'same') THEN by_number.id END,
    moves,
    CASE verdict WHEN 'problem' THEN r.problems -> 0 ->> 1
         WHEN 'taken' THEN 'number_taken' WHEN 'further' THEN 'further_number' WHEN 'same' THEN 'same_person'
         WHEN 'closed' THEN 'closed_team' WHEN 'no_number' THEN 'no_number' WHEN 'no_team' THEN 'no_team'
         ELSE '' END,
    CASE verdict
         WHEN 'taken' THEN 'Another contact has this mobile number' || with_id
         WHEN 'further' THEN 'This is a further number of another contact' || with_id
            || ' Where both are one person, merge them; else end the number on their record.'
         WHEN 'same' THEN format('The same person is on line %s.', twin.line)
         WHEN 'closed' THEN (SELECT format('Closed, so nobody can be put there: %s.', string_agg(t.code, ', '
            ORDER BY t.code)) FROM teams t WHERE t.id = ANY (r.team_ids) AND t.closed_at IS NOT NULL)
         WHEN 'no_number' THEN 'Nobody has this ContactId, and there is no mobile number to add them with.'
         WHEN 'no_team' THEN 'There is no code that says where to add this new contact.'
         ELSE '' END
FROM import_rows r
LEFT JOIN {BY_ID} AS by_id ON true
LEFT JOIN {BY_NUMBER} AS n ON true
LEFT JOIN LATERAL (SELECT * FROM contacts WHERE id = n.contact_id OFFSET 0) AS by_number ON true
LEFT JOIN LATERAL (
    SELECT line FROM import_rows other
    WHERE r.external_id = '' AND by_number.external_id <> '' AND other.import_id = r.import_id
      AND other.external_id <> '' AND other.external_id = by_number.external_id AND other.problems = '[]'
      AND other.older_than IS NULL
    LIMIT 1
) AS twin ON true
CROSS JOIN LATERAL (SELECT
    CASE WHEN by_number.external_id <> '' THEN ', with the ContactId ' || by_number.external_id || '.'
         ELSE '.' END AS with_id,
    CASE
    WHEN r.problems <> '[]' THEN 'problem'
    WHEN r.team_ids && ARRAY(SELECT id FROM teams WHERE closed_at IS NOT NULL) THEN 'closed'
    WHEN by_id.id <> by_number.id
      OR (by_id.id IS NULL AND r.external_id <> '' AND by_number.external_id <> '')
    THEN CASE WHEN by_number.number = r.number THEN 'taken' ELSE 'further' END
    WHEN by_id.id IS NOT NULL THEN 'known'
    WHEN twin.line IS NOT NULL THEN 'same'
    WHEN by_number.id IS NOT NULL THEN 'known'
    WHEN r.number = '' THEN 'no_number'
    WHEN r.team_ids = '{{}}' THEN 'no_team'
    ELSE 'new' END AS verdict) AS judged
CROSS JOIN LATERAL (SELECT
    verdict IN ('known', 'taken') AND by_id.id IS NOT NULL AND r.number <> ''
    AND by_number.id IS DISTINCT FROM by_id.id AS moves) AS moving
WHERE {ROWS}
""")


PLAN = _plan("nextval('contacts_id_seq')")
# In a check nobody is made.
FORESEEN = _plan("CAST(NULL AS bigint)")

UNHELD = text(f"""
SELECT EXISTS (SELECT FROM import_outcomes o WHERE {_OUTCOMES} AND o.result IN ('updated', 'unchanged')
    AND o.contact_id <> ALL(CAST(:held AS bigint[])))
""")

PLANNED = text(f"""
SELECT count(*) FILTER (WHERE o.result = 'new') AS new,
    coalesce(bool_or(o.result = 'updated'), false) AS updates, coalesce(bool_or(o.moved), false) AS moves,
    coalesce(bool_or(r.tags <> '{{}}'), false) AS tags
FROM {OF_BATCH} WHERE {_APPLIED}
""")

ADD_CONTACTS = text(f"""
INSERT INTO contacts (id, tenant_id, first_name, last_name, external_id, number, custom)
SELECT o.contact_id, o.tenant_id, r.first_name, r.last_name, r.external_id, r.number, r.custom
FROM {OF_BATCH} WHERE o.result = 'new' ORDER BY o.contact_id
ON CONFLICT DO NOTHING
""")

UPDATE_CONTACTS = text(f"""
UPDATE contacts c SET
    first_name = coalesce(nullif(r.first_name, ''), c.first_name),
    last_name = coalesce(nullif(r.last_name, ''), c.last_name),
    external_id = coalesce(nullif(r.external_id, ''), c.external_id),
    custom = c.custom || r.custom
FROM {OF_BATCH} WHERE o.result = 'updated' AND c.id = o.contact_id
""")

# Answers with the number of each until now; OFFSET 0 as above.
CHANGE_NUMBERS = text(f"""
UPDATE contacts c SET number = r.number
FROM {OF_BATCH} CROSS JOIN LATERAL (SELECT number FROM contacts WHERE id = o.contact_id OFFSET 0) AS was
WHERE o.result = 'updated' AND o.moved AND c.id = o.contact_id
RETURNING c.id, was.number
""")

ADD_TAGS = text(f"""
INSERT INTO tags (tenant_id, name)
SELECT DISTINCT ON (lower(tag)) o.tenant_id, tag FROM {OF_BATCH} CROSS JOIN unnest(r.tags) AS tag
WHERE {_APPLIED} AND NOT EXISTS (
    SELECT FROM tags t WHERE t.tenant_id = :tenant_id AND lower(t.name) = lower(tag))
ORDER BY lower(tag), r.line
ON CONFLICT DO NOTHING
""")

TAG_CONTACTS = text(f"""
INSERT INTO contact_tags (contact_id, tag_id, tenant_id)
SELECT DISTINCT o.contact_id, t.id, o.tenant_id FROM {OF_BATCH} CROSS JOIN unnest(r.tags) AS tag
JOIN tags t ON t.tenant_id = :tenant_id AND lower(t.name) = lower(tag)
WHERE {_APPLIED}
ON CONFLICT DO NOTHING RETURNING contact_id
""")

NAMED = text(f"""
INSERT INTO import_contacts (import_id, contact_id, tenant_id)
SELECT DISTINCT o.import_id, o.contact_id, o.tenant_id FROM import_outcomes o WHERE {_OUTCOMES} AND {_APPLIED}
ON CONFLICT DO NOTHING
""")

TOUCHED = text(f"""
UPDATE import_outcomes o SET result = 'updated'
WHERE {_OUTCOMES} AND o.result = 'unchanged' AND o.contact_id = ANY(CAST(:contact_ids AS bigint[]))
""")

NOTE = text(f"""
UPDATE import_outcomes o SET note = said.note
FROM unnest(CAST(:contact_ids AS bigint[]), CAST(:notes AS text[])) AS said (contact_id, note)
WHERE {_OUTCOMES} AND {_APPLIED} AND o.contact_id = said.contact_id
""")

TALLY = text(f"SELECT o.result, count(*) AS count FROM import_outcomes o WHERE {_OUTCOMES} GROUP BY 1")

FORESEE = text("""
UPDATE import_outcomes o SET note = '', kind = '',
    result = CASE WHEN o.contact_id IS NOT NULL THEN 'updated' ELSE 'new' END
FROM import_outcomes mover
WHERE o.import_id = :import_id AND o.result = 'waiting' AND mover.import_id = :import_id
  AND mover.result = 'updated' AND mover.moved AND mover.contact_id = o.waits_for_id
RETURNING o.line, o.result
""")
