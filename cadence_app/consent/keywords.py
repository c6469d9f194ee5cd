"""The words that opt a contact out or in, or ask for help.

Sources: 47 CFR 64.1200(a)(10) (stop, quit, end, revoke, opt out, cancel, unsubscribe), and the default lists
of the carriers' platforms (Twilio: STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE, OPTOUT; START, YES,
UNSTOP; HELP, INFO. Telnyx adds STOP ALL. AWS's own, such as REMOVE and ARRET, count where it acts on
them).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    OUT = "out"
    IN = "in"
    HELP = "help"


OUT_WORDS = (
    *("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke"),
    *("optout", "opt out", "opt-out"),
)
# Out of every team, whatever the tenant's keyword policy.
EVERY_TEAM_WORDS = frozenset({"stopall", "stop all"})
IN_WORDS = ("start", "unstop")
# An opt in only from a contact who is opted out; otherwise the answer to somebody's question.
YES = "yes"
HELP_WORDS = ("help", "info")
# What a toll-free network itself acts on: only STOP blocks there, only START and UNSTOP undo it.
TOLL_FREE_BLOCK_WORDS = frozenset({"stop"})
TOLL_FREE_UNBLOCK_WORDS = frozenset(IN_WORDS)

BUILT_IN: Mapping[str, Meaning] = {
    **dict.fromkeys(OUT_WORDS, Meaning.OUT),
    **dict.fromkeys((*IN_WORDS, YES), Meaning.IN),
    **dict.fromkeys(HELP_WORDS, Meaning.HELP),
}

_SPACES = re.compile(r"\s+")
_DASHES = re.compile(r"\s*[\u2010-\u2015\u2212-]\s*")
# "Stop 😂" may be a laugh at a joke, so it is left for a person to read; any other sign is only dress.
_PLAYFUL = frozenset(
    "\U0001f602\U0001f923\U0001f606\U0001f605\U0001f62d\U0001f480\U0001f60d\U0001f61c\U0001f609\U0001f643"
)


@dataclass(frozen=True)
class Keyword:
    """A keyword as it was read: its normalised word and what it means."""

    word: str
    meaning: Meaning

    @property
    def every_team(self) -> bool:
        return self.word in EVERY_TEAM_WORDS

    @property
    def built_in(self) -> bool:
        return self.word in BUILT_IN


def normalise(text: str) -> str:
    """The text as keywords are compared: NFKC, casefolded, without surrounding space, quotes, punctuation,
    emoji or invisible characters, and with single spaces and plain hyphens inside."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = "".join(" " if c.isspace() else c for c in text if c.isspace() or not _invisible(c))
    start, end = 0, len(text)
    while end > start and _dress(text[end - 1]):
        end -= 1
    while start < end and text[start] != "@" and _dress(text[start]):
        start += 1
    return _DASHES.sub("-", _SPACES.sub(" ", text[start:end]))


def read(text: str, custom: Mapping[str, Meaning]) -> Keyword | None:
    """The keyword that is the whole of the text, or none. `custom` maps normalised words to meanings; it
    can't change what a built-in word means."""
    word = normalise(text)
    meaning = BUILT_IN.get(word) or custom.get(word)
    return Keyword(word, meaning) if meaning else None


def _invisible(character: str) -> bool:
    # Control and format characters, and the selectors that follow an emoji.
    return unicodedata.category(character) in {"Cc", "Cf"} or "\ufe00" <= character <= "\ufe0f"


def _dress(character: str) -> bool:
    category = unicodedata.category(character)
    return (
        character.isspace()
        or character in "`<>"
        or category.startswith("P")
        or (category in {"So", "Sk"} and character not in _PLAYFUL)
    )
