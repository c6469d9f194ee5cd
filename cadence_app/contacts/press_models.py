"""What a user did with contacts that were selected in the list, kept for a day."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.contacts.models import Tag
from cadence_app.extensions import Model


class Action(StrEnum):
    """A tag given or taken, which Undo turns back; or a campaign begun with them as its audience."""

    TAG = "tag"
    UNTAG = "untag"
    TEXT = "text"


class ContactPress(Model):
    """One press. `contact_ids` are those that it changed: who had the tag already, or had it not, is not
    among them; or those that a campaign is begun for."""

    __tablename__ = "contact_presses"
    __table_args__ = (
        CheckConstraint("action IN ('tag', 'untag', 'text')", name="action"),
        Index("ix_contact_presses_user", "user_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    action: Mapped[Action]
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tags.id", ondelete="CASCADE"))
    contact_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    undone_at: Mapped[datetime | None]

    tag: Mapped[Tag | None] = relationship()
