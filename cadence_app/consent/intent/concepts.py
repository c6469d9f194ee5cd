"""The words of concepts.toml, ready to be found in a sentence of plain words."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

from cadence_app.consent.intent.plain import COMMA, sentences

_FILE = Path(__file__).with_name("concepts.toml")


class Concepts:
    def __init__(self, entries: dict[str, dict[tuple[str, ...], tuple[str, ...]]]) -> None:
        self._entries = entries
        self._longest = {word: max(map(len, found)) for word, found in entries.items()}

    def among(self, words: list[str]) -> list[tuple[int, int, tuple[str, ...]]]:
        """What the words mean, in order: for each that means something where it stands (the first word and
        the one after its last) and its concepts, the longest entry that begins there first. A comma ends a
        clause and is no concept."""
        found: list[tuple[int, int, tuple[str, ...]]] = []
        index = 0
        while index < len(words):
            longest = self._longest.get(words[index], 0)
            step = 1
            for length in range(min(longest, len(words) - index), 0, -1):
                meant = self._entries[words[index]].get(tuple(words[index : index + length]))
                if meant:
                    found.append((index, index + length, meant))
                    step = length
                    break
            index += step
        return found


def of_language(concept: str, language: str) -> list[str]:
    """The words of a concept in a language, as people write them. Errors: KeyError for an unknown one."""
    return [word.strip() for word in _data()[concept][language].split(",")]


@cache
def load() -> Concepts:
    """Reads concepts.toml, once."""
    meanings: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for concept, languages in _data().items():
        for language in languages:
            for entry in of_language(concept, language):
                words = tuple(word for part in sentences(entry) for word in part if word != COMMA)
                meanings[words][concept] = None
    entries: dict[str, dict[tuple[str, ...], tuple[str, ...]]] = defaultdict(dict)
    for words, concepts in meanings.items():
        entries[words[0]][words] = tuple(concepts)
    return Concepts(dict(entries))


@cache
def _data() -> dict[str, dict[str, str]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
