"""The lines of intent_lines.tsv, for the tests and the benchmark.

`opt_out` means: somebody must read it, since a reasonable person may understand it as a wish for no more texts
(or as a wrong number). The held-out lines were written before the phrases and not looked at while these were
written; docs/intent.md says what the first look showed.
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


@dataclass(frozen=True)
class Line:
    held_out: bool
    opt_out: bool
    language: str
    text: str


@dataclass(frozen=True)
class Score:
    """Lines rightly flagged, flagged for nothing, and missed."""

    right: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.false)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed)


def lines() -> list[Line]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Line(row["part"] == "held_out", row["label"] == "opt_out", row["language"], row["text"])
            for row in rows
        ]


def noticed(text: str) -> bool:
    """Whether Cadence acts on a text or flags it, as consent.service.read_text does."""
    keyword = keywords.read(text, {})
    if keyword and keyword.word != keywords.YES:
        return keyword.meaning == Meaning.OUT
    return reads_like_opt_out(text)


def score(of: Iterable[Line]) -> Score:
    pairs = [(line.opt_out, noticed(line.text)) for line in of]
    return Score(pairs.count((True, True)), pairs.count((False, True)), pairs.count((True, False)))
