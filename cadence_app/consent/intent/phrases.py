"""The phrases of phrases.toml, made ready to be found in sentences of plain words.

A phrase is written as words with spaces between them, and

    (a|b c)      one of these            {name}   one of the words of that class
    (a|b)?       or nothing              ..3      up to three words, none of `within` and no comma
    word*        any ending of the word  ^ and $  start and end of a clause, courtesies left aside

It begins with words, not with a gap, so that a sentence is compared only where one of those words stands.
Gaps and repeats have an upper bound, so the time a text takes grows with its length and no faster.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cadence_app.consent.intent.plain import COMMA, sentences

_FILE = Path(__file__).with_name("phrases.toml")
_PARTS = re.compile(r"\([^)]*\)\??|\S+")
_INNOCENT = "_"
# A thousand expressions take half a second to compile, and most texts need none of them.
_compiled = cache(re.compile)
# How many words before a phrase are looked at for what excuses it.
_REACH = 8


@dataclass(frozen=True, eq=False)
class Group:
    """What excuses phrases: words just before (unless `despite` is what stands there), just after, in the
    same sentence, anywhere in the text."""

    before: str | None
    despite: str | None
    after: str | None
    sentence: str | None
    text: str | None


@dataclass(frozen=True)
class Entry:
    """The phrases of one group that begin with one word; `starts` are those that must begin a clause."""

    pattern: str
    starts: bool
    group: Group


class Phrases:
    def __init__(
        self,
        entries: Mapping[str, list[Entry]],
        innocent: Mapping[str, str],
        courtesies: frozenset[str],
    ) -> None:
        self._entries, self._innocent, self._courtesies = entries, innocent, courtesies

    def patterns(self) -> list[str]:
        """Every regular expression a text is compared with."""
        entries = [entry for same_word in self._entries.values() for entry in same_word]
        groups = {entry.group for entry in entries}
        excuses = [p for g in groups for p in (g.before, g.despite, g.after, g.sentence, g.text) if p]
        return [*(entry.pattern for entry in entries), *excuses, *self._innocent.values()]

    def find(self, text: list[list[str]]) -> str | None:
        """The words of the first phrase that nothing excuses."""
        joined = _joined(word for words in text for word in (*words, COMMA))
        excused = _Once(lambda group: bool(group.text and _compiled(group.text).search(joined)))
        for words in text:
            if found := self._find_in(self._without_innocent(words), excused):
                return found
        return None

    def _find_in(self, words: list[str], excused_by_text: _Once) -> str | None:
        sentence, at, starting = _joined(words), 0, True
        excused = _Once(lambda group: bool(group.sentence and _compiled(group.sentence).search(sentence)))
        for index, word in enumerate(words):
            for entry in self._entries.get(word, ()):
                if entry.starts and not starting:
                    continue
                match = _compiled(entry.pattern).match(sentence, at)
                if (
                    match
                    and not _excused_beside(entry.group, words[max(0, index - _REACH) : index], match)
                    and not excused[entry.group]
                    and not excused_by_text[entry.group]
                ):
                    return match.group().strip(" ,")
            starting = word == COMMA or (starting and word in self._courtesies)
            at += len(word) + 1
        return None

    def _without_innocent(self, words: list[str]) -> list[str]:
        if self._innocent.keys().isdisjoint(words):
            return words
        left: list[str] = []
        index = 0
        while index < len(words):
            pattern = self._innocent.get(words[index])
            match = _compiled(pattern).match(_joined(words[index : index + _REACH])) if pattern else None
            if match:
                left.append(_INNOCENT)
                index += match.group().count(" ")
            else:
                left.append(words[index])
                index += 1
        return left


@cache
def load() -> Phrases:
    """Reads phrases.toml, once. Errors: ValueError for a phrase that breaks the rules above."""
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    writer = _Writer(data)
    entries: dict[str, list[Entry]] = defaultdict(list)
    for group in data["group"]:
        excuses = Group(
            writer.any_of(group.get("unless_before"), "(?<![^ ])(?:{})$"),
            writer.any_of(group.get("despite"), "(?<![^ ])(?:{})$"),
            writer.any_of(group.get("unless_after"), "(?:{})"),
            writer.any_of(group.get("unless_in_sentence"), "(?<![^ ])(?:{})"),
            writer.any_of(group.get("unless_in_text"), "(?<![^ ])(?:{})"),
        )
        for (word, starts), patterns in writer.by_first_word(group["phrases"]).items():
            entries[word].append(Entry("|".join(patterns), starts, excuses))
    innocent = {
        word: "|".join(patterns) for (word, _), patterns in writer.by_first_word(data["innocent"]).items()
    }
    return Phrases(entries, innocent, frozenset(_words(data["courtesies"])))


class _Writer:
    """Writes phrases as regular expressions over words that are each followed by a space."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._classes: dict[str, str] = data["words"]
        self._parts: dict[str, str] = {}
        courtesies = "|".join(sorted({*_words(data["courtesies"])}))
        self._gap = rf"(?:(?!(?:{'|'.join(_words(data['within']))}) )[^ ,_]+ )"
        self._end = rf"(?=(?:(?:{courtesies}) ){{0,{_REACH}}}(?:,|$))"

    def any_of(self, phrases: list[str] | None, template: str) -> str | None:
        if not phrases:
            return None
        return template.format("|".join(self._pattern(phrase) for phrase in phrases))

    def by_first_word(self, phrases: list[str]) -> dict[tuple[str, bool], list[str]]:
        """Patterns by the word they begin with and whether they must begin a clause."""
        found: dict[tuple[str, bool], list[str]] = defaultdict(list)
        for phrase in phrases:
            starts = phrase.startswith("^ ")
            phrase = phrase.removeprefix("^ ")
            first = _PARTS.findall(phrase)[0]
            words = {option.split()[0] for option in self._options(first)}
            if first.startswith("..") or first.endswith("?") or any(word.endswith("*") for word in words):
                raise ValueError(f"a phrase begins with whole words: {phrase}")
            for word in words:
                found[word, starts].append(self._pattern(phrase))
        return found

    def _pattern(self, phrase: str) -> str:
        return "".join(self._written(part) for part in _PARTS.findall(phrase))

    def _written(self, part: str) -> str:
        if part not in self._parts:
            self._parts[part] = self._part(part)
        return self._parts[part]

    def _part(self, part: str) -> str:
        if part.startswith(".."):
            return f"{self._gap}{{0,{int(part[2:])}}}?"
        alternatives = "|".join(self._option(option) for option in self._options(part))
        return f"(?:{alternatives})" + ("?" if part.endswith("?") else "")

    def _option(self, option: str) -> str:
        if option == "$":
            return self._end
        return re.escape(option.removesuffix("*")) + ("[^ ,]* " if option.endswith("*") else " ")

    def _options(self, part: str) -> list[str]:
        options: list[str] = []
        for option in part.removesuffix("?").strip("()").split("|"):
            if option.startswith("{"):
                options += self._options(self._classes[option.strip("{}")])
            else:
                options.append(option if option == "$" else _plain(option))
        return options


class _Once(dict[Group, bool]):
    """An answer about each group, found when it is first asked for: a whole text is searched once a group."""

    def __init__(self, answer: Callable[[Group], bool]) -> None:
        self._answer = answer

    def __missing__(self, group: Group) -> bool:
        self[group] = self._answer(group)
        return self[group]


def _excused_beside(group: Group, before: list[str], match: re.Match[str]) -> bool:
    lead = _joined(before)
    despite = group.despite and _compiled(group.despite).search(lead)
    if group.before and not despite and _compiled(group.before).search(lead):
        return True
    return bool(group.after and _compiled(group.after).match(match.string, match.end()))


def _joined(words: Iterable[str]) -> str:
    return "".join(f"{word} " for word in words)


def _plain(option: str) -> str:
    """A word or words as plain.py would write them, with the star that ends some."""
    written = " ".join(word for words in sentences(option.removesuffix("*")) for word in words)
    if not written:
        raise ValueError(f"a phrase has an option without words: {option!r}")
    return written + ("*" if option.endswith("*") else "")


def _words(listed: str) -> list[str]:
    return [word for words in sentences(listed) for word in words]
