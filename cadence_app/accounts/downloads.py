"""What a route that gives a file away says in the audit log."""

from __future__ import annotations

from flask import request

from cadence_app.accounts import audit
from cadence_app.extensions import db


def note(who: audit.Actor, action: str, subject: str) -> None:
    """Says who had a file, and commits. A HEAD request brings none."""
    if request.method == "GET":
        audit.record(who, action, subject)
        db.session.commit()
