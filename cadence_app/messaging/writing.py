"""The box in which a text is written, in a conversation and for a new one: what it needs to know."""

from __future__ import annotations

from typing import Any

from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.of_inbox import carrier_of
from cadence_app.messaging.media import kinds
from cadence_app.messaging.sending import MAX_BODY_LENGTH

# A picture as a phone takes it is read, so that the answer can say how small it must be.
LARGEST_FORM = 32 * 1024 * 1024


def writing_in(inbox: Inbox) -> dict[str, Any]:
    """How long a text from an inbox may be, and which files it may have."""
    return {
        "max_length": MAX_BODY_LENGTH,
        "sends_files": carrier_of(inbox).sends_files,
        "files_words": f"{kinds.SENT_WORDS}. {kinds.MAX_SENT_WORDS} together.",
        "files_endings": kinds.SENT_ENDINGS,
    }
