"""The tables of evidence: how a person agreed to be texted, and the digests that prove its rows.

Only evidence.py writes the first. Database triggers refuse UPDATE, DELETE and TRUNCATE on all three, but for
what retiring.py does.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import Team
from cadence_app.consent.seal_models import Retirement
from cadence_app.extensions import Model


class Method(StrEnum):
    """How a person agreed.

    KEYWORD: by a word that they texted to another system. IMPORT: the statement of who imported a file. API:
    another system says so and no more. OTHER_SYSTEM: the certificate of another system.
    """

    WEB_FORM = "web_form"
    KEYWORD = "keyword"
    PAPER = "paper"
    SPOKEN = "spoken"
    IMPORT = "import"
    API = "api"
    OTHER_SYSTEM = "other_system"


class Way(StrEnum):
    """Where evidence came in: a contact added by hand, an opt in by hand, a new text to a new person, a
    number changed by hand, the record of somebody who is opted in, a file, the API."""

    ADDED = "added"
    OPTED_IN = "opted_in"
    NEW_TEXT = "new_text"
    NUMBER_CHANGE = "number_change"
    RECORD = "record"
    IMPORT = "import"
    API = "api"


class Evidence(Model):
    """One thing that says how a contact agreed to be texted by a team. A consent may rest on several.

    `agreed_on` is the day they agreed, in the tenant's zone, and `agreed_at` the instant where that is
    known; both may be long before `recorded_at`, and None where nobody said. `words` are what they read or
    signed, or how it came about in the words of who entered it; `page_url` the page they were on. `sha256`
    (32 bytes) is the digest of the page or paper, computed by who collected it. `ip` is theirs at the time;
    `number` (E.164) is theirs at the time of recording. `collected_by` is who asked them; `user_name`, with
    `user_id` where that is a user, who entered it; `origin` the file that it came in. Texts are empty where
    nothing is known. The fields are those of CTIA's Messaging Principles, 5.1.2.
    """

    __tablename__ = "consent_evidence"
    __table_args__ = (
        CheckConstraint(
            "method IN ('web_form', 'keyword', 'paper', 'spoken', 'import', 'api', 'other_system')",
            name="method",
        ),
        CheckConstraint(
            "way IN ('added', 'opted_in', 'new_text', 'number_change', 'record', 'import', 'api')", name="way"
        ),
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        Index("ix_consent_evidence_contact", "contact_id", "team_id", "recorded_at"),
        Index("ix_consent_evidence_day", "tenant_id", "recorded_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    recorded_at: Mapped[datetime]
    method: Mapped[Method]
    way: Mapped[Way]
    agreed_on: Mapped[date | None]
    agreed_at: Mapped[datetime | None]
    words: Mapped[str]
    page_url: Mapped[str]
    sha256: Mapped[bytes | None]
    ip: Mapped[str]
    number: Mapped[str]
    collected_by: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    user_name: Mapped[str]
    origin: Mapped[str]

    team: Mapped[Team] = relationship()


class SealedEvidence(Model):
    """The digest of one row of evidence as it was when its day was sealed. `evidence_id` is no foreign key:
    the digest must outlast a row that somebody deletes."""

    __tablename__ = "sealed_evidence"
    __table_args__ = (Index("ix_sealed_evidence_day", "tenant_id", "day", "evidence_id"),)

    evidence_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    day: Mapped[date]
    digest: Mapped[bytes]


class RetiredEvidence(Model):
    """That a row of evidence was erased or purged: as RetiredChange is for the history. Only the database's
    functions erase_evidence() and purge_evidence() write it."""

    __tablename__ = "retired_evidence"
    __table_args__ = (
        CheckConstraint("how IN ('erased', 'purged')", name="how"),
        CheckConstraint("(how = 'purged') = (replaced IS NULL)", name="replaced"),
        UniqueConstraint("evidence_id", "how"),
        Index("ix_retired_evidence_day", "tenant_id", "day", "evidence_id"),
        Index("ix_retired_evidence_retired", "tenant_id", "retired_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    evidence_id: Mapped[int]
    day: Mapped[date]
    digest: Mapped[bytes]
    how: Mapped[Retirement]
    retired_at: Mapped[datetime] = mapped_column(server_default=func.statement_timestamp())
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    user_name: Mapped[str]
    reason: Mapped[str]
    replaced: Mapped[bytes | None]

    @property
    def said(self) -> str:
        """What it is of, to a person."""
        return f"Evidence {self.evidence_id}"
