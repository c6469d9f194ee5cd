"""Mails on their way, one for each person a mail goes to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.extensions import Model
from cadence_app.vault import ENCRYPTED


class OutgoingMail(Model):
    """One mail to one person. `kind` says what it is about, such as `password_reset`.

    `text` and `html` are encrypted (vault.py), as there may be a link in them that signs in, and emptied
    once the mail has gone or been given up. `next_attempt_at` is null from then on; `problem` says why it
    has not gone. The row goes MAIL_KEEP_DAYS after it was written, if it waits no longer.
    """

    __tablename__ = "outgoing_mails"
    __table_args__ = (
        Index(
            "ix_outgoing_mails_due",
            "tenant_id",
            text("LEAST(next_attempt_at, useless_after)"),
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
        Index(
            "ix_outgoing_mails_ended",
            "tenant_id",
            "created_at",
            postgresql_where=text("next_attempt_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    recipient: Mapped[str]
    recipient_name: Mapped[str] = mapped_column(default="")
    subject: Mapped[str]
    text: Mapped[str] = mapped_column(info=ENCRYPTED)
    html: Mapped[str] = mapped_column(info=ENCRYPTED)
    # Headers besides the usual ones, such as List-Unsubscribe.
    headers: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # A mail with a link that has expired by then is not worth sending.
    useless_after: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")
