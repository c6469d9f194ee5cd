"""Writing the audit log: who changed which setting, from what to what."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from cadence_app.accounts.models import AuditEntry, User
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

OPERATOR = "An operator, on the server"
CADENCE = "Cadence, by itself"

Actor = User | str | None
"""Who changes a setting: a user; in words, somebody who is none; None for an operator at the command line."""


def record(user: Actor, action: str, subject: str, **changes: tuple[Any, Any]) -> None:
    """Adds an entry to the open transaction, so that it is there exactly if the change is.

    `changes` are field=(before, after); a field whose two values are the same is left out. Never give it a
    secret: who reads the log must not learn one.
    """
    told = {
        name: [_plain(before), _plain(after)] for name, (before, after) in changes.items() if before != after
    }
    entry = AuditEntry(
        tenant_id=tenant_in_use(),
        user_id=user.id if isinstance(user, User) else None,
        user_name=user.name if isinstance(user, User) else user or OPERATOR,
        action=action,
        subject=subject,
        changes=told,
    )
    db.session.add(entry)


def _plain(value: Any) -> Any:
    """A value that JSON has: days and instants as ISO 8601, lists of plain values."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
