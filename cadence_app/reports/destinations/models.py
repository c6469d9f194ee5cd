"""Places that files are delivered to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from cadence_app.extensions import Model
from cadence_app.vault import ENCRYPTED


class Protocol(StrEnum):
    SFTP = "sftp"
    S3 = "s3"


class WhenTaken(StrEnum):
    """What happens where a file of the same name is there already: the new one takes its place, or waits
    until it is gone."""

    REPLACE = "replace"
    WAIT = "wait"


class Destination(Model):
    """A place that files are delivered to. `place` is the shape that its protocol's module reads (sftp.py,
    s3.py); `secret` is encrypted (vault.py). `host_key` is the SFTP server's public key that an admin
    confirmed, in OpenSSH's form; empty until then. One that is deleted stays, for the exports of it.
    """

    __tablename__ = "destinations"
    __table_args__ = (
        CheckConstraint("kind IN ('sftp', 's3')", name="kind"),
        CheckConstraint("when_taken IN ('replace', 'wait')", name="when_taken"),
        Index(
            "uq_destinations_name",
            "tenant_id",
            text("lower(name)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[Protocol]
    name: Mapped[str]
    place: Mapped[dict[str, Any]] = mapped_column(JSONB)
    secret: Mapped[str] = mapped_column(default="", info=ENCRYPTED)
    host_key: Mapped[str] = mapped_column(default="")
    file_pattern: Mapped[str]
    with_digest: Mapped[bool] = mapped_column(default=False)
    when_taken: Mapped[WhenTaken] = mapped_column(default=WhenTaken.REPLACE)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    paused_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    @property
    def confirmed(self) -> bool:
        """Whether it is known who the server is: that of an S3 endpoint shows by its certificate."""
        return self.kind == Protocol.S3 or bool(self.host_key)
