"""The words of texts and notes, by which search finds them. Triggers alone write here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.extensions import Model


class MessageWords(Model):
    """The words of a text, each with its tenant and week before it, and its inbox as one more."""

    __tablename__ = "message_words"
    __table_args__ = (
        Index("ix_message_words_at", "tenant_id", "at"),
        Index(
            "ix_message_words_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}
        ),
    )

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[int]
    at: Mapped[datetime]
    words: Mapped[Any] = mapped_column(TSVECTOR)


class NoteWords(Model):
    """The same of a note."""

    __tablename__ = "note_words"
    __table_args__ = (
        Index("ix_note_words_at", "tenant_id", "at"),
        Index("ix_note_words_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )

    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id", ondelete="CASCADE"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    conversation_id: Mapped[int]
    at: Mapped[datetime]
    words: Mapped[Any] = mapped_column(TSVECTOR)
