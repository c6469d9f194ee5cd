"""Texts that are no keyword but may revoke consent: 47 CFR 64.1200(a)(10), where a reasonable person would
understand them so."""

from __future__ import annotations

import re

_PATTERNS = re.compile(
    r"\b(stop|quit) (text|messag|contact)\w*|\btake me off\b|\bremove me\b|\bunsubscribe me\b|\bopt me out\b"
    r"|\b(do not|don'?t) (text|message|contact) me\b|\bno more (texts|messages)\b|\bwrong number\b"
    r"|^(please )?stop\W+(thanks|thank you|please|it|now)\b",
    re.IGNORECASE,
)
_INNOCENT = re.compile(r"\b(do not|don'?t|can'?t|never) stop\b", re.IGNORECASE)


def reads_like_opt_out(text: str) -> bool:
    """Whether a text may be a revocation that somebody must read."""
    return bool(_PATTERNS.search(text)) and not _INNOCENT.search(text)
