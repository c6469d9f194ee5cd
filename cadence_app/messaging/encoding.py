"""How many texts a carrier makes of one: GSM-7 or UCS-2, and the segments (3GPP TS 23.038 and 23.040).

static/js/texts.js counts the same way; tests/messaging/test_encoding.py runs both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# 3GPP TS 23.038, 6.2.1: the default alphabet, and the extension table, whose characters take two septets.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("^{}\\[~]|€\f")
# Septets or UTF-16 units of a text by itself, and of each part of one that is joined (less its header).
_GSM_ALONE, _GSM_PART = 160, 153
_UCS_ALONE, _UCS_PART = 70, 67


@dataclass(frozen=True)
class Measure:
    """`units` are septets in GSM-7 and UTF-16 code units in UCS-2."""

    encoding: str
    units: int
    segments: int


def measure(text: str) -> Measure:
    """What a carrier makes of a text. One character outside GSM-7 puts all of it into UCS-2."""
    if all(character in GSM or character in GSM_EXTENSION for character in text):
        widths = [2 if character in GSM_EXTENSION else 1 for character in text]
        return Measure("GSM-7", sum(widths), _parts(widths, _GSM_ALONE, _GSM_PART))
    widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return Measure("UCS-2", sum(widths), _parts(widths, _UCS_ALONE, _UCS_PART))


def _parts(widths: Iterable[int], alone: int, part: int) -> int:
    """Neither the two septets of an extension character nor the halves of a surrogate pair are parted."""
    widths = list(widths)
    if sum(widths) <= alone:
        return 1 if widths else 0
    parts, room = 1, part
    for width in widths:
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return parts
