"""What open pages ask every other second: the versions of a conversation and of the lists, and the unread.

The versions are functions in PL/pgSQL for the sake of its plans, which stay: to plan these queries anew takes
longer than to run them, and behind a pooler no statement stays prepared. They see what the caller sees.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

# As `inboxes.service.seen_by()` has it.
_SEEN = """(i.kind = 'shared' OR i.user_id = who)
        AND i.team_id IN (SELECT m.team_id FROM team_members m WHERE m.user_id = who)"""

# Without the setting the texts of a long conversation are all read and sorted for the latest of them.
_TALK = f"""
CREATE FUNCTION talk_version(who bigint, talk bigint, longest integer) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp SET enable_bitmapscan = off AS $$
DECLARE
    person bigint;
    team bigint;
BEGIN
    SELECT c.contact_id, i.team_id INTO person, team
        FROM conversations c JOIN inboxes i ON i.id = c.inbox_id JOIN contacts p ON p.id = c.contact_id
        WHERE c.id = talk AND p.gone_at IS NULL AND {_SEEN};
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN md5(concat_ws('|',
        (SELECT concat(count(*), ' ', max(shown.id), ' ',
                sum(hashtextextended(
                    concat(shown.id, shown.state, length(shown.detail), shown.held_until), 0)))
            FROM (SELECT t.id, t.state, t.detail, t.held_until FROM messages t WHERE t.conversation_id = talk
                ORDER BY t.id DESC LIMIT longest) AS shown),
        -- How many files are still being fetched.
        (SELECT count(*) FROM message_media f JOIN messages t ON t.id = f.message_id
            WHERE f.next_attempt_at IS NOT NULL AND t.conversation_id = talk),
        (SELECT concat(count(*), ' ', sum(hashtextextended(concat(s.id, s.state, s.send_at), 0)))
            FROM scheduled_texts s
            WHERE s.conversation_id = talk AND s.state IN ('waiting', 'held', 'missed')),
        coalesce((SELECT s.change_id FROM consents s WHERE s.contact_id = person AND s.team_id = team), 0),
        coalesce((SELECT concat(o.id, ' ', o.message_id) FROM possible_opt_outs o
            WHERE o.contact_id = person AND o.team_id = team AND o.decision = 'open'), ''),
        (SELECT concat(count(*), ' ', sum(hashtextextended(b.id::text, 0)))
            FROM blocks b WHERE b.contact_id = person),
        -- How many there are, for notes can be deleted, and the newest.
        (SELECT concat(count(*), ' ', max(n.id)) FROM notes n WHERE n.conversation_id = talk),
        (SELECT concat(count(*), ' ', max(a.id)) FROM assignment_changes a WHERE a.conversation_id = talk),
        -- Whether it is open, snoozed or done; a change that was undone is one less.
        (SELECT concat(c.state, ' ', c.snoozed_until) FROM conversations c WHERE c.id = talk),
        (SELECT concat(count(*), ' ', max(w.id)) FROM state_changes w
            WHERE w.conversation_id = talk AND w.undone_at IS NULL)));
END $$
"""  # noqa: S608 - the condition above
# Those that changed last stand for an inbox. One that changed earlier and was committed later shows too,
# unless more than ten changed in between.
_LISTS = f"""
CREATE FUNCTION lists_version(who bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN md5(concat_ws('|',
        (SELECT concat(count(*), ' ', sum(hashtextextended(concat(i.id, i.closed_at), 0)))
            FROM inboxes i WHERE {_SEEN}),
        (SELECT concat(count(*), ' ', sum(hashtextextended(concat(l.id, ' ', l.changed_at), 0)))
            FROM inboxes i CROSS JOIN LATERAL (SELECT c.id, c.changed_at FROM conversations c
                WHERE c.inbox_id = i.id ORDER BY c.changed_at DESC, c.id DESC LIMIT 10) AS l
            WHERE {_SEEN}),
        (SELECT max(h.id) FROM opt_out_changes h
            WHERE h.tenant_id = (SELECT u.tenant_id FROM users u WHERE u.id = who)),
        (SELECT concat(count(*), ' ', max(o.message_id)) FROM possible_opt_outs o
            WHERE o.tenant_id = (SELECT u.tenant_id FROM users u WHERE u.id = who) AND o.decision = 'open'),
        -- What they have begun to write, and how it begins: a row shows no more of it.
        (SELECT concat(count(*), ' ', sum(hashtextextended(
                concat(d.id, ' ', left(concat(d.words, d.other_words), 60)), 0)))
            FROM drafts d WHERE d.user_id = who AND d.inbox_id IS NOT NULL AND d.ends_at > now()),
        -- What is for them, and what they saw of it on another page.
        (SELECT concat(max(f.id), ' ', count(f.seen_at), ' ', count(*))
            FROM for_me f WHERE f.user_id = who)));
END $$
"""  # noqa: S608 - the condition above
_FUNCTIONS = ("talk_version(bigint, bigint, integer)", "lists_version(bigint)")


def upgrade() -> None:
    op.create_index(
        "ix_conversations_unread",
        "conversations",
        ["inbox_id", "assignee_id"],
        postgresql_where=sa.text("unread > 0"),
    )
    op.execute(_TALK)
    op.execute(_LISTS)
    for each in _FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {each} FROM public")
        op.execute(f"GRANT EXECUTE ON FUNCTION {each} TO cadence_app")


def downgrade() -> None:
    for each in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {each}")
    op.drop_index("ix_conversations_unread", "conversations")
