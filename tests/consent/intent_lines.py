"""The lines of intent_lines.tsv, for the tests and the benchmark.

`opt_out` means: somebody must read it, since a reasonable person may understand it as a wish for no more
texts (or as a wrong number). The rounds were each written before they were run, run once, counted in
FIRST_LOOK and only then learnt from; docs/intent.md tells how.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cadence_app.consent import keywords
from cadence_app.consent.intent import reads_like_opt_out
from cadence_app.consent.keywords import Meaning

_FILE = Path(__file__).with_name("intent_lines.tsv")
_HELD_OUT = Path(__file__).with_name("intent_held_out.tsv")


@dataclass(frozen=True)
class Line:
    part: str
    opt_out: bool
    language: str
    text: str


@dataclass(frozen=True)
class Score:
    """Lines rightly noticed, noticed for nothing, and missed."""

    right: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.false)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed)

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.false + other.false, self.missed + other.missed)


# What each round scored when its lines were new to the phrases.
FIRST_LOOK = {
    "round_1": Score(147, 1, 6),
    "round_2": Score(88, 3, 22),
    "round_3": Score(70, 2, 30),
    "round_4": Score(55, 2, 22),
    "round_5": Score(40, 1, 17),
}


def lines() -> list[Line]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Line(row["part"], row["label"] == "opt_out", row["language"], row["text"]) for row in rows]


def held_out() -> list[Line]:
    """Lines that neither the phrases nor the classifier were made from; `part` is their kind."""
    with _HELD_OUT.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Line(row["kind"], row["label"] == "opt_out", row["language"], row["text"]) for row in rows]


def noticed(text: str) -> bool:
    """Whether Cadence acts on a text or flags it, as consent.deciding.decide does."""
    keyword = keywords.read(text, {})
    if keyword and keyword.word != keywords.YES:
        return keyword.meaning == Meaning.OUT
    return reads_like_opt_out(text)


def score(of: Iterable[Line]) -> Score:
    pairs = [(line.opt_out, noticed(line.text)) for line in of]
    return Score(pairs.count((True, True)), pairs.count((False, True)), pairs.count((True, False)))
