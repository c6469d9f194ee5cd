"""What users chose to be told of, the browsers that they are told on, and what is on its way there.

Nothing here says who texted or what: that is read when a notice goes, if it may be in it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.accounts.sign_in_models import SignInSession
from cadence_app.extensions import Model
from cadence_app.vault import ENCRYPTED


class AlertChoice(Model):
    """Which mails a user wants. Without a row they have those of mentions and assignments.

    `waiting_from`, null without the mails about waiting texts, is up to when what came in was looked at, and
    `waiting_next` from when it may be looked at again.
    """

    __tablename__ = "alert_choices"
    __table_args__ = (
        CheckConstraint("(waiting_from IS NULL) = (waiting_next IS NULL)", name="waiting"),
        Index("ix_alert_choices_waiting", "tenant_id", "waiting_next"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, autoincrement=False)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    mentions: Mapped[bool] = mapped_column(default=True)
    assignments: Mapped[bool] = mapped_column(default=True)
    waiting_from: Mapped[datetime | None]
    waiting_next: Mapped[datetime | None]


class PushKey(Model):
    """The key pair by which push services know a tenant's notices (RFC 8292), made once. `private_key` is
    encrypted (vault.py); both are as in a JWK and in `applicationServerKey`: base64url, P-256."""

    __tablename__ = "push_keys"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    public_key: Mapped[str]
    private_key: Mapped[str] = mapped_column(info=ENCRYPTED)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PushSubscription(Model):
    """A browser on which a user is told, for as long as they don't sign out there: it goes with its session
    (a trigger, in whatever way the session ends).

    `endpoint`, the address at the browser's push service, and `auth` are encrypted, for who has both may
    send; `endpoint_hash` finds it, `p256dh` is the browser's public key, `public_key` the one of ours that it
    knows. `worked_at` is when the service last took a notice.
    """

    __tablename__ = "push_subscriptions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "endpoint_hash"),
        Index("ix_push_subscriptions_user", "user_id"),
        Index("ix_push_subscriptions_session", "session_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("sign_in_sessions.id", ondelete="CASCADE"))
    endpoint: Mapped[str] = mapped_column(info=ENCRYPTED)
    endpoint_hash: Mapped[bytes]
    p256dh: Mapped[str]
    auth: Mapped[str] = mapped_column(info=ENCRYPTED)
    public_key: Mapped[str]
    device: Mapped[str]
    told_since: Mapped[datetime] = mapped_column(server_default=func.now())
    worked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()
    session: Mapped[SignInSession] = relationship()


class NoticeKind(StrEnum):
    """What a notice is about: new texts in an inbox, what is for the user, or nothing, to try it."""

    TEXTS = "texts"
    FOR_ME = "for_me"
    TEST = "test"


class PushNotice(Model):
    """A notice to one browser that is due or is tried again. What it says is found out as it goes, so a later
    one of the same `tag` is not another one. `queued_at` tells one put here anew from the one being sent."""

    __tablename__ = "push_notices"
    __table_args__ = (
        CheckConstraint("kind IN ('texts', 'for_me', 'test')", name="kind"),
        CheckConstraint("(kind = 'texts') = (inbox_id IS NOT NULL)", name="inbox"),
        UniqueConstraint("subscription_id", "tag"),
        Index("ix_push_notices_due", "tenant_id", "next_attempt_at"),
        Index("ix_push_notices_inbox", "inbox_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    subscription_id: Mapped[int] = mapped_column(ForeignKey("push_subscriptions.id", ondelete="CASCADE"))
    kind: Mapped[NoticeKind]
    tag: Mapped[str]
    inbox_id: Mapped[int | None] = mapped_column(ForeignKey("inboxes.id"))
    queued_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    useless_after: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())

    subscription: Mapped[PushSubscription] = relationship()


class InboxNotice(Model):
    """How far an inbox's new texts were told of: `recent` are the ids of those of the last minutes, and
    before `quiet_until` nothing more is told."""

    __tablename__ = "inbox_notices"

    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id"), primary_key=True, autoincrement=False)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), index=True)
    recent: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    quiet_until: Mapped[datetime] = mapped_column(server_default=func.now())
