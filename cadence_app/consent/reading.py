"""What a text says about consent: the keyword it is, or words that somebody must read. What that does is
decided in deciding.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cadence_app.consent import keywords, naming, quoting
from cadence_app.consent.intent import Found, find_opt_out, opt_out_words
from cadence_app.consent.keywords import Keyword, Meaning
from cadence_app.consent.naming import Names

# "Stop" as other alphabets write it, where no phrase knows it. Carriers act on none of these.
_WRITTEN_ELSEWHERE = frozenset(
    {
        "стоп",
        "στοπ",
        "ստոպ",
        "სტოპ",
        "סטופ",
        "ستوب",
        "स्टॉप",
        "স্টপ",
        "ਸਟਾਪ",
        "สต็อป",
        "스톱",
        "스탑",
        "ストップ",
        "停止",
    }
)


@dataclass(frozen=True)
class Beside:
    """What a text is read beside: the organisation's own keywords in the team that was texted, the texts that
    were sent in the conversation and those that the team sends by itself, and what may be named."""

    own_keywords: Mapping[str, Meaning] = field(default_factory=dict)
    ours: tuple[str, ...] = ()
    names: Names = field(default_factory=Names)


@dataclass(frozen=True)
class Said:
    """The keyword, or what was `found` that reads like an opt out; neither for any other text. `quotes` is
    whether something was left aside because the sender's phone only quotes it."""

    keyword: Keyword | None = None
    found: Found | None = None
    quotes: bool = False


def read(text: str, beside: Beside) -> Said:
    """Reads a text: the keyword that is all of it, else an out word with what to stop, else words that read
    like an opt out, in what is the sender's own of it."""
    own = beside.own_keywords
    if keyword := keywords.read(text, own):
        return Said(keyword)
    left = quoting.own_words(text, beside.ours, own)
    words, apart = (left.words, left.apart) if left else (text, True)
    if left and apart and (keyword := keywords.read(words, own)) and keyword.meaning == Meaning.OUT:
        # No other meaning is taken from a part of a text: an opt in is never guessed.
        return Said(keyword, quotes=True)
    named = naming.aimed(words, own, beside.names) if apart else naming.Aimed()
    if named.keyword:
        return Said(named.keyword, quotes=left is not None)
    short = named.flagged or _written_elsewhere(words)
    return Said(None, Found(short) if short else find_opt_out(words), left is not None)


def flagged_for(words: str) -> str | None:
    """Which of the words of a flag, a line for each text, read like an opt out, written plainly: for whoever
    decides about it, who sees only the words."""
    lines = words.splitlines()
    left = [own.words if (own := quoting.own_words(line, (), ())) else line for line in lines]
    if found := opt_out_words("\n".join(left)):
        return found
    shown = (naming.short_stop(line) or _written_elsewhere(line) for line in left)
    return next((each for each in shown if each), None)


def _written_elsewhere(words: str) -> str:
    word = keywords.normalise(words)
    return word if word in _WRITTEN_ELSEWHERE else ""
