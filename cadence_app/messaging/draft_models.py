"""What a user has typed and neither sent nor saved yet. It is for its author's eyes alone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.extensions import Model


class What(StrEnum):
    """What the words are to become: a text or a note (with a contact in an inbox), or the reason for which
    a contact is opted in (in a team)."""

    TEXT = "text"
    NOTE = "note"
    REASON = "reason"


class Draft(Model):
    """One for each author and place. The row stays for a while after its words were sent or cleared, so that
    a save which arrives late finds that out.

    `version` changes with each change of the row, and never comes again. `turns` has the pages that wrote
    here, as each names itself, with how far its saves have come; the one whose words these are is the first.
    `other_words` are the author's too, from another window or device, and not part of `words`. `about` is
    the history row (0 for none) that a reason was written about: after another change of status it is
    offered, but not put into the field.
    """

    __tablename__ = "drafts"
    __table_args__ = (
        CheckConstraint("what IN ('text', 'note', 'reason')", name="what"),
        CheckConstraint(
            "(what = 'reason') = (team_id IS NOT NULL) AND (what = 'reason') = (inbox_id IS NULL)",
            name="place",
        ),
        Index(
            "uq_drafts_place",
            *("user_id", "contact_id", "what", "inbox_id", "team_id"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_drafts_due", "tenant_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    what: Mapped[What]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    inbox_id: Mapped[int | None] = mapped_column(ForeignKey("inboxes.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    words: Mapped[str] = mapped_column(default="", server_default="")
    typed_at: Mapped[datetime]
    other_words: Mapped[str] = mapped_column(default="", server_default="")
    other_at: Mapped[datetime | None]
    about: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=0, server_default="0")
    turns: Mapped[list[tuple[str, int]]] = mapped_column(JSONB, default=list, server_default="[]")
    # When the sweep deletes it; a legal hold of the contact puts that off.
    ends_at: Mapped[datetime]
