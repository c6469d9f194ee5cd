"""API tokens, and the answers kept for idempotency keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
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


class Standing(StrEnum):
    """What calls with a token may do now. `opt_outs_only`: whose right it works on is no admin any more, and
    nobody could be asked; it writes opt outs for a while, so that a sync's stops are not lost."""

    WORKS = "works"
    OPT_OUTS_ONLY = "opt_outs_only"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why a token ended before its time: an admin ended it; or its owner's right was gone, and nobody had
    used it for a while, or nobody had taken it over in time."""

    ENDED = "ended"
    UNUSED = "unused"
    NOT_TAKEN_OVER = "not_taken_over"


# How long a token goes on with opt outs when nobody could be asked, and how lately it must have been used.
GRACE = timedelta(days=14)
IN_USE = timedelta(days=30)


class ApiToken(Model):
    """What a program signs in with: `cad_<key>_<secret>`, of which the secret is kept as a hash only.

    `key` finds the token, in every tenant. A name is never given twice, not even after a revocation: the
    ledger's history names the token. `created_by` made it; `owner` is whose right its calls are made on:
    the maker until somebody takes it over. `gone_at` is since when the owner has had no such right without
    anybody deciding, and `remind_at` when the admins are told of that again (standing/). `next_notice_at` is
    when they are told next that it expires, or when it does. `refused_at`, `refused_call` and `refused_from`
    (an IP address) tell of the last call that was refused, to the minute.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (UniqueConstraint("key"), UniqueConstraint("tenant_id", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    key: Mapped[str]
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[Scope]]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # To the minute: it is not written at every call.
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    # None where Cadence itself ended it.
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    end_reason: Mapped[EndReason | Literal[""]] = mapped_column(default="", server_default="")
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    gone_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    next_notice_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    refused_call: Mapped[str] = mapped_column(default="", server_default="")
    refused_from: Mapped[str] = mapped_column(default="", server_default="")

    created_by: Mapped[User] = relationship(foreign_keys=[created_by_id])
    owner: Mapped[User] = relationship(foreign_keys=[owner_id])
    revoked_by: Mapped[User | None] = relationship(foreign_keys=[revoked_by_id])

    @property
    def expired(self) -> bool:
        return self.expires_at <= datetime.now(UTC)

    @property
    def in_use(self) -> bool:
        """Whether somebody still used it when its owner's right went."""
        since = self.gone_at or datetime.now(UTC)
        return self.last_used_at is not None and self.last_used_at > since - IN_USE

    @property
    def opt_outs_until(self) -> datetime:
        """When a token that only writes opt outs ends."""
        return min((self.gone_at or datetime.now(UTC)) + GRACE, self.expires_at)

    @property
    def standing(self) -> Standing:
        """Asked at every call, of the owner's right as it is at that moment."""
        if self.revoked_at is not None or self.expired:
            return Standing.ENDED
        if self.owner.acts_as_admin:
            return Standing.WORKS
        if not self.in_use or self.opt_outs_until <= datetime.now(UTC):
            return Standing.ENDED
        return Standing.OPT_OUTS_ONLY

    @property
    def usable(self) -> bool:
        """Whether any call is taken with it."""
        return self.standing != Standing.ENDED

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
