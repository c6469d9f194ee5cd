"""What colleagues leave for each other in a conversation. Nothing of it is ever texted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model
from cadence_app.messaging.models import Conversation


class Note(Model):
    """A user's words about a conversation, for colleagues. `mentions` has the names after an @ in it, as they
    are written there, that were a colleague's at that time."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_thread", "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str]
    mentions: Mapped[list[str]] = mapped_column(JSONB, default=list)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    conversation: Mapped[Conversation] = relationship()
    user: Mapped[User] = relationship()
