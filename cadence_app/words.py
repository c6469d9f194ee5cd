"""What a word is, for search, and where the words that were searched for are in a text.

The database finds (migrations/versions/0065_search.py, words_in() and words_asked()); what is found is marked
here by the same rule. There, any text is cut into words; here, the one before somebody's eyes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# What stands for itself: letters of scripts that put no space between words, and signs.
_ALONE = (
    r"\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2190-\u2BFF\u3040-\u30FA\u30FC-\u30FF\u3400-\u4DBF\u4E00-\u9FFF"
    r"\uF900-\uFAFF\U0001F000-\U0001FAFF\U00020000-\U0003FFFF"
)
_BETWEEN = (
    r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00BF\u00D7\u00F7\u02B9-\u02C1\u0589\u05BE\u05F3\u05F4"
    r"\u060C\u061B\u061F\u066A-\u066D\u06D4\u0964\u0965\u1680\u2000-\u206F\u3000-\u303F\u30FB"
    r"\uFE00-\uFE0F\uFFFC\uFFFD"
)
_WORD = re.compile(f"[{_ALONE}]|[^{_ALONE}{_BETWEEN}]+")
# In a text as it stands, which is not in small letters yet.
_LETTERS = re.compile(f"[{_ALONE}]|(?:[^{_ALONE}{_BETWEEN}]|[A-Z\\u00AA\\u00B5\\u00BA])+")
_CHUNK = re.compile(r'"[^"]*"|[^\s"]+')
_QUOTES = str.maketrans("“”„«»", '"""""')
_LONGEST_WORD = 60
_LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class Piece:
    """A part of a text; `found` if it is what was searched for."""

    text: str
    found: bool


@dataclass(frozen=True)
class Phrase:
    """Words that stand one after the other; of the last one the beginning suffices if it is `open`."""

    words: tuple[str, ...]
    open: bool

    def __len__(self) -> int:
        return len(self.words)

    def starts_at(self, place: int, words: Sequence[str]) -> bool:
        """Whether it is what stands in these words from this place on."""
        there = words[place : place + len(self)]
        if len(there) < len(self) or tuple(there[:-1]) != self.words[:-1]:
            return False
        return there[-1].startswith(self.words[-1]) if self.open else there[-1] == self.words[-1]


def words_in(said: str) -> list[str]:
    """The words of a text, as they are compared."""
    plain = unicodedata.normalize("NFKC", said[:_LONGEST_TEXT]).lower()[:_LONGEST_TEXT]
    return [word[:_LONGEST_WORD] for word in _WORD.findall(plain)]


def asked(search: str) -> list[Phrase]:
    """What a search in texts asks for: words in any order; those within quotes, or joined by a sign, one
    after the other; of the last one its beginning, unless a quote ends with it."""
    chunks = [(words_in(chunk), chunk) for chunk in _CHUNK.findall(search.translate(_QUOTES))]
    said = [(tuple(words), not chunk.startswith('"')) for words, chunk in chunks if words]
    return [Phrase(words, open_ and at == len(said) - 1) for at, (words, open_) in enumerate(said)]


def asked_of_names(search: str) -> list[Phrase]:
    """What a search in names asks for: beginnings of words, in any order."""
    return [Phrase((word,), open=True) for word in words_in(search)]


def marked(said: str, phrases: Sequence[Phrase]) -> list[Piece]:
    """A text cut where what was searched for begins and ends."""
    places = [(each.start(), each.end()) for each in _LETTERS.finditer(said)]
    words = ["".join(words_in(said[start:end])) for start, end in places]
    pieces, at = [], 0
    for start, end in _spans(words, phrases):
        begins, ends = places[start][0], places[end - 1][1]
        if begins > at:
            pieces.append(Piece(said[at:begins], found=False))
        pieces.append(Piece(said[begins:ends], found=True))
        at = ends
    if at < len(said):
        pieces.append(Piece(said[at:], found=False))
    return pieces


def excerpt(said: str, phrases: Sequence[Phrase], longest: int = 120, before: int = 30) -> list[Piece]:
    """As marked(), of the part of a text around the first that was found; three dots where it is cut."""
    pieces = marked(said, phrases)
    first = next((at for at, piece in enumerate(pieces) if piece.found), 0)
    lead = "".join(piece.text for piece in pieces[:first])
    if len(lead) > before:
        cut = lead[-before:]
        # At a space, where there is one.
        pieces = [Piece("…" + (cut.partition(" ")[2] or cut), found=False), *pieces[first:]]
    shown: list[Piece] = []
    room = longest
    for piece in pieces:
        if len(piece.text) > room:
            shown.append(Piece(piece.text[:room].rstrip() + "…", piece.found))
            break
        shown.append(piece)
        room -= len(piece.text)
    return [piece for piece in shown if piece.text]


def _spans(words: Sequence[str], phrases: Sequence[Phrase]) -> Iterator[tuple[int, int]]:
    """From which word up to which one of the phrases stands, the longest where several do."""
    # By their first word, so that a text is not gone through once for each of many phrases.
    exact: dict[str, set[Phrase]] = defaultdict(set)
    beginnings: set[Phrase] = set()
    for phrase in phrases:
        if phrase.open and len(phrase) == 1:
            beginnings.add(phrase)
        else:
            exact[phrase.words[0]].add(phrase)
    at = 0
    while at < len(words):
        likely = (*exact.get(words[at], ()), *beginnings)
        found = max((len(each) for each in likely if each.starts_at(at, words)), default=0)
        if found:
            yield at, at + found
        at += found or 1
