"""What retention keeps of a person: a legal hold, and that a run listed or removed their record."""

from __future__ import annotations

from cadence_app.retention.models import LegalHold, RetentionItem
from cadence_app.traces import Fate, Kept, Traces, register

_TABLES = (
    Kept(
        *(LegalHold, Fate.REFUSED, Fate.REFUSED, Fate.REFUSED, ""),
        because="What is kept for a legal claim is not told to the other side of it (GDPR article 23(1)(j)).",
    ),
    Kept(
        *(RetentionItem, Fate.STAYS, Fate.STAYS, Fate.STAYS, ""),
        because="Proof of what a run removed (GDPR article 5(2)): an id, days and counts, and no name.",
    ),
)

register(Traces("retention", _TABLES))
