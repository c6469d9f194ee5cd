"""What colleagues leave for each other in a conversation. Nothing of it is ever texted."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model
from cadence_app.messaging.models import Conversation, ConversationState


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


class AssignmentChange(Model):
    """A conversation that became somebody's or nobody's. `user_id` is who did it, none where the one who had
    it left the team."""

    __tablename__ = "assignment_changes"
    __table_args__ = (Index("ix_assignment_changes_thread", "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    before_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    after_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    before: Mapped[User | None] = relationship(foreign_keys=before_id)
    after: Mapped[User | None] = relationship(foreign_keys=after_id)
    user: Mapped[User | None] = relationship(foreign_keys=user_id)


class Cause(StrEnum):
    """Why a conversation became open, snoozed or done: a user pressed it; a text came in; its snooze ended;
    a text of ours that had answered it did not go; a possible opt out in it was decided, or is open again."""

    USER = "user"
    TEXT = "text"
    SNOOZE_ENDED = "snooze_ended"
    NOT_SENT = "not_sent"
    DECIDED = "decided"


class StateChange(Model):
    """A conversation that became open, snoozed or done, with what Undo needs of how it was before. `user_id`
    is who pressed or decided it, none where nobody did. One that was undone is not shown any more."""

    __tablename__ = "state_changes"
    __table_args__ = (
        CheckConstraint("before IN ('open', 'snoozed', 'done')", name="before"),
        CheckConstraint("after IN ('open', 'snoozed', 'done')", name="after"),
        CheckConstraint("cause IN ('user', 'text', 'snooze_ended', 'not_sent', 'decided')", name="cause"),
        Index("ix_state_changes_thread", "conversation_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    cause: Mapped[Cause]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    before: Mapped[ConversationState]
    before_until: Mapped[datetime | None]
    # Since when it waited for a person before, and how it was after.
    waited_since: Mapped[datetime | None]
    after: Mapped[ConversationState]
    until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    undone_at: Mapped[datetime | None]

    user: Mapped[User | None] = relationship()
