"""Whether something nobody could read may be an opt out, by the strings in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cadence_app.consent import keywords
from cadence_app.consent.intent import opt_out_words
from cadence_app.consent.keywords import Meaning

# Reading words takes up to 15 ms a field, and a carrier may wait two seconds only: so many are read in full.
_MOST_READ = 40
_LONGEST_READ = 2000
# What is longer, or comes after those, counts by a mere word: rather one too many that somebody reads.
_WORD = re.compile(
    r"\b(?:stop\w*|unsubscribe|cancel|end|quit|revoke|remove|arr[eê]te?r?|opt[\s-]*out)\b", re.IGNORECASE
)


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
