"""Accounts with carriers, and what has come from them."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app import vault
from cadence_app.accounts.models import User
from cadence_app.extensions import Model
from cadence_app.messaging.providers.base import KeywordAnswers


class CarrierAccount(Model):
    """An account with a carrier that some of the tenant's inboxes use.

    `carrier` is the code of a driver (messaging/providers). `key` is the part of its webhook address that
    nobody can guess. `settings` are what may be shown again, `secrets` what may not: JSON, encrypted
    (vault.py). Both hold what the driver's fields ask for.
    `self_managed` are the numbers (E.164) whose opt outs the carrier leaves to us, as it said last.

    Up to `read_to` every text that the carrier lists is here (read_back.py); `read_problem` says why the last
    try failed. Gaps that ended by `settled_to` hold nothing up any more (gaps.py).
    """

    __tablename__ = "carrier_accounts"
    __table_args__ = (
        CheckConstraint("keyword_answers IN ('ours', 'built_in', 'told')", name="keyword_answers"),
        UniqueConstraint("key"),
        UniqueConstraint("tenant_id", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    carrier: Mapped[str]
    name: Mapped[str]
    key: Mapped[str]
    keyword_answers: Mapped[KeywordAnswers]
    settings: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    secrets: Mapped[str] = mapped_column(info=vault.ENCRYPTED)
    self_managed: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_to: Mapped[datetime] = mapped_column(server_default=func.now())
    read_tried_at: Mapped[datetime | None]
    read_problem: Mapped[str] = mapped_column(default="", server_default="")
    settled_to: Mapped[datetime] = mapped_column(server_default=func.now())

    def secret(self, name: str) -> str:
        """A secret in clear. Errors: vault.Unreadable."""
        return str(json.loads(vault.decrypt(self.secrets)).get(name, ""))


class CarrierEvent(Model):
    """A text or receipt that a carrier posted, kept until it is taken in, so that an answer to the carrier
    promises it.

    `content` is events.Text or events.Receipt as JSON and is emptied once it is taken in; `problem` says why
    that could not be done. `event_key` (providers/events.py) stands once for an account: a repeated
    post is the same.
    """

    __tablename__ = "carrier_events"
    __table_args__ = (
        UniqueConstraint("account_id", "event_key"),
        Index(
            "ix_carrier_events_waiting",
            "tenant_id",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("carrier_accounts.id"))
    event_key: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    arrived_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    attempts: Mapped[int] = mapped_column(default=0)
    # Null once it is taken in, or given up with a problem.
    next_attempt_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    problem: Mapped[str] = mapped_column(default="")


class UnreadDecision(StrEnum):
    """What became of a post that could not be read: an admin read it, saw to it, or filed it as a text of
    somebody whom it opts out."""

    OPEN = "open"
    READ = "read"
    HANDLED = "handled"
    OPTED_OUT = "opted_out"


class UnreadPost(Model):
    """A post that a carrier proved and nobody could read, or one item of it, until an admin has read it.

    `content` is the post as it came, empty where it was too large to keep; `size` (bytes) and `sha256` (hex)
    are of it. `sender`, `recipient` and `words` are what could be made out, as the carrier wrote them. It is
    due on a day where it may be an opt out, and then stands first. `event_key` as in CarrierEvent.
    """

    __tablename__ = "unread_posts"
    __table_args__ = (
        CheckConstraint("decision IN ('open', 'read', 'handled', 'opted_out')", name="decision"),
        UniqueConstraint("account_id", "event_key"),
        Index(
            "ix_unread_posts_open",
            "tenant_id",
            "due_on",
            "id",
            postgresql_where=text("decision = 'open'"),
        ),
        Index(
            "ix_unread_posts_decided",
            "tenant_id",
            "decided_at",
            postgresql_where=text("decision <> 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("carrier_accounts.id"))
    event_key: Mapped[str]
    why: Mapped[str]
    content: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    sender: Mapped[str] = mapped_column(default="")
    recipient: Mapped[str] = mapped_column(default="")
    words: Mapped[str] = mapped_column(default="")
    said_at: Mapped[datetime]
    arrived_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    due_on: Mapped[date | None]
    decision: Mapped[UnreadDecision] = mapped_column(default=UnreadDecision.OPEN)
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str] = mapped_column(default="", server_default="")

    account: Mapped[CarrierAccount] = relationship()
    decided_by: Mapped[User | None] = relationship()


class InboundBeat(Model):
    """When the web server last could take a text in. One row for the installation, of no tenant."""

    __tablename__ = "inbound_beat"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    beat_at: Mapped[datetime]


class InboundGap(Model):
    """A time in which no text could come in, of the installation and of no tenant."""

    __tablename__ = "inbound_gaps"
    __table_args__ = (Index("ix_inbound_gaps_ended", "ended_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
