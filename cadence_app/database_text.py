"""What PostgreSQL takes as a text."""

from __future__ import annotations


def storable(value: str) -> str:
    """A text without NUL, and with a question mark for each half of a character that JSON can write."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()
