"""What a "not" reaches and what an out word is about: "don't stop these" is no "stop these", and "stop the
calls" is none either. For every language at once, by where the words of concepts.toml stand to each other.

A negator reaches over a few words of its clause, and in German and in French ("nehmt mich nicht raus") also
stands after. What an act is about is the first of its objects after it, or else the last one before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cadence_app.consent.intent import concepts
from cadence_app.consent.intent.plain import COMMA

_ACTS = frozenset(
    (
        *("stop", "erase", "withdraw", "alone", "contact", "texts", "want"),
        *("consent", "keep", "call", "post", "back"),
    )
)
_OBJECTS = (
    *("texts", "call", "post", "list", "number", "contact", "things", "money", "body", "study", "booking"),
    *("machine", "kin", "role", "consent", "my", "this"),
)
_NEGATORS = frozenset(("not", "never"))
# What else a text says that an act is seen beside.
_BESIDE = frozenset(
    ("laugh", "oops", "asks", "quote", "back", "okay", "past", "others", "only", "keep", "if")
)
# Words with which another thought begins, as plain.py writes them.
_BREAKS = {
    "en": ("but", "and", "or", "because", "so", "then"),
    "es": ("pero", "y", "porque"),
    "fr": ("mais", "et", "parce"),
    "pt": ("mas", "e", "porque"),
    "de": ("aber", "und", "oder", "sondern"),
    "tl": ("ngunit", "pero", "at", "kasi"),
}
_ANOTHER_THOUGHT = frozenset(word for words in _BREAKS.values() for word in words) | {COMMA}
# How many words may stand between: a negator close by, further off and after; an object.
_CLOSE, _FAR, _AFTER, _OBJECT = 2, 5, 4, 6
_Meant = Sequence[tuple[int, int, tuple[str, ...]]]


def scopes(text: list[list[str]]) -> Iterator[str]:
    """The acts of a text, each with whether it is negated ("!", "!!" from further off, "?" by what stands
    after it) and what it is about; the acts by two, and beside what else the text says."""
    known = concepts.load()
    acts: set[str] = set()
    beside: set[str] = set()
    for sentence in text:
        for clause in _clauses(sentence):
            found = known.among(clause)
            for index, (_, _, meant) in enumerate(found):
                beside.update(_BESIDE.intersection(meant))
                for concept in _ACTS.intersection(meant):
                    act = _negation(found, index) + concept
                    acts.add(act)
                    yield f"{act} {_object(found, index, concept)}"
    yield from acts
    yield from beside
    ordered = sorted(acts)
    for at, one in enumerate(ordered):
        yield from (f"{one} {other}" for other in ordered[at + 1 :])
        yield from (f"{one} / {other}" for other in beside)


def _negation(found: _Meant, index: int) -> str:
    start, end, _ = found[index]
    for _, ended, meant in reversed(found[:index]):
        apart = start - ended
        if apart > _FAR:
            break
        if _NEGATORS.intersection(meant):
            return "!" if apart <= _CLOSE else "!!"
    for begins, _, meant in found[index + 1 :]:
        if begins - end > _AFTER:
            break
        if _NEGATORS.intersection(meant):
            return "?"
    return ""


def _object(found: _Meant, index: int, act: str) -> str:
    start, end, _ = found[index]
    for begins, _, meant in found[index + 1 :]:
        if begins - end > _OBJECT:
            break
        if named := _named(meant, act):
            return f">{named}"
    for _, ended, meant in reversed(found[:index]):
        if start - ended > _OBJECT:
            break
        if named := _named(meant, act):
            return f"<{named}"
    return ""


def _named(meant: tuple[str, ...], act: str) -> str | None:
    return next((each for each in _OBJECTS if each in meant and each != act), None)


def _clauses(sentence: list[str]) -> Iterator[list[str]]:
    clause: list[str] = []
    for word in sentence:
        if word not in _ANOTHER_THOUGHT:
            clause.append(word)
        elif clause:
            yield clause
            clause = []
    if clause:
        yield clause
