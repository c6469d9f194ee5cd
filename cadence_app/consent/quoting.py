"""What a sender wrote beside what their phone quoted: reactions, forwards and answers that a phone gives.

A phone that reacts to a text sends one that quotes it: `Liked “… Reply STOP to opt out”` says nothing about
consent. A quoted part is taken out only in the forms of quote_forms.py, and only where it is the beginning of
a text that was sent in the conversation, or a sentence that tells how to opt out (stop_lines.py). Everything
else is the sender's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cadence_app.consent import quote_forms, stop_lines

_QUOTES = dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u300c\u300d\u300e\u300f\uff02", '"')
_APOSTROPHES = dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u00b4`\uff07", "'")
_PLAIN = {
    **_QUOTES,
    **_APOSTROPHES,
    "\u2026": "...",
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015", "-"),
}
# Where a forwarded text may end and the sender's own begin.
_BREAK = re.compile(r"(?<=[.!?\"'])[ \n]|\n")
_EDGES = " \n\"'"
# So much of a text is looked into, and so many reactions in one; phones send no more.
_LONGEST, _MOST = 4000, 5


@dataclass(frozen=True)
class Own:
    """What is the sender's own of a text. `apart` is whether it stands apart from all that was quoted, so
    that it may be a keyword by itself."""

    words: str
    apart: bool


class _Folded:
    """A text without capitals, accents and invisible characters, with plain quotes and single spaces, and for
    each of its characters where that stands in the text as it is."""

    def __init__(self, text: str) -> None:
        self.raw = text
        letters: list[str] = []
        self.at: list[int] = []
        for index, character in enumerate(text[:_LONGEST]):
            for letter in _plain(character):
                if letter == " " and letters and letters[-1] in " \n":
                    continue
                if letter == "\n" and letters and letters[-1] == " ":
                    letters[-1] = "\n"
                    continue
                if letter == "\n" and letters and letters[-1] == "\n":
                    continue
                letters.append(letter)
                self.at.append(index)
        self.text = "".join(letters)
        self.start = len(self.text) - len(self.text.lstrip(" \n"))
        self.at.append(len(text))

    def without(self, cuts: Sequence[tuple[int, int]]) -> str:
        """The text as it is without these parts of the folded one."""
        left, end = "", 0
        for start, stop in sorted(cuts):
            left += self.raw[end : self.at[start]] + " "
            end = max(end, self.at[stop])
        return (left + self.raw[end:]).strip()


def may_quote(text: str) -> bool:
    """Whether a text has one of the forms that quote."""
    folded = _Folded(text)
    return bool(
        _marked(text)
        or quote_forms.REACTION.match(folded.text, folded.start)
        or quote_forms.FORWARD.search(folded.text)
        or quote_forms.BY_ITSELF.match(folded.text, folded.start)
        or quote_forms.OF_ITSELF.search(folded.text)
    )


def may_be_automatic(text: str) -> bool:
    """Whether a text reads like one that a phone or a system gives by itself, as some of people do too."""
    folded = _Folded(text)
    return bool(
        quote_forms.BY_ITSELF.match(folded.text, folded.start)
        or quote_forms.SURELY_BY_ITSELF.match(folded.text, folded.start)
        or quote_forms.OF_ITSELF.search(folded.text)
    )


def by_phone(text: str, ours: Sequence[str], words: Collection[str]) -> bool:
    """Whether nothing of a text is the sender's own: it is reactions to texts of ours, or to a file, and no
    more, or an answer that the phone gave by itself. Nothing that asks anything is. As of own_words()."""
    folded = _Folded(text)
    if quote_forms.OF_A_FILE.fullmatch(folded.text.strip(_EDGES)):
        return True
    if quote_forms.SURELY_BY_ITSELF.match(folded.text, folded.start):
        return "?" not in folded.text
    sent = [compared for each in ours if (compared := _compared(_Folded(each).text))]
    for _ in range(_MOST):
        left = _reacted(text, sent, words)
        if left is None:
            return False
        text = left.words
        if not text.strip(" .\n"):
            return True
    return False


def _reacted(text: str, ours: Sequence[str], words: Collection[str]) -> Own | None:
    """What is left of a text that begins with a reaction to one of ours."""
    marked = _marked(text)
    if marked and _ours(_Folded(marked[1]).text, ours, words):
        return Own(text[marked.end() :].strip(), True)
    left = _of_reaction(_Folded(text), ours, words)
    return left if left and left.apart else None


def own_words(text: str, ours: Sequence[str], words: Collection[str]) -> Own | None:
    """What the sender wrote of a text that quotes; None where nothing of it is quoted. `ours` are the texts
    that were sent in the conversation and those that the team sends by itself, `words` the normalised
    keywords that a sentence which tells how to opt out may name."""
    sent = [folded for each in ours if (folded := _compared(_Folded(each).text))]
    found: Own | None = None
    for _ in range(_MOST):
        left = _once(found.words if found else text, sent, words)
        if left is None:
            break
        found = left
        if not left.apart or not left.words:
            break
    return found


def _once(text: str, ours: Sequence[str], words: Collection[str]) -> Own | None:
    marked = _marked(text)
    if marked and _ours(_Folded(marked[1]).text, ours, words):
        return Own(text[marked.end() :].strip(), True)
    folded = _Folded(text)
    if found := _of_reaction(folded, ours, words) or _of_forward(folded, ours, words):
        return found
    if quote_forms.BY_ITSELF.match(folded.text, folded.start):
        return _without(folded, stop_lines.within(folded.text, folded.start, words))
    lines = stop_lines.within(folded.text, 0, words)
    return _without(folded, [(a, b) for a, b in lines if quote_forms.OF_ITSELF.search(folded.text[a:b])])


def _marked(text: str) -> re.Match[str] | None:
    return quote_forms.MARKED.match(text[:_LONGEST])


def _of_reaction(folded: _Folded, ours: Sequence[str], words: Collection[str]) -> Own | None:
    began = quote_forms.REACTION.match(folded.text, folded.start)
    if began is None:
        return None
    opened = began.end()
    for end in _closings(folded.text, opened):
        open_end = end == len(folded.text)
        if _ours(folded.text[opened + 1 : end], ours, words, open_end):
            after = min(end + 1, len(folded.text))
            if said := quote_forms.AFTER.match(folded.text, after):
                after = said.end()
            return Own(folded.without([(folded.start, after)]), True)
    for end in _closings(folded.text, opened):
        if left := _without(folded, stop_lines.within(folded.text[:end], opened + 1, words)):
            return left
    return None


def _of_forward(folded: _Folded, ours: Sequence[str], words: Collection[str]) -> Own | None:
    mark = quote_forms.FORWARD.search(folded.text)
    if mark is None:
        return None
    start = mark.end()
    while folded.text[start : start + 1] in _EDGES and start < len(folded.text):
        start += 1
    rest = folded.text[start:].replace("\n", " ")
    for text in sorted(ours, key=len, reverse=True):
        if rest.startswith(text) and not rest[len(text) :][:1].isalnum():
            return Own(folded.without([(mark.start(), start + len(text))]), True)
    ends = [each.start() for each in _BREAK.finditer(folded.text, mark.end())]
    for end in [len(folded.text), *reversed(ends)]:
        if _ours(folded.text[mark.end() : end], ours, words):
            return Own(folded.without([(mark.start(), end)]), True)
    return _without(folded, stop_lines.within(folded.text, mark.end(), words))


def _without(folded: _Folded, lines: Sequence[tuple[int, int]]) -> Own | None:
    """A text without these sentences, which tell how to opt out; None where there are none."""
    return Own(folded.without(lines), False) if lines else None


def _closings(text: str, opened: int) -> Iterator[int]:
    """Where the quote that was opened may close, the farthest first; the end of a text that was cut short."""
    quote = text[opened]
    if text.find(quote, opened + 1) < 0:
        yield len(text)
    at = text.rfind(quote)
    while at > opened:
        yield at
        at = text.rfind(quote, 0, at)


def _ours(quoted: str, ours: Sequence[str], words: Collection[str], cut: bool = False) -> bool:
    """Whether a quoted part, folded, is the beginning of a text of ours or tells how to opt out. Where the
    phone cut it short it may end within a word."""
    whole = _compared(quoted)
    begun = re.sub(r" *\.{2,}$", "", whole)
    cut = cut or begun != whole
    for text in ours if whole else ():
        if text == whole:
            return True
        if begun and text.startswith(begun) and (cut or not text[len(begun)].isalnum()):
            return True
    lines = list(stop_lines.sentences(quoted, 0))
    return bool(lines) and all(stop_lines.is_one(quoted[start:end], words) for start, end in lines)


def _compared(folded: str) -> str:
    return " ".join(folded.split()).strip(_EDGES)


@lru_cache(4096)
def _plain(character: str) -> str:
    if character in _PLAIN:
        return _PLAIN[character]
    if character in "\r\n":
        return "\n"
    if character.isspace():
        return " "
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character).casefold())
    return "".join(
        " " if c.isspace() else c
        for c in letters
        if unicodedata.category(c) not in {"Mn", "Me", "Cf", "Cc"} or c.isspace()
    )
