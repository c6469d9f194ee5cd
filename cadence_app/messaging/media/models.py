"""The files of texts, and those that are to leave the storage."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.extensions import Model
from cadence_app.messaging.media import kinds


class MediaState(StrEnum):
    """waiting to be fetched from the carrier; stored; failed, which is for good: `problem` says why."""

    WAITING = "waiting"
    STORED = "stored"
    FAILED = "failed"


class MessageMedia(Model):
    """One file of a text, in either direction.

    `url` is where the carrier keeps one that waits; `content_type`, `size` (bytes) and `sha256` (hex) are the
    carrier's word until it is stored, and then what was found. `file_name` is what the user who sent it
    called it. `file_key` names the file in the storage (files.py). A trigger notes the file of a row that is
    deleted in `discarded_files`.
    """

    __tablename__ = "message_media"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'stored', 'failed')", name="state"),
        CheckConstraint("(state = 'waiting') = (next_attempt_at IS NOT NULL)", name="waiting"),
        UniqueConstraint("message_id", "position"),
        Index(
            "ix_message_media_waiting",
            "tenant_id",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    position: Mapped[int]
    # Whose credentials fetch it; none for what did not come through a carrier.
    account_id: Mapped[int | None] = mapped_column(ForeignKey("carrier_accounts.id"))
    url: Mapped[str] = mapped_column(default="")
    file_name: Mapped[str] = mapped_column(default="")
    content_type: Mapped[str] = mapped_column(default="")
    size: Mapped[int | None]
    sha256: Mapped[str] = mapped_column(default="")
    file_key: Mapped[str] = mapped_column(default="")
    state: Mapped[MediaState]
    problem: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]

    @property
    def kind(self) -> str:
        """What it is, for people: Picture, Contact card."""
        return kinds.name_of(self.content_type)

    @property
    def shown_inline(self) -> bool:
        """Whether a page may show it as a picture."""
        return self.state == MediaState.STORED and self.content_type in kinds.PICTURES_SHOWN

    @property
    def download_name(self) -> str:
        """The user's name of the file, or one by its kind, with the ending of its type."""
        return self.file_name or f"{self.kind.lower().replace(' ', '-')}-{self.id}{self.ending}"

    @property
    def ending(self) -> str:
        """How a file's name ends for this type: .jpg; empty for a type that is not kept."""
        return kinds.ENDINGS.get(self.content_type, "")


class DiscardedFile(Model):
    """A file that is to leave the storage, or one whose text is not committed yet. It is removed twice, the
    second time some minutes later, for whoever was writing it may have been about to finish."""

    __tablename__ = "discarded_files"
    __table_args__ = (Index("ix_discarded_files_due", "tenant_id", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    file_key: Mapped[str]
    removed: Mapped[bool] = mapped_column(default=False, server_default=false())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
