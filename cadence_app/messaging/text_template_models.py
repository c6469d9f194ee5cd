"""Saved texts of a team."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import Team
from cadence_app.extensions import Model


class TextTemplate(Model):
    """A text kept for use again: a team's, or one user's own. It may have merge fields (merge_fields.py)."""

    __tablename__ = "text_templates"
    __table_args__ = (
        CheckConstraint("(team_id IS NULL) <> (user_id IS NULL)", name="owner"),
        Index(
            "uq_text_templates_name",
            "tenant_id",
            "team_id",
            "user_id",
            text("lower(name)"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    body: Mapped[str]

    team: Mapped[Team | None] = relationship()
