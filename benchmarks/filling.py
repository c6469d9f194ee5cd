"""An organisation that has texted for two years, made by SQL: its desk, texts and history, at a size."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from benchmarks.scratch import Scratch, superuser
from cadence_app.extensions import db


@dataclass(frozen=True)
class Size:
    contacts: int
    texts: int
    changes: int


_TEAMS, _USERS, _INBOXES, _CAMPAIGNS = 5, 30, 20, 40
_LARGE = ("messages", "conversations", "opt_out_changes", "contacts", "consents", "possible_opt_outs")

# The part of a name in the history is another benchmark's, and its index takes longest to fill.
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = ANY (:tables) AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
_NOT_MADE_AGAIN = ("ix_opt_out_changes_threes",)

_HOUSE = (
    "INSERT INTO teams (tenant_id, name, code, opt_out_text, opt_in_text, help_text)"
    " SELECT :tenant, 'Team ' || n, 'T' || n, '', '', '' FROM generate_series(2, :teams) n",
    "INSERT INTO users (tenant_id, email, name, password_hash, role, active)"
    " SELECT :tenant, 'u' || n || '@t' || :tenant || '.example', 'User ' || n, '', 'agent', true"
    " FROM generate_series(2, :users) n",
    "INSERT INTO team_members (tenant_id, team_id, user_id) SELECT :tenant, t.id, u.id FROM teams t, users u"
    " WHERE t.tenant_id = :tenant AND u.tenant_id = :tenant AND "
    " (u.id % :teams = t.id % :teams OR u.id = :user)"
    " ON CONFLICT DO NOTHING",
    "INSERT INTO inboxes (tenant_id, team_id, user_id, kind, name, number, provider)"
    " SELECT :tenant, (ARRAY(SELECT id FROM teams WHERE tenant_id = :tenant ORDER BY id))[1 + n % :teams],"
    " CASE WHEN n % 10 = 9 THEN :user END, CASE WHEN n % 10 = 9 THEN 'personal' ELSE 'shared' END,"
    " 'Inbox ' || n, '+1312' || (:tenant * 1000 + 2000000 + n), 'simulator'"
    " FROM generate_series(1, :inboxes) n",
    "INSERT INTO campaigns (tenant_id, team_id, inbox_id, user_id, name, body, segment, state)"
    " SELECT :tenant, i.team_id, i.id, :user, 'Campaign ' || n, '', '{}', 'finished'"
    " FROM generate_series(1, :campaigns) n, LATERAL"
    " (SELECT id, team_id FROM inboxes WHERE tenant_id = :tenant ORDER BY id OFFSET n % :inboxes LIMIT 1) i",
)

# In the order of time, as what is only appended to lies on the disk. One in three came in; of the others
# four in ten are a campaign's and one in twenty an automatic answer.
_PEOPLE = """
INSERT INTO contacts (id, tenant_id, first_name, last_name, external_id, number)
SELECT :first + n, :tenant, 'First' || n % 5000, 'Last' || n % 7000, 'B' || n,
    '+1' || (2120000000 + n) FROM generate_series(1, :contacts) n
"""
_TEXTS = """
INSERT INTO messages (tenant_id, conversation_id, inbox_id, direction, kind, body, state, detail, user_id,
    campaign_id, created_at, opened_at)
SELECT :tenant, :first + 1 + chosen.c, boxes.ids[1 + chosen.c % :inboxes],
    CASE WHEN n % 3 = 0 THEN 'inbound' ELSE 'outbound' END,
    CASE WHEN n % 20 = 1 AND n % 3 > 0 THEN 'help_reply' ELSE 'person' END,
    'The text number ' || n || ' about enrolment and the deadline next week',
    CASE WHEN n % 3 = 0 THEN 'received' WHEN n % 50 = 1 THEN 'failed' WHEN n % 77 = 1 THEN 'suppressed'
        WHEN n % 9 = 1 THEN 'sent' ELSE 'delivered' END, '',
    CASE WHEN n % 3 > 0 AND n % 20 <> 1 THEN users.ids[1 + chosen.c % 5 + 5 * (n / 7 % 6)] END,
    CASE WHEN n % 3 > 0 AND n % 20 <> 1 AND n % 10 < 4
        THEN campaigns.ids[1 + chosen.c % :inboxes + :inboxes * (n / 40000 % 2)] END,
    moment.at, CASE WHEN n % 3 = 0 AND n % 50 > 1 THEN moment.at + interval '10 minutes' END
FROM (SELECT array_agg(id ORDER BY id) AS ids FROM inboxes WHERE tenant_id = :tenant) AS boxes,
    (SELECT array_agg(id ORDER BY id) AS ids FROM users WHERE tenant_id = :tenant) AS users,
    (SELECT array_agg(id ORDER BY id) AS ids FROM campaigns WHERE tenant_id = :tenant) AS campaigns,
    generate_series(1, :texts) n,
    LATERAL (SELECT (hashint8(n / 3) & 2147483647) % :contacts AS c) AS chosen,
    LATERAL (SELECT now() - interval '730 days' + n * (interval '730 days' / :texts) AS at) AS moment
"""
_CONVERSATIONS = """
INSERT INTO conversations (id, tenant_id, inbox_id, contact_id, last_message_at, last_message_text, unread,
    listed_at, changed_at, state, snoozed_until, waiting_since, assignee_id)
SELECT c.id, :tenant, boxes.ids[1 + (c.id - :first - 1) % :inboxes], c.id, m.at, 'The last text',
    (c.id % 50 = 0)::int, m.at, m.at,
    CASE WHEN c.id % 10 < 6 THEN 'done' WHEN c.id % 97 = 0 THEN 'snoozed' ELSE 'open' END,
    CASE WHEN c.id % 10 >= 6 AND c.id % 97 = 0 THEN now() + c.id * interval '1 minute' END,
    CASE WHEN c.id % 10 >= 6 AND c.id % 7 = 0 THEN m.at END,
    CASE WHEN c.id % 20 = 7 THEN users.ids[1 + c.id / 20 % :users] END
FROM contacts c
JOIN (SELECT conversation_id, max(created_at) AS at FROM messages WHERE tenant_id = :tenant GROUP BY 1) AS m
    ON m.conversation_id = c.id,
    (SELECT array_agg(id ORDER BY id) AS ids FROM inboxes WHERE tenant_id = :tenant) AS boxes,
    (SELECT array_agg(id ORDER BY id) AS ids FROM users WHERE tenant_id = :tenant) AS users
WHERE c.tenant_id = :tenant
"""
_CHANGES = """
INSERT INTO opt_out_changes (tenant_id, contact_id, team_id, status, changed_at, source, first_name,
    last_name, external_id, number, team_code, user_name, words, reason)
SELECT :tenant, :first + 1 + n % :contacts, teams.ids[1 + n % :teams],
    CASE WHEN n % 3 = 0 THEN 'opted_out' ELSE 'opted_in' END,
    now() - interval '730 days' + n * (interval '730 days' / :changes),
    CASE WHEN n % 100 = 1 THEN 'merge'
        ELSE (ARRAY['cold_inbound', 'keyword', 'toggle', 'import'])[1 + n % 4] END,
    'First' || n % 5000, 'Last' || n % 7000, 'B' || n % :contacts, '+1' || (2120000001 + n % :contacts),
    'T' || n % :teams, '', 'STOP', ''
FROM generate_series(1, :changes) n,
    (SELECT array_agg(id ORDER BY id) AS ids FROM teams WHERE tenant_id = :tenant) AS teams
"""
_STANDING = (
    "INSERT INTO consents (tenant_id, contact_id, team_id, status, since, change_id)"
    " SELECT DISTINCT ON (contact_id, team_id) tenant_id, contact_id, team_id, status, changed_at, id"
    " FROM opt_out_changes WHERE tenant_id = :tenant ORDER BY contact_id, team_id, id DESC",
    "INSERT INTO possible_opt_outs (tenant_id, contact_id, team_id, words, received_at, due_on, decision)"
    " SELECT :tenant, c.contact_id, i.team_id, 'please stop', now(), current_date + 5, 'open'"
    " FROM conversations c JOIN inboxes i ON i.id = c.inbox_id"
    " WHERE c.tenant_id = :tenant AND c.id % 997 = 0",
)


def fill(scratch: Scratch, size: Size, *, tenant_id: int | None = None) -> None:
    """Fills a tenant, which has no such rows yet: that of the installation, or another with a team and the
    user of the installation as the one who sees everything. Then what is stored is analysed."""
    # What it holds open would keep the indexes from being dropped.
    db.session.remove()
    engine = superuser(scratch)
    tenant = tenant_id or scratch.tenant_id
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        indexes = connection.execute(text(_INDEXES), {"tables": list(_LARGE)}).all()
        for name, _ in indexes:
            connection.execute(text(f'DROP INDEX "{name}"'))
        first = connection.scalar(text("SELECT coalesce(max(id), 0) FROM contacts")) or 0
        values = {
            **{"tenant": tenant, "user": scratch.user_id, "first": first, "teams": _TEAMS, "users": _USERS},
            **{"inboxes": _INBOXES, "campaigns": _CAMPAIGNS, **vars(size)},
        }
        for statement in (*_HOUSE, _PEOPLE, _TEXTS, _CONVERSATIONS, _CHANGES, *_STANDING):
            _run(connection, statement, values)
        for table in ("contacts", "conversations"):
            connection.execute(text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"))
        for name, definition in indexes:
            if name not in _NOT_MADE_AGAIN:
                connection.execute(text(definition))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _run(connection: Connection, statement: str, values: dict[str, int]) -> None:
    query = text(statement)
    connection.execute(query, {name: values[name] for name in query.compile().params})
