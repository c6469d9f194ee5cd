"""Accounts with carriers, and what has come from them."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app import vault
from cadence_app.extensions import Model


class Carrier(StrEnum):
    TWILIO = "twilio"
    TELNYX = "telnyx"
    BANDWIDTH = "bandwidth"
    AWS = "aws"


class KeywordAnswers(StrEnum):
    """Who answers STOP, START and HELP.

    OURS: the carrier leaves it to Cadence. BUILT_IN: the carrier answers the usual words by itself. TOLD: the
    carrier says with each text whether it has answered it (Twilio's Advanced Opt-Out).
    """

    OURS = "ours"
    BUILT_IN = "built_in"
    TOLD = "told"


class CarrierAccount(Model):
    """An account with a carrier that some of the tenant's inboxes use.

    `key` is the part of its webhook address that nobody can guess. `settings` are what may be shown again,
    `secrets` what may not: JSON, encrypted (vault.py). Both hold what fields.py lists for the carrier.
    `self_managed` are the numbers (E.164) whose opt outs the carrier leaves to us, as it said last.
    """

    __tablename__ = "carrier_accounts"
    __table_args__ = (
        CheckConstraint("carrier IN ('twilio', 'telnyx', 'bandwidth', 'aws')", name="carrier"),
        CheckConstraint("keyword_answers IN ('ours', 'built_in', 'told')", name="keyword_answers"),
        UniqueConstraint("key"),
        UniqueConstraint("tenant_id", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    carrier: Mapped[str]
    name: Mapped[str]
    key: Mapped[str]
    keyword_answers: Mapped[str]
    settings: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    secrets: Mapped[str]
    self_managed: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    def secret(self, name: str) -> str:
        """A secret in clear. Errors: vault.Unreadable."""
        return str(json.loads(vault.decrypt(self.secrets)).get(name, ""))


class CarrierEvent(Model):
    """A text or receipt that a carrier posted, kept until it is taken in, so that an answer to the carrier
    promises it.

    `content` is events.Text or events.Receipt as JSON and is emptied once it is taken in; `problem` says why
    that could not be done. `event_key` (events.py) stands once for an account: a repeated post is the same.
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
