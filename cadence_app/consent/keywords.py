"""The words that opt a contact out or in, or ask for help.

Sources: 47 CFR 64.1200(a)(10) (stop, quit, end, revoke, opt out, cancel, unsubscribe), and the default lists
of the carriers' platforms (docs/carriers/). Further words of a carrier's own, such as REMOVE and ARRET, count
where it acts on them. An organization's own words are in own_keywords.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
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

_OUT = frozenset(OUT_WORDS)
_SPACES = re.compile(r"\s+")
# Marks of ownership: NFKC would make letters of some, and of an accent that stands alone a space.
_SIGN = "[\u2122\u2120\u00ae\u00a9\u2117\u1d40\u1d39\u00b4\u00a8\u00af\u00b8\u02d8-\u02dd]+"
# Shown as nothing, although Unicode calls some of them letters or marks (Default_Ignorable_Code_Point).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\uffa0\ufe00-\ufe0f\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
# Vowel signs that Arabic and Hebrew are mostly written without, and the stroke that only stretches a word.
_VOWELS = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4"
    "\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08e1\u08e3-\u08ff]"
)
# Apostrophes and other strokes that Unicode calls letters.
_STROKE = "\u02b9-\u02c1\u02c6-\u02d1\u02ec\u02ee\ua78b\ua78c"
_STROKES = re.compile(f"[{_STROKE}]")
_LETTER = rf"[^\W_{_STROKE}]"
_SIGNS = re.compile(rf"(?<!{_LETTER}){_SIGN}|{_SIGN}(?!{_LETTER})")
# Letters, casefolded, that look like those of the built-in words: Cyrillic, Greek, Armenian, small capitals.
# None that another alphabet writes such a word of its own with: the Russian and the Greek "stop" stay theirs.
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\u0430\u03b1\u1d00\u0251", "a"),
        **dict.fromkeys("\u0432\u03b2\u0299", "b"),
        **dict.fromkeys("\u0441\u1d04", "c"),
        **dict.fromkeys("\u0501\u1d05", "d"),
        **dict.fromkeys("\u0435\u0451\u03b5\u1d07", "e"),
        **dict.fromkeys("\u0456\u0457\u03b9\u0269\u026a\u0131", "i"),
        **dict.fromkeys("\u043a\u03ba\u1d0b", "k"),
        **dict.fromkeys("\u04cf\u029f\u01c0", "l"),
        **dict.fromkeys("\u03bd\u0274\u0578", "n"),
        **dict.fromkeys("\u043e\u03bf\u0585\u1d0f", "o"),
        **dict.fromkeys("\u0440\u03c1\u1d18", "p"),
        **dict.fromkeys("\u051b", "q"),
        **dict.fromkeys("\u0280", "r"),
        **dict.fromkeys("\u0455\ua731\u10fd", "s"),
        **dict.fromkeys("\u0442\u03c4\u1d1b", "t"),
        **dict.fromkeys("\u03c5\u057d\u1d1c", "u"),
        **dict.fromkeys("\u0475\u1d20", "v"),
    }
)
# With a mark on each letter and dress of its own.
_LONGEST_LIKENESS = 60
# Letters white on black, in circles and squares, have no plain form in NFKC, and the Greek C another one.
_SHAPES = str.maketrans(
    {chr(start + at): chr(ord("a") + at) for start in (0x1F150, 0x1F170) for at in range(26)}
    | {"\u03f2": "c", "\u03f9": "c"}
)
_DASHES = re.compile(r"\s*[\u2010-\u2015\u2212-]\s*")
# "Stop 😂" may be a laugh at a joke, so it is left for a person to read; any other sign is only dress.
_PLAYFUL = frozenset(
    "\U0001f602\U0001f923\U0001f606\U0001f605\U0001f62d\U0001f480\U0001f60d\U0001f61c\U0001f609\U0001f643"
)


@dataclass(frozen=True)
class Keyword:
    """A keyword as it was read: its normalised word and what it means. `named` says that something stood
    beside the word that names what to stop (naming.py), and `team_ids` are the teams it names; none means
    the team that was texted."""

    word: str
    meaning: Meaning
    named: bool = False
    team_ids: tuple[int, ...] = ()

    @property
    def every_team(self) -> bool:
        return self.word in EVERY_TEAM_WORDS

    @property
    def built_in(self) -> bool:
        return self.word in BUILT_IN


def normalise(text: str) -> str:
    """The text as keywords are compared: NFKC, casefolded, without surrounding space, quotes, punctuation,
    signs, emoji or invisible characters, without vowel signs, and with single spaces and plain hyphens
    inside. What only looks like a built-in out word, by letters of another alphabet or marks on its own, is
    that word; one that opts in is never guessed so."""
    word = _undressed(text)
    if word in BUILT_IN or len(word) > _LONGEST_LIKENESS:
        return word
    shaped = text.translate(_SHAPES)
    for likeness in (word, _undressed(shaped) if shaped != text else word):
        if (alike := _alike(likeness)) in _OUT:
            return alike
    return word


def read(text: str, custom: Mapping[str, Meaning]) -> Keyword | None:
    """The keyword that is the whole of the text, or none. `custom` maps normalised words to meanings; it
    can't change what a built-in word means."""
    word = normalise(text)
    meaning = BUILT_IN.get(word) or custom.get(word)
    return Keyword(word, meaning) if meaning else None


def _undressed(text: str) -> str:
    text = _SIGNS.sub(" ", _UNSEEN.sub("", text))
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = "".join(" " if c.isspace() else c for c in text if c.isspace() or not _invisible(c))
    text = _bare(unicodedata.normalize("NFKC", _VOWELS.sub("", text)), _dress)
    return _DASHES.sub("-", _SPACES.sub(" ", text))


def _alike(word: str) -> str:
    """A word with what stands on or through its letters taken off, and Latin letters for their likes."""
    parts = unicodedata.normalize("NFKD", word)
    letters = "".join(c for c in parts if unicodedata.category(c) not in {"Mn", "Me"})
    return _SPACES.sub(" ", _bare(letters.translate(_ALIKE), _any_sign))


def _bare(text: str, dress: Callable[[str], bool]) -> str:
    start, end = 0, len(text)
    while end > start and dress(text[end - 1]):
        end -= 1
    while start < end and text[start] != "@" and dress(text[start]):
        start += 1
    return text[start:end]


def _invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf"} or bool(_UNSEEN.match(character))


def _dress(character: str) -> bool:
    category = unicodedata.category(character)
    return (
        character.isspace()
        or category.startswith("P")
        or (category in {"So", "Sk", "Sm"} and character not in _PLAYFUL and character != "+")
        or bool(_STROKES.match(character))
    )


def _any_sign(character: str) -> bool:
    # A word of an organisation's own may need its plus or its currency; a built-in one has none.
    return _dress(character) or character == "+" or unicodedata.category(character) == "Sc"
