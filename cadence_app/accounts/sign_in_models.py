"""Sessions, recovery codes, and a tenant's single sign-on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import Tenant, User
from cadence_app.extensions import Model
from cadence_app.vault import ENCRYPTED


class Method(StrEnum):
    """How a session began. `link` is that of an invitation or of a password reset."""

    PASSWORD = "password"  # noqa: S105 - the name of a way to sign in
    SECOND_FACTOR = "second_factor"
    LINK = "link"
    SINGLE_SIGN_ON = "single_sign_on"


class SignInSession(Model):
    """One sign-in of a user on one device. The cookie holds a random key, of which only a hash is here.

    `last_seen_at` is to the minute; `device` is in plain words, as "Chrome on Windows".
    """

    __tablename__ = "sign_in_sessions"
    __table_args__ = (
        CheckConstraint("method IN ('password', 'second_factor', 'link', 'single_sign_on')", name="method"),
        UniqueConstraint("key_hash"),
        Index("ix_sign_in_sessions_age", "tenant_id", "last_seen_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    key_hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ip: Mapped[str]
    device: Mapped[str]
    method: Mapped[Method]
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class RecoveryCode(Model):
    """One of the codes that stand in for the authenticator app, each once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    code_hash: Mapped[bytes]
    used_at: Mapped[datetime | None]


class SingleSignOn(Model):
    """A tenant's OpenID Connect provider. `client_secret` is encrypted (vault.py)."""

    __tablename__ = "single_sign_ons"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    issuer: Mapped[str]
    client_id: Mapped[str]
    client_secret: Mapped[str] = mapped_column(info=ENCRYPTED)
    passwords_allowed: Mapped[bool] = mapped_column(default=True)
    creates_users: Mapped[bool] = mapped_column(default=False)

    tenant: Mapped[Tenant] = relationship()


class SingleSignOnDomain(Model):
    """A domain whose e-mail addresses sign in at a tenant's provider; it is one tenant's only.

    `confirmed_at` and `confirmed_by_id` tell that an admin confirmed the provider's word for its addresses,
    where the provider does not say of each that it is verified.
    """

    __tablename__ = "single_sign_on_domains"

    domain: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), index=True)
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class FailedTry(Model):
    """One try at a password or a code that was wrong, or a mail that was asked for (tries.py). It is no
    tenant's: who fails has shown none. `key` is a digest of what was tried."""

    __tablename__ = "failed_tries"
    __table_args__ = (Index("ix_failed_tries_key", "key", "at"), Index("ix_failed_tries_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
