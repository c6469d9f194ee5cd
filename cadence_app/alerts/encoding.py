"""base64url without padding, as JWTs, browsers' keys and push services write bytes (RFC 7515, section 2)."""

from __future__ import annotations

import base64
import re

_WRITTEN = re.compile(r"[A-Za-z0-9_-]*={0,2}")


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """With or without padding. Errors: ValueError."""
    if not _WRITTEN.fullmatch(text):
        raise ValueError("no base64url")
    bare = text.rstrip("=")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
