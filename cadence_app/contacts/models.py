"""The people an organisation texts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.extensions import Model


class Contact(Model):
    """A person. They are in a team once they have a consent there (consent/models.py).

    `number` is E.164; `external_id` is the report's ContactId, empty for an unknown contact. `custom` holds
    the values of the tenant's custom fields: {str(CustomField.id): text}, a date as YYYY-MM-DD, an empty
    value left out.

    A contact is gone (`gone_at`) once it was merged into another, `merged_into_id`, or, without one, erased.
    It has no status any more and a number that is none; its history stays (docs/consent.md).
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
        Index("ix_contacts_order", "tenant_id", "id"),
        Index("ix_contacts_name", "tenant_id", "last_key", "first_key", "id"),
        Index("ix_contacts_added", "tenant_id", "created_at", "id"),
        Index("ix_contacts_merged", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    # The names in small letters, which an index can be searched by: lower() is not leakproof, so that under
    # row-level security a condition with it reads every row.
    last_key: Mapped[str] = mapped_column(Computed("lower(last_name)", persisted=True))
    first_key: Mapped[str] = mapped_column(Computed("lower(first_name)", persisted=True))
    external_id: Mapped[str] = mapped_column(default="")
    number: Mapped[str]
    custom: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    gone_at: Mapped[datetime | None]
    gone_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    @property
    def name(self) -> str:
        """First and last name; empty for an unknown contact."""
        return f"{self.first_name} {self.last_name}".strip()


class ContactNumber(Model):
    """A number (E.164) that a contact has or had. `until` is None while they have it.

    Database triggers keep a row for every value of Contact.number, which is the one texted; services add
    further ones. `user_id` is who added it, `ended_by_id` who ended it; None where a text, an import or the
    API did.
    """

    __tablename__ = "contact_numbers"
    __table_args__ = (
        Index(
            "uq_contact_numbers_current",
            "tenant_id",
            "number",
            unique=True,
            postgresql_where=text("until IS NULL"),
        ),
        Index("ix_contact_numbers_contact", "contact_id", "id"),
        Index("ix_contact_numbers_number", "tenant_id", "number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]  # The contact's, which its key holds: one more check would cost every row.
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    number: Mapped[str]
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    until: Mapped[datetime | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str] = mapped_column(default="")

    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    ended_by: Mapped[User | None] = relationship(foreign_keys=[ended_by_id])


class NumberToMend(Model):
    """A number that was stored before numbers were read strictly and is none, or is the older spelling of one
    that another contact has. Nothing is sent to it while it is the contact's; `left_at` is when somebody
    decided that it may stay so."""

    __tablename__ = "numbers_to_mend"
    __table_args__ = (Index("ix_numbers_to_mend_tenant", "tenant_id", "contact_id"),)

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    found_at: Mapped[datetime] = mapped_column(server_default=func.now())
    left_at: Mapped[datetime | None]
    left_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class Tag(Model):
    """A word that groups contacts across teams. Two tags of a tenant differ by more than their capitals."""

    __tablename__ = "tags"
    __table_args__ = (Index("uq_tags_name", "tenant_id", text("lower(name)"), unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]


class ContactTag(Model):
    """That a contact carries a tag."""

    __tablename__ = "contact_tags"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tags.id"), primary_key=True, index=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))


class FieldKind(StrEnum):
    """What a custom field holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


class CustomField(Model):
    """A field that a tenant adds to its contacts, such as Intended major, shown in order of `position`."""

    __tablename__ = "custom_fields"
    __table_args__ = (
        CheckConstraint("kind IN ('text', 'number', 'date')", name="kind"),
        Index("uq_custom_fields_name", "tenant_id", text("lower(name)"), unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    kind: Mapped[FieldKind] = mapped_column(default=FieldKind.TEXT)
    position: Mapped[int] = mapped_column(default=0)
