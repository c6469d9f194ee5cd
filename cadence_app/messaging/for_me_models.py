"""What colleagues did that is for one user: the rows of the list "For me"."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.models import Conversation


class ForMeKind(StrEnum):
    MENTION = "mention"
    ASSIGNMENT = "assignment"


class ForMe(Model):
    """A colleague mentioned the user in a note, or gave them a conversation. `by_id` is that colleague.

    Written with what it tells of, so it says who was meant then, whatever anybody is called later. `told_at`
    is when their browsers were told, or were found not to want it, `mailed_at` the same of the mail: null
    until a sweep has looked (alerts/).
    """

    __tablename__ = "for_me"
    __table_args__ = (
        CheckConstraint("kind IN ('mention', 'assignment')", name="kind"),
        Index("ix_for_me_list", "user_id", text("id DESC")),
        Index("ix_for_me_conversation", "conversation_id"),
        Index("ix_for_me_note", "note_id", postgresql_where=text("note_id IS NOT NULL")),
        Index("ix_for_me_untold", "tenant_id", "created_at", postgresql_where=text("told_at IS NULL")),
        Index("ix_for_me_unmailed", "tenant_id", "created_at", postgresql_where=text("mailed_at IS NULL")),
        Index("ix_for_me_age", "tenant_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[ForMeKind]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    # Of a mention, which goes with its note.
    note_id: Mapped[int | None] = mapped_column(ForeignKey("notes.id", ondelete="CASCADE"))
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    seen_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]

    conversation: Mapped[Conversation] = relationship()
    note: Mapped[Note | None] = relationship()
    by: Mapped[User] = relationship(foreign_keys=by_id)
