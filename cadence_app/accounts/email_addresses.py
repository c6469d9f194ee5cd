"""How e-mail addresses are compared: as the database folds them, for its index says whose an address is.

Python folds some letters otherwise (the Turkish dotted capital I among them), so nothing compares or counts
by its lower().
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute

from cadence_app.extensions import db


def same(column: InstrumentedAttribute[str], email: str) -> ColumnElement[bool]:
    """Whether a column's address is this one."""
    return func.lower(column) == func.lower(email.strip())


def folded(email: str) -> str:
    """The one spelling of all that are the same address."""
    found: Any = db.session.scalar(select(func.lower(email.strip())))
    return str(found)
