"""What the classifier sees of a text: its words, their letters and their meanings, as numbers of buckets.

Each is a string, brought to one of BUCKETS by its CRC, so that nothing but a list of weights need be kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

from cadence_app.consent.intent import concepts
from cadence_app.consent.intent.scope import scopes

BUCKETS = 1 << 18
# A text of ten segments has some 300 words; what says stop stands at its start or its end.
_FIRST, _LAST = 60, 30
# From how many words on a text is also read in parts, and how long sentences are cut.
_SHORT, _PIECE, _STEP = 10, 15, 7
_LETTERS = range(3, 6)
# How much the blocks of blocks() count beside each other: chosen on authors left out.
BLOCKS_COUNT = (1.0, 1.0, 1.0, 0.5)
# How many meanings apart two may stand to be seen together.
_REACH = 5


def words_read(text: list[list[str]]) -> list[list[str]]:
    """The sentences with no more words than are looked at: the first and the last of a long text."""
    if sum(map(len, text)) <= _FIRST + _LAST:
        return text
    words = [word for sentence in text for word in sentence]
    return [words[:_FIRST], words[-_LAST:]]


def parts(text: list[list[str]]) -> list[list[list[str]]]:
    """The sentences of a longer text that may say stop among others that do not, alone and two by two; a long
    sentence in pieces that overlap. None for a text that is short or one sentence."""
    pieces: list[list[str]] = []
    for sentence in text:
        if len(sentence) <= _PIECE + _STEP // 2:
            pieces.append(sentence)
        else:
            pieces += [sentence[at : at + _PIECE] for at in range(0, len(sentence) - _STEP, _STEP)]
    if len(pieces) < 2 or sum(map(len, text)) < _SHORT:
        return []
    alone = [[piece] for piece in pieces if len(piece) > 2]
    return alone + [list(two) for two in pairwise(pieces)]


def blocks(text: list[list[str]]) -> tuple[set[int], set[int], set[int], set[int]]:
    """The buckets of a text's words, letters, meanings and scopes; `text` is as plain.sentences() has it."""
    return (
        {_bucket(found) for found in _words(text)},
        {bucket for sentence in text for word in sentence for bucket in _letters(word)},
        {_bucket(found) for found in _meanings(text)},
        {_bucket(f"%{found}") for found in scopes(text)},
    )


def _bucket(found: str) -> int:
    return crc32(found.encode()) & (BUCKETS - 1)


def _words(text: list[list[str]]) -> Iterator[str]:
    for sentence in text:
        closed = ["^", *sentence, "$"]
        yield from sentence
        for one, other in pairwise(closed):
            yield f"{one} {other}"
        for one, other in pairwise(map(_bones, closed)):
            yield f"~{one} {other}"
        for one, two, three in zip(closed, closed[1:], closed[2:], strict=False):
            yield f"{one} {two} {three}"
            yield f"{one} _ {three}"
    yield f"#{min(sum(map(len, text)), 12)}"


@lru_cache(maxsize=4096)
def _letters(word: str) -> frozenset[int]:
    closed = f"<{word}>"
    found = {
        closed[start : start + length]
        for length in _LETTERS
        for start in range(max(len(closed) - length + 1, 1))
    }
    found.add(f"~{_bones(word)}")
    found.add(f"={''.join(sorted(word))}")
    return frozenset(map(_bucket, found))


@lru_cache(maxsize=4096)
def _bones(word: str) -> str:
    """The word without vowels but its first letter and with none twice running: "txtng" of "texting" and of
    "txting", "msg" of "message"."""
    bones = word[:1]
    for letter in word[1:]:
        if letter not in "aeiou" and letter != bones[-1]:
            bones += letter
    return bones


def _meanings(text: list[list[str]]) -> Iterator[str]:
    known = concepts.load()
    every: set[str] = set()
    for sentence in text:
        found = [meant for _, _, meant in known.among(sentence)]
        every.update(concept for meant in found for concept in meant)
        for index, meant in enumerate(found):
            for one in meant:
                for other in (c for later in found[index + 1 : index + 1 + _REACH] for c in later):
                    yield f"@{one}>{other}"
        for meant, after in pairwise(found):
            for one in meant:
                for other in after:
                    yield f"@{one}+{other}"
        for first, second, third in zip(found, found[1:], found[2:], strict=False):
            yield f"@{first[0]}+{second[0]}+{third[0]}"
    ordered = sorted(every)
    yield from (f"@{concept}" for concept in ordered)
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            yield f"@{one}&{other}"
