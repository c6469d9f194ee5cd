"""Who has a number or a ContactId already, in words for whoever asked."""

from __future__ import annotations

from cadence_app.accounts.models import User
from cadence_app.contacts.service import Taken, find_contact
from cadence_app.ui.navigation import words_for


def said_to(user: User, error: Taken) -> str:
    """Names the other contact only to who may see them."""
    what = "number" if error.field == "number" else "ContactId"
    known = find_contact(user, error.contact.id)
    who = (known.name or known.number) if known else f"Somebody in another {words_for(user).team}"
    return f"{who} has this {what} already."
