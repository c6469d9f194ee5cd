"""Reports read what each closed day was counted to be, and not every text and change again.

Nothing is counted here: the sweep does it (reports/counting.py), oldest days first, and until it is there the
pages count as they did. What changes later in a day that was counted is noted by triggers, in the same
transaction. Those of a text of today or yesterday cost nothing: such a day is not counted yet.

And the desk's tabs of what is done, unread and waiting have an index each of their own order.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.due import make_due
from migrations.tenants import protect

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

# As an hour at least, so that one transaction that changes thousands of old texts leaves a few notes; what it
# has noted itself it need not again. None is shared with another transaction, so that nobody waits for it.
_NOTE = """
CREATE FUNCTION note_recount(tenant bigint, first timestamptz, last timestamptz) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO days_to_recount (tenant_id, starts_at, ends_at)
    SELECT tenant, date_trunc('hour', first), date_trunc('hour', last) + interval '1 hour'
    FROM day_counting c
    WHERE c.tenant_id = tenant AND first < c.noted_until
      AND NOT EXISTS (
        SELECT FROM days_to_recount d
        WHERE d.tenant_id = tenant AND d.starts_at = date_trunc('hour', first)
          AND d.ends_at = date_trunc('hour', last) + interval '1 hour' AND d.xmin = pg_current_xact_id()::xid)
$$
"""
# A text of the contact is the answer to those of the 24 hours before it.
_TEXT = """
CREATE FUNCTION note_late_text() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM note_recount(OLD.tenant_id, OLD.created_at
            - CASE WHEN OLD.direction = 'inbound' THEN interval '24 hours' ELSE interval '0' END,
            OLD.created_at);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM note_recount(NEW.tenant_id, NEW.created_at
            - CASE WHEN NEW.direction = 'inbound' THEN interval '24 hours' ELSE interval '0' END,
            NEW.created_at);
    END IF;
    RETURN NULL;
END $$
"""
_CHANGE = """
CREATE FUNCTION note_late_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM note_recount(OLD.tenant_id, OLD.changed_at, OLD.changed_at);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM note_recount(NEW.tenant_id, NEW.changed_at, NEW.changed_at);
    END IF;
    RETURN NULL;
END $$
"""
# A day is counted 48 hours after its end at the earliest, so what is younger than 12 hours is in none.
_LATE = "now() - interval '12 hours'"
_TRIGGERS = {
    "messages": (
        "note_late_text",
        "created_at",
        "conversation_id, inbox_id, direction, kind, state, user_id, campaign_id, opened_at, created_at",
    ),
    "opt_out_changes": ("note_late_change", "changed_at", "team_id, source, status, user_id, changed_at"),
}

# What is 74 hours old is in a day that may be counted: it ended 25 hours later at most, 48 hours ago.
_DUE = """
SELECT t.id, t.id FROM tenants t LEFT JOIN day_counting c ON c.tenant_id = t.id
WHERE EXISTS (SELECT FROM days_to_recount d WHERE d.tenant_id = t.id)
   OR EXISTS (SELECT FROM messages m WHERE m.tenant_id = t.id AND m.created_at < now() - interval '74 hours'
        AND m.created_at >= CASE WHEN c.time_zone = t.time_zone THEN c.counted_until ELSE '-infinity' END)
   OR EXISTS (SELECT FROM opt_out_changes h WHERE h.tenant_id = t.id
        AND h.changed_at < now() - interval '74 hours'
        AND h.changed_at >= CASE WHEN c.time_zone = t.time_zone THEN c.counted_until ELSE '-infinity' END)
ORDER BY random() LIMIT at_most
"""


# A tab's order within an inbox, where it has few of the conversations that are listed, or of the open ones.
_TABS = {
    "done_listed": "state = 'done' AND listed_at IS NOT NULL",
    "unread_listed": "unread > 0 AND listed_at IS NOT NULL",
    "waiting_listed": "state = 'open' AND waiting_since IS NOT NULL AND listed_at IS NOT NULL",
}


_FUNCTIONS = ("note_recount(bigint, timestamptz, timestamptz)", "note_late_text()", "note_late_change()")


def upgrade() -> None:
    for name, condition in _TABS.items():
        op.create_index(
            f"ix_conversations_{name}",
            "conversations",
            ["inbox_id", sa.text("listed_at DESC"), sa.text("id DESC")],
            postgresql_where=sa.text(condition),
        )
    _tables()
    for function in (_NOTE, _TEXT, _CHANGE):
        op.execute(function)
    for function in (
        "note_recount(bigint, timestamptz, timestamptz)",
        "note_late_text()",
        "note_late_change()",
    ):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM public")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO cadence_app")
    for table, (function, moment, counted) in _TRIGGERS.items():
        changed = " OR ".join(f"OLD.{each} IS DISTINCT FROM NEW.{each}" for each in counted.split(", "))
        for when, condition in (
            ("INSERT", f"NEW.{moment} < {_LATE}"),
            (f"UPDATE OF {counted}", f"least(OLD.{moment}, NEW.{moment}) < {_LATE} AND ({changed})"),
            ("DELETE", f"OLD.{moment} < {_LATE}"),
        ):
            op.execute(
                f"CREATE TRIGGER recount_{when.split()[0].lower()} AFTER {when} ON {table}"
                f" FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {function}()"
            )
    make_due(
        "due_day_counts",
        _DUE,
        {
            "tenants": "id, time_zone",
            "day_counting": "tenant_id, time_zone, counted_until",
            "days_to_recount": "tenant_id",
            "messages": "tenant_id, created_at",
            "opt_out_changes": "tenant_id, changed_at",
        },
    )


def _tables() -> None:
    def key(name: str, table: str, *, empty: bool = False) -> sa.Column[int]:
        # Who has no texts any more may go before the days are counted again.
        return sa.Column(
            name, sa.BigInteger(), sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=empty
        )

    def tenant(*, primary: bool = False) -> sa.Column[int]:
        column = sa.ForeignKey("tenants.id")
        return sa.Column("tenant_id", sa.BigInteger(), column, nullable=False, primary_key=primary)

    op.create_table(
        "day_counting",
        tenant(primary=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("noted_until", INSTANT, nullable=False),
        sa.Column("noted_before", sa.BigInteger()),
        sa.Column("counted_until", INSTANT, nullable=False),
    )
    op.create_table(
        "days_to_recount",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        tenant(),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
    )
    op.create_index("ix_days_to_recount_hour", "days_to_recount", ["tenant_id", "starts_at"])
    op.create_table(
        "counted_texts",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        tenant(),
        sa.Column("day", sa.Date(), nullable=False),
        key("inbox_id", "inboxes"),
        key("user_id", "users", empty=True),
        key("campaign_id", "campaigns", empty=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("sent", "failed", "delivered", "replied", "received", "unread")
        ),
    )
    op.create_index("ix_counted_texts_day", "counted_texts", ["tenant_id", "day"])
    op.create_table(
        "counted_changes",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        tenant(),
        sa.Column("day", sa.Date(), nullable=False),
        key("team_id", "teams"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        key("user_id", "users", empty=True),
        sa.Column("changes", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_counted_changes_day", "counted_changes", ["tenant_id", "day"])
    protect("day_counting", "SELECT, INSERT, UPDATE")
    for name in ("days_to_recount", "counted_texts", "counted_changes"):
        op.execute(f"GRANT USAGE ON SEQUENCE {name}_id_seq TO cadence_app")
        protect(name, "SELECT, INSERT, DELETE")


def downgrade() -> None:
    for table, (function, _, _) in _TRIGGERS.items():
        for when in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER recount_{when} ON {table}")
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP FUNCTION due_day_counts(interval, integer, integer)")
    op.execute("DROP FUNCTION note_recount(bigint, timestamptz, timestamptz)")
    for table in ("counted_changes", "counted_texts", "days_to_recount", "day_counting"):
        op.drop_table(table)
    for name in _TABS:
        op.drop_index(f"ix_conversations_{name}", "conversations")
