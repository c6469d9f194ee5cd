"""Whether something nobody could read may be an opt out: every string in it is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cadence_app.consent import keywords
from cadence_app.consent.intent import opt_out_words
from cadence_app.consent.keywords import Meaning

# Reading words takes up to 15 ms a field, and Telnyx waits two seconds: so many are read in full.
_MOST_READ = 40
_LONGEST_READ = 2000
_MOST_STRINGS = 20_000
# What is longer, or comes after those, counts by a mere word: rather one too many that somebody reads.
_WORD = re.compile(
    r"\b(?:stop\w*|unsubscribe|cancel|end|quit|revoke|remove|arr[eê]te?r?|opt[\s-]*out)\b", re.IGNORECASE
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.){1,2000})"')


def strings_in(thing: Any) -> list[str]:
    """Every string in a value as json.loads() gives it, names of fields among them."""
    found: list[str] = []
    left = [thing]
    while left and len(found) < _MOST_STRINGS:
        each = left.pop()
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, Mapping):
            found.extend(str(name) for name in each)
            left.extend(each.values())
        elif isinstance(each, list | tuple):
            left.extend(each)
    return found


def strings_of_text(raw: str) -> list[str]:
    """What may be somebody's words in a text of unknown form: its lines, what it quotes, and all of it."""
    return [raw, *raw.splitlines()[:_MOST_READ], *(match[1] for match in _quoted(raw))]


def may_opt_out(strings: Iterable[str], own: Mapping[str, Meaning]) -> bool:
    """Whether any of these is an opt-out word, or reads like an opt out. `own` are the organisation's own
    words, of every team."""
    read = 0
    for text in strings:
        if not text or text.isdecimal():
            continue
        if len(text) > _LONGEST_READ or read >= _MOST_READ:
            if _WORD.search(text):
                return True
            continue
        read += 1
        word = keywords.read(text, own)
        if (word and word.meaning == Meaning.OUT) or opt_out_words(text):
            return True
    return False


def _quoted(raw: str) -> Iterator[re.Match[str]]:
    for count, match in enumerate(_QUOTED.finditer(raw[:200_000])):
        if count >= _MOST_READ:
            return
        yield match
