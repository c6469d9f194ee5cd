"""The people who run the server. They belong to no tenant and are kept apart from every tenant's users."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.extensions import Model


class Operator(Model):
    """Made at the command line only. Signs in to /operator/ and to nothing else."""

    __tablename__ = "operators"
    __table_args__ = (Index("uq_operators_email", text("lower(email)"), unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    # Part of every session's value; a sign-out makes another, which ends them all.
    session_key: Mapped[str] = mapped_column(default="", server_default="")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_sign_in_at: Mapped[datetime | None]
