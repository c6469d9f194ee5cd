"""Where consent changes are sent, what was sent there, and every try.

Deliveries name contacts and changes by bare ids: the log must keep nothing else from being merged or removed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.consent.models import Source
from cadence_app.extensions import Model
from cadence_app.vault import ENCRYPTED


class WebhookEndpoint(Model):
    """An address that gets each consent change that fits, in the ledger's order.

    `cursor` is the last change that has been looked at; it stays where it is while the endpoint is paused or
    off, so nothing is left out. Empty `sources` or `team_ids` mean all of them. The secrets are encrypted
    (signing.py); the former one signs beside the new one until `former_until`. `failing_since` and
    `failures` count what failed since the last success; `quiet_until` is set while a receiver that is down is
    left in peace. `off_reason` says in a sentence why Cadence itself turned the endpoint off.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        Index("ix_webhook_endpoints_tenant_id", "tenant_id", "id"),
        Index(
            "ix_webhook_endpoints_untold",
            "tenant_id",
            "id",
            postgresql_where=text("off_at IS NOT NULL AND off_told_at IS NULL AND deleted_at IS NULL"),
        ),
        Index(
            "ix_webhook_endpoints_deleted",
            "tenant_id",
            "id",
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    url: Mapped[str]
    description: Mapped[str]
    sources: Mapped[list[Source]]
    team_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    secret: Mapped[str] = mapped_column(info=ENCRYPTED)
    former_secret: Mapped[str | None] = mapped_column(info=ENCRYPTED)
    former_until: Mapped[datetime | None]
    cursor: Mapped[int]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    paused_at: Mapped[datetime | None]
    off_at: Mapped[datetime | None]
    off_reason: Mapped[str] = mapped_column(default="")
    # When the admins had the mail that says so.
    off_told_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    quiet_until: Mapped[datetime | None]

    created_by: Mapped[User] = relationship()

    @property
    def origin(self) -> str:
        """The address without path and query, which may hold something secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def name(self) -> str:
        return self.description or self.origin

    @property
    def active(self) -> bool:
        return self.paused_at is None and self.off_at is None and self.deleted_at is None

    @property
    def overlapping(self) -> bool:
        """Whether the former secret still signs too."""
        return self.former_until is not None and self.former_until > datetime.now(UTC)


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(Model):
    """One event for one endpoint. `event_id` is its webhook-id, the same at every try. A test event has no
    change. `attempts` counts towards the schedule and begins anew when somebody sends it again."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
        UniqueConstraint("endpoint_id", "change_id"),
        Index("ix_webhook_deliveries_log", "endpoint_id", "id"),
        Index("ix_webhook_deliveries_contact", "endpoint_id", "contact_id", "id"),
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_attempt_at",
            "id",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_webhook_deliveries_order",
            "endpoint_id",
            "contact_id",
            "id",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_webhook_deliveries_ended",
            "tenant_id",
            "finished_at",
            postgresql_where=text("state <> 'pending'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"))
    change_id: Mapped[int | None]
    contact_id: Mapped[int | None]
    event_id: Mapped[str]
    body: Mapped[str]
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]

    endpoint: Mapped[WebhookEndpoint] = relationship()
    tries: Mapped[list[WebhookAttempt]] = relationship(order_by="WebhookAttempt.id.desc()", viewonly=True)


class WebhookAttempt(Model):
    """One try. `status` is the answer's, null where there was none; `error` says in words what went wrong,
    empty for a success; `response` is the first kilobyte of the answer."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (Index("ix_webhook_attempts_delivery_id", "delivery_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    delivery_id: Mapped[int] = mapped_column(ForeignKey("webhook_deliveries.id"))
    at: Mapped[datetime]
    milliseconds: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str] = mapped_column(default="")
    response: Mapped[str] = mapped_column(default="")
