"""What the audit log keeps of a person who is texted: an id."""

from __future__ import annotations

from cadence_app.accounts.models import AuditEntry
from cadence_app.traces import Fate, Kept, Traces, register

_TABLES = (
    Kept(
        *(AuditEntry, Fate.STAYS, Fate.STAYS, Fate.STAYS, ""),
        because="Proof of who did what (GDPR article 5(2)). It names a record by its id, says which fields"
        " changed and not what they hold; the reasons of an erasure and of a legal hold name nobody.",
    ),
)

register(Traces("accounts", _TABLES))
