"""Names and ids of people as they are kept, whichever way they came in."""

from __future__ import annotations

import re

# Line ends, tabs and other characters that nobody sees, with the space around them. NUL is left for the forms
# to refuse: nothing that has one can be stored.
_UNSEEN = re.compile(r"\s*[\x01-\x1f\x7f-\x9f\u2028\u2029]+\s*")


def folded(text: str | None) -> str:
    """A text of one line without control characters: each run of them, with the space beside it, is one
    space."""
    return _UNSEEN.sub(" ", text or "")
