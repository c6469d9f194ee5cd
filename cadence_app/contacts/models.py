"""The people an organisation texts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.extensions import Model


class Contact(Model):
    """A person. They are in a team once they have a consent there (consent/models.py).

    `number` is E.164; `external_id` is the report's ContactId, empty for an unknown contact.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        Index(
            "uq_contacts_external_id",
            "tenant_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id <> ''"),
        ),
        Index("ix_contacts_name", "tenant_id", text("lower(last_name)"), text("lower(first_name)"), "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    external_id: Mapped[str] = mapped_column(default="")
    number: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def name(self) -> str:
        """First and last name; empty for an unknown contact."""
        return f"{self.first_name} {self.last_name}".strip()
