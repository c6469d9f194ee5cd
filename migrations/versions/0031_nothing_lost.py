"""What a carrier posted and nobody could read, and the times in which no text could come in."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

CURRENT_TENANT = "nullif(current_setting('cadence.tenant_id', true), '')::bigint"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _unread_posts()
    _gaps()
    _move_given_up(op.get_bind())
    op.execute("ALTER TABLE unread_posts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE unread_posts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON unread_posts USING (tenant_id = {CURRENT_TENANT})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON unread_posts TO cadence_app")
    op.execute("GRANT SELECT, UPDATE ON inbound_beat TO cadence_app")
    op.execute("GRANT SELECT, INSERT ON inbound_gaps TO cadence_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cadence_app")


def _unread_posts() -> None:
    op.create_table(
        "unread_posts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("said_at", MOMENT, nullable=False),
        sa.Column("arrived_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("decision IN ('open', 'read', 'handled', 'opted_out')", name="decision"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["carrier_accounts.id"]),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "event_key"),
    )
    op.create_index(
        "ix_unread_posts_open",
        "unread_posts",
        ["tenant_id", "due_on", "id"],
        postgresql_where=sa.text("decision = 'open'"),
    )


def _gaps() -> None:
    op.create_table(
        "inbound_beat",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("beat_at", MOMENT, nullable=False),
        sa.CheckConstraint("id = 1", name="one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "inbound_gaps",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_inbound_gaps_ended", "inbound_gaps", ["ended_at"])
    op.execute("INSERT INTO inbound_beat (id, beat_at) VALUES (1, now())")
    for name in ("read_to", "settled_to"):
        column = sa.Column(name, MOMENT, server_default=sa.text("now()"), nullable=False)
        op.add_column("carrier_accounts", column)
    op.add_column("carrier_accounts", sa.Column("read_tried_at", MOMENT, nullable=True))
    op.add_column("carrier_accounts", sa.Column("read_problem", sa.Text(), server_default="", nullable=False))
    # What came between the last text that is known and now was perhaps never taken in.
    op.execute(
        "UPDATE carrier_accounts a SET read_to = coalesce("
        "(SELECT max(e.arrived_at) FROM carrier_events e WHERE e.account_id = a.id), a.created_at)"
    )


def _move_given_up(connection: sa.Connection) -> None:
    """Texts that were given up after two days stand before admins from now on: any may be an opt out."""
    given_up = connection.execute(
        sa.text(
            "SELECT e.id, e.tenant_id, e.account_id, e.event_key, e.content, e.problem, e.arrived_at,"
            " (e.arrived_at AT TIME ZONE t.time_zone)::date AS day FROM carrier_events e"
            " JOIN tenants t ON t.id = e.tenant_id"
            " WHERE e.next_attempt_at IS NULL AND e.content ? 'from_number' ORDER BY e.id"
        )
    ).all()
    for event in given_up:
        content = json.dumps(event.content, sort_keys=True, ensure_ascii=False)
        connection.execute(
            sa.text(
                "INSERT INTO unread_posts (tenant_id, account_id, event_key, why, content, size, sha256,"
                " sender, recipient, words, said_at, arrived_at, due_on, decision) VALUES (:tenant, :account,"
                " :key, :why, :content, :size, :sha256, :sender, :recipient, :words, :said_at, :arrived_at,"
                " :due_on, 'open')"
            ),
            {
                "tenant": event.tenant_id,
                "account": event.account_id,
                "key": event.event_key,
                "why": event.problem,
                "content": content,
                "size": len(content.encode()),
                "sha256": hashlib.sha256(content.encode()).hexdigest(),
                "sender": event.content["from_number"],
                "recipient": event.content.get("to_number", ""),
                "words": event.content.get("body", "")[:2000],
                "said_at": datetime.fromisoformat(event.content["received_at"]),
                "arrived_at": event.arrived_at,
                "due_on": _business_day_after(event.day, 10),
            },
        )
        connection.execute(
            sa.text("UPDATE carrier_events SET content = '{}', problem = '' WHERE id = :id"), {"id": event.id}
        )


def _business_day_after(day: date, days: int) -> date:
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day


def downgrade() -> None:
    raise RuntimeError("what carriers posted is never dropped by a migration")
