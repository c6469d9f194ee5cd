"""The boxes into which drafts are typed: what a page shows in them, and what its forms say of them.

static/js/drafts.js finds a box by `data-draft` and what it is for by the attributes of the form around it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from flask import current_app, request, url_for
from flask_login import current_user

from cadence_app.accounts.models import User
from cadence_app.consent.models import Consent
from cadence_app.messaging import drafts
from cadence_app.messaging.draft_models import Draft, What
from cadence_app.messaging.drafts import Place, Press
from cadence_app.messaging.models import Conversation
from cadence_app.ui import formatting, query_values

_LONGEST_NAME = 40


@dataclass(frozen=True)
class Box:
    """`words` are to be in it. `form` are the attributes of its form (for |xmlattr)."""

    words: str
    form: dict[str, Any]


def of_place(user: User, place: Place, about: int = 0) -> Box:
    """A box as its author left it. `about` is what a reason would be about now: one that was written before
    the last change of status is offered beside the box, and not in it."""
    row = drafts.find(user, place)
    words = row.words if row and row.about == about else ""
    told = _told(user, row, words)
    return Box(
        words,
        {
            "data-draft-url": url_for("drafts.save", **vars(place)),
            "data-draft-about": about or None,
            "data-draft-version": told["version"],
            "data-draft-other": told["other"] or None,
            "data-draft-other-at": told["other_at"] or None,
        },
    )


def in_conversation(user: User, conversation: Conversation) -> dict[str, Box]:
    """The boxes of an open conversation, as its templates name them."""
    text, note = (drafts.in_conversation(conversation, what) for what in (What.TEXT, What.NOTE))
    return {"text_box": of_place(user, text), "note_box": of_place(user, note)}


def of_reason(user: User, contact_id: int, team_id: int, stored: Consent | None) -> Box:
    about = stored.change_id if stored else 0
    return of_place(user, drafts.for_reason(contact_id, team_id), about)


def answer(user: User, row: Draft | None) -> dict[str, Any]:
    """What a page is told of the words of a place, for JSON."""
    words = row.words if row else ""
    return {"words": words, "about": row.about if row else 0, **_told(user, row, words)}


def pressed() -> Press:
    """What a form that was sent says of the page that it was on."""
    return Press(
        query_values.text(request.form, "draft_writer", _LONGEST_NAME),
        query_values.row_id(request.form, "draft_turn") or 0,
        query_values.row_id(request.form, "draft_seen") or 0,
    )


def stash() -> str:
    """Under what name, and sealed by what key, the page of who is signed in keeps in its tab what the server
    has not got yet: the user's id and 32 bytes in base64. Whoever sits there next can't read it without this
    user's sign-in."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    key = hmac.new(secret, f"drafts of user {current_user.id}".encode(), hashlib.sha256).digest()
    return f"{current_user.id} {base64.b64encode(key).decode()}"


def _told(user: User, row: Draft | None, shown: str) -> dict[str, Any]:
    if row is None:
        return {"version": 0, "other": "", "other_at": ""}
    other, at = row.other_words, row.other_at
    if row.words and not shown:
        other, at = row.words, row.typed_at
    when = formatting.in_zone(at, user.zone) if other and at else ""
    return {"version": row.version, "other": other, "other_at": when}
