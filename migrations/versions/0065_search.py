"""Search by PostgreSQL's own full-text index: in texts and notes, and in contacts.

Each word is kept with whose it is and the week it was said in before it ("12.2905:form"), so that one index
serves every organization, a search reads no other's words, and it goes back week by week until it has found
enough: what a week's texts cost bounds it, however many there are before.

A text's words stand in a table of their own. On the texts themselves each receipt, which moves a text from
one index to another, would have all its words written again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.tenants import CURRENT_TENANT, give_to_lookup, open_to_owner, protect

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

# As `words.py` has it. What stands for itself: letters of scripts that put no space between words, and signs.
_ALONE = (
    r"\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2190-\u2BFF\u3040-\u30FA\u30FC-\u30FF\u3400-\u4DBF\u4E00-\u9FFF"
    r"\uF900-\uFAFF\U0001F000-\U0001FAFF\U00020000-\U0003FFFF"
)
_BETWEEN = (
    r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u00D7\u00F7\u02B9-\u02C1\u0589\u05BE\u05F3\u05F4"
    r"\u060C\u061B\u061F\u066A-\u066D\u06D4\u0964\u0965\u1680\u2000-\u206F\u3000-\u303F\u30FB"
    r"\uFE00-\uFE0F\uFFFC\uFFFD"
)

# A word is cut off where nobody types on, and a text where no phone's ends: no words of a text can be too
# many or too long for the index, for a text must never be refused because of it.
_WORDS = rf"""
CREATE FUNCTION words_in(said text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
    SELECT ARRAY(SELECT left(found[1], 60)
        FROM regexp_matches(
            left(lower(normalize(left(said, 10000), NFKC)), 10000), '[{_ALONE}]|[^{_ALONE}{_BETWEEN}]+', 'g')
            WITH ORDINALITY AS of_it(found, place) ORDER BY place);
    END
"""  # noqa: S608 - the classes above
_SPREAD = """
CREATE FUNCTION words_at(place text, said text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
    SELECT coalesce(string_agg(concat('''', place, ':', each.word, ''':', each.n), ' '), '')::tsvector
    FROM unnest(public.words_in(said)) WITH ORDINALITY AS each(word, n);
    END
"""
_WEEK = """
CREATE FUNCTION week_of(at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT floor(extract(epoch FROM at) / 604800)::bigint $$
"""
# What is asked for, with a % where the place goes: words in any order, those within quotes or joined by a
# sign one after the other, and of the last one its beginning, unless a quote ends with it.
_ASKED = r"""
CREATE FUNCTION words_asked(search text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH parts AS (
        SELECT public.words_in(found[1]) AS words, found[1] NOT LIKE '"%"' AS open, place
        FROM regexp_matches(translate(search, '“”„«»', repeat('"', 5)), '"[^"]*"|[^\s"]+', 'g')
            WITH ORDINALITY AS of_it(found, place)
    ), said AS (
        SELECT words, open, place, row_number() OVER (ORDER BY place DESC) = 1 AS last
        FROM parts WHERE cardinality(words) > 0
    )
    SELECT string_agg(
        '(''%:' || array_to_string(words, ''' <-> ''%:')
            || CASE WHEN last AND open THEN ''':*)' ELSE ''')' END,
        ' & ' ORDER BY place)
    FROM said
$$
"""
# Its own tenant alone, as the session says, and of that the inboxes that it is given; the newest first. The
# words have the tenant in them; the + 0 keeps PostgreSQL from taking an index that begins with the tenant
# instead, and reading all that is in it.
# `within` narrows it to these conversations, unless it is empty.
_FIND = f"""
CREATE FUNCTION find_said(search text, inboxes bigint[], within bigint[], at_most integer)
    RETURNS TABLE (conversation_id bigint, message_id bigint, note_id bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    SET enable_seqscan = off AS $$
DECLARE
    tenant bigint := {CURRENT_TENANT};
    asked text := public.words_asked(search);
    place text;
    wanted tsquery;
    first bigint;
    last bigint;
    step bigint := 1;
    found bigint := 0;
    new bigint;
BEGIN
    IF asked IS NULL OR coalesce(cardinality(inboxes), 0) = 0 THEN
        RETURN;
    END IF;
    SELECT public.week_of(least(min(w.at), (SELECT min(n.at) FROM note_words n WHERE n.tenant_id = tenant))),
        public.week_of(greatest(max(w.at), (SELECT max(n.at) FROM note_words n WHERE n.tenant_id = tenant)))
        INTO first, last FROM message_words w WHERE w.tenant_id = tenant;
    WHILE last >= first AND found < at_most LOOP
        -- Further back in longer steps: little has been found so far, so it is rare.
        SELECT string_agg(format('(%s) & (%s)', replace(asked, '%', concat(tenant, '.', week)),
            (SELECT string_agg(format('''%s.%s:@%s''', tenant, week, inbox), ' | ')
                FROM unnest(inboxes) AS inbox)),
            ' | ')::tsquery INTO wanted
            FROM generate_series(greatest(last - step + 1, first), last) AS week;
        RETURN QUERY
            SELECT said.conversation_id, said.message_id, said.note_id FROM (
                (SELECT w.conversation_id, w.message_id, NULL::bigint AS note_id, w.at FROM message_words w
                 WHERE w.tenant_id + 0 = tenant AND w.words @@ wanted
                   AND (within IS NULL OR w.conversation_id = ANY (within))
                 ORDER BY w.at DESC LIMIT at_most)
                UNION ALL
                (SELECT n.conversation_id, NULL, n.note_id, n.at FROM note_words n
                 WHERE n.tenant_id + 0 = tenant AND n.words @@ wanted
                   AND (within IS NULL OR n.conversation_id = ANY (within))
                 ORDER BY n.at DESC LIMIT at_most)
            ) AS said ORDER BY said.at DESC LIMIT at_most - found;
        GET DIAGNOSTICS new = ROW_COUNT;
        found := found + new;
        last := last - step;
        step := least(step * 2, 8);
    END LOOP;
END $$
"""  # noqa: S608 - the name of a setting

# What keeps the words right: whoever writes, empties or moves a text or a note, by whatever statement, of
# whichever tenant. That of the row is set while it runs, and what was set before afterwards: whoever sees all
# tenants may have set none, and would otherwise leave the words of a text there that they empty.
_KEEP = """
CREATE FUNCTION keep_words_of_{table}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant bigint;
    before text := coalesce(current_setting('cadence.tenant_id', true), '');
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM set_config('cadence.tenant_id', NEW.tenant_id::text, true);
        DELETE FROM {words} WHERE {key} = NEW.id;
        INSERT INTO {words} ({key}, tenant_id, conversation_id, at, words)
            SELECT t.id, t.tenant_id, t.conversation_id, t.created_at,
                public.said_at(t.tenant_id, {inbox}, t.created_at, t.body)
            FROM (SELECT NEW.*) AS t WHERE t.body <> '';
    ELSE
        FOR tenant IN SELECT DISTINCT n.tenant_id FROM new_rows n LOOP
            PERFORM set_config('cadence.tenant_id', tenant::text, true);
            INSERT INTO {words} ({key}, tenant_id, conversation_id, at, words)
                SELECT t.id, t.tenant_id, t.conversation_id, t.created_at,
                    public.said_at(t.tenant_id, {inbox}, t.created_at, t.body)
                FROM new_rows t WHERE t.body <> '' AND t.tenant_id = tenant;
        END LOOP;
    END IF;
    PERFORM set_config('cadence.tenant_id', before, true);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION keep_words_of_{table} FROM public;
CREATE TRIGGER keep_words AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_{table}();
CREATE TRIGGER keep_changed_words AFTER UPDATE OF body, conversation_id, created_at ON {table} FOR EACH ROW
    WHEN ((OLD.body, OLD.conversation_id, OLD.created_at)
        IS DISTINCT FROM (NEW.body, NEW.conversation_id, NEW.created_at))
    EXECUTE FUNCTION keep_words_of_{table}();
"""
_SAID = """
CREATE FUNCTION said_at(tenant bigint, inbox bigint, at timestamptz, said text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT public.words_at(concat(tenant, '.', public.week_of(at)), said)
        || concat('''', tenant, '.', public.week_of(at), ':@', inbox, '''')::tsvector
$$
"""
_FILL = """
INSERT INTO {words} ({key}, tenant_id, conversation_id, at, words)
SELECT t.id, t.tenant_id, t.conversation_id, t.created_at,
    public.said_at(t.tenant_id, {inbox}, t.created_at, t.body)
FROM {table} t WHERE t.body <> ''
"""
_INBOX_OF_NOTE = "(SELECT c.inbox_id FROM conversations c WHERE c.id = t.conversation_id)"
_SIDES = (
    {"table": "messages", "words": "message_words", "key": "message_id", "inbox": "t.inbox_id"},
    {"table": "notes", "words": "note_words", "key": "note_id", "inbox": _INBOX_OF_NOTE},
)

# Contacts: the beginnings of words of a name or a ContactId, and any part of three digits or more of a number
# that they have. Who is found twice is given twice: fewer than `at_most` are then all there are.
_NAMED = """
CREATE FUNCTION named_in(tenant bigint, first_name text, last_name text, external_id text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
    SELECT strip(public.words_at(tenant::text, first_name || ' ' || last_name || ' ' || external_id));
    END
"""
_DIGITS = """
CREATE FUNCTION digits_in(tenant bigint, number text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT DISTINCT tenant || ':' || substr(number, n, 3)
        FROM generate_series(1, length(number) - 2) AS n)
$$
"""
_FIND_CONTACTS = f"""
CREATE FUNCTION find_contacts(search text, digits text, at_most bigint) RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    SET enable_seqscan = off AS $$
DECLARE
    tenant bigint := {CURRENT_TENANT};
    wanted tsquery := (SELECT string_agg(concat('''', tenant, ':', each.word, ''':*'), ' & ')
        FROM unnest(public.words_in(search)) AS each(word));
BEGIN
    RETURN QUERY
        (SELECT c.id FROM contacts c WHERE c.tenant_id + 0 = tenant
            AND public.named_in(c.tenant_id, c.first_name, c.last_name, c.external_id) @@ wanted
            LIMIT at_most)
        UNION ALL
        (SELECT n.contact_id FROM contact_numbers n WHERE length(digits) > 2 AND n.tenant_id + 0 = tenant
            AND n.until IS NULL
            AND public.digits_in(n.tenant_id, n.number) @> public.digits_in(tenant, digits)
            AND strpos(n.number, digits) > 0 LIMIT at_most);
END $$
"""  # noqa: S608 - the name of a setting


def upgrade() -> None:
    for function in (_WORDS, _SPREAD, _WEEK, _ASKED, _SAID, _NAMED, _DIGITS):
        op.execute(sa.text(function.replace(":", r"\:")))
    for side in _SIDES:
        _make_words(side)
    op.execute(
        "CREATE INDEX ix_contacts_named ON contacts USING gin"
        " (public.named_in(tenant_id, first_name, last_name, external_id))"
    )
    op.execute(
        "CREATE INDEX ix_contact_numbers_digits ON contact_numbers"
        " USING gin (public.digits_in(tenant_id, number))"
        " WHERE until IS NULL"
    )
    for function in (_FIND, _FIND_CONTACTS):
        op.execute(sa.text(function.replace(":", r"\:")))
    for name in ("find_said", "find_contacts"):
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM public")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO cadence_app")
    of_words = "tenant_id, conversation_id, at, words"
    give_to_lookup(
        "find_said(text, bigint[], bigint[], integer)",
        {
            "message_words": f"message_id, {of_words}",
            "note_words": f"note_id, {of_words}",
        },
    )
    give_to_lookup(
        "find_contacts(text, text, bigint)",
        {
            "contacts": "id, tenant_id, first_name, last_name, external_id",
            "contact_numbers": "tenant_id, contact_id, number, until",
        },
    )


def _make_words(side: dict[str, str]) -> None:
    words, key = side["words"], side["key"]
    op.create_table(
        words,
        sa.Column(key, sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint([key], [f"{side['table']}.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(key),
    )
    protect(words, "SELECT")
    with open_to_owner():
        op.execute(sa.text(_FILL.format(**side).replace(":", r"\:")))
    # Written at once rather than later in one go: all that comes in within a week lies side by side in it.
    op.execute(f"CREATE INDEX ix_{words}_words ON {words} USING gin (words) WITH (fastupdate = off)")
    op.create_index(f"ix_{words}_at", words, ["tenant_id", "at"])
    op.execute(sa.text(_KEEP.format(**side).replace(":", r"\:")))


def downgrade() -> None:
    op.execute("DROP FUNCTION find_contacts, find_said")
    op.execute("DROP INDEX ix_contact_numbers_digits, ix_contacts_named")
    for side in _SIDES:
        for trigger in ("keep_words", "keep_changed_words"):
            op.execute(f"DROP TRIGGER {trigger} ON {side['table']}")
        op.execute(f"DROP FUNCTION keep_words_of_{side['table']}")
        op.drop_table(side["words"])
    op.execute("DROP FUNCTION digits_in, named_in, said_at, words_asked, week_of, words_at, words_in")
    for table in ("contacts", "contact_numbers"):
        op.execute(f"DROP POLICY lookup ON {table}")
        op.execute(f"REVOKE ALL ON {table} FROM cadence_lookup")
