"""API tokens, and the answers kept for idempotency keys."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import ARRAY, ForeignKey, Index, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model


class Scope(StrEnum):
    """What a token may be used for."""

    CONTACTS_READ = "contacts:read"
    CONTACTS_WRITE = "contacts:write"
    CONSENT_READ = "consent:read"
    CONSENT_WRITE = "consent:write"
    CHANGES_READ = "changes:read"
    EXPORTS_READ = "exports:read"
    EXPORTS_WRITE = "exports:write"


class ApiToken(Model):
    """What a program signs in with: `cad_<key>_<secret>`, of which the secret is kept as a hash only.

    `key` finds the token, in every tenant. A name is never given twice, not even after a revocation: the
    ledger's history names the token.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (UniqueConstraint("key"), UniqueConstraint("tenant_id", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    key: Mapped[str]
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # To the minute: it is not written at every call.
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    created_by: Mapped[User] = relationship(foreign_keys=[created_by_id])
    revoked_by: Mapped[User | None] = relationship(foreign_keys=[revoked_by_id])

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)

    @property
    def usable(self) -> bool:
        return self.revoked_at is None and not self.expired

    @property
    def actor(self) -> str:
        """Who the history says made this token's changes."""
        return f"{self.name} (API token)"


class IdempotencyKey(Model):
    """What a call with an `Idempotency-Key` did. `status`, `body` and `location` are the answer, stored when
    the call is done; `request_hash` is SHA-256 of the method, the path and the body."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_age", "tenant_id", "created_at"),)

    token_id: Mapped[int] = mapped_column(ForeignKey("api_tokens.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    request_hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    status: Mapped[int | None]
    body: Mapped[str | None]
    location: Mapped[str | None]
