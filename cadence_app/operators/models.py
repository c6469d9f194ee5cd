"""The people who run the server. They belong to no tenant and are kept apart from every tenant's users."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, Index, LargeBinary, func, text
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.extensions import Model
from cadence_app.vault import ENCRYPTED


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
    # As of a user (accounts/models.py). Who has none can do nothing but set it up.
    second_factor_secret: Mapped[str] = mapped_column(default="", server_default="", info=ENCRYPTED)
    second_factor_since: Mapped[datetime | None]
    second_factor_step: Mapped[int] = mapped_column(default=0, server_default="0")
    # Digests of those that are left.
    recovery_codes: Mapped[list[bytes]] = mapped_column(
        ARRAY(LargeBinary), default=list, server_default=text("'{}'")
    )

    @property
    def has_second_factor(self) -> bool:
        return self.second_factor_secret != ""


class OperatorEntry(Model):
    """One thing that was done to or with an operator's account, which is of no tenant's audit log:
    append-only.

    `actor` is a name, or words for who is not signed in; `action` is `operator.<done>`; `subject` is the
    account's address, and where from.
    """

    __tablename__ = "operator_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
