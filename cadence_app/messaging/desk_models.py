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


class Action(StrEnum):
    """What a user did with one or many conversations of the list."""

    DONE = "done"
    SNOOZE = "snooze"
    REOPEN = "reopen"
    READ = "read"
    ASSIGN = "assign"
    TAG = "tag"


class Batch(Model):
    """What a user did with conversations in one press, kept for a day so that Undo can put back each as it
    was. `assignee_id` and `tag_id` are what an assignment and a tag gave; `left_out` is how many were left
    out because of a possible opt out, `newer` because they had written meanwhile."""

    __tablename__ = "desk_batches"
    __table_args__ = (
        CheckConstraint("action IN ('done', 'snooze', 'reopen', 'read', 'assign', 'tag')", name="action"),
        Index("ix_desk_batches_user", "user_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    action: Mapped[Action]
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tags.id", ondelete="CASCADE"))
    left_out: Mapped[int] = mapped_column(default=0)
    newer: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    undone_at: Mapped[datetime | None]

    assignee: Mapped[User | None] = relationship(foreign_keys=assignee_id)


class BatchItem(Model):
    """A conversation that a batch changed: the change of its state, or whose it was, or how many of its texts
    were unread before."""

    __tablename__ = "desk_batch_items"
    __table_args__ = (Index("ix_desk_batch_items_batch", "batch_id", "conversation_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    batch_id: Mapped[int] = mapped_column(ForeignKey("desk_batches.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    change_id: Mapped[int | None] = mapped_column(ForeignKey("state_changes.id", ondelete="CASCADE"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    unread: Mapped[int] = mapped_column(default=0)


class DeskChoice(Model):
    """How a user has the desk: the tab they were in last, whether the list of those who need a reply begins
    with who waits longest, and what it has told them once."""

    __tablename__ = "desk_choices"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    tab: Mapped[str] = mapped_column(default="")
    oldest_first: Mapped[bool] = mapped_column(default=False)
    done_told: Mapped[bool] = mapped_column(default=False)
    quiet_told: Mapped[bool] = mapped_column(default=False)
