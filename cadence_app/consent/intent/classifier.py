"""A linear classifier beside the phrases: how much a text sounds like a revocation.

training/ makes weights.json from lines of the project's own; docs/intent.md says how and how well. At run
time it is a sum of whole numbers, so that the same text always gets the same score on every machine.
"""

from __future__ import annotations

import base64
import json
import zlib
from array import array
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path

from cadence_app.consent.intent.features import BLOCKS_COUNT, BUCKETS, blocks, parts, words_read

# A text of many parts has more chances to be wrong.
_LESS_BELIEVED = 0.6
_MORE_OF_ONE_WORD = 2.5
_LOWEST = -99.0
WEIGHTS = Path(__file__).with_name("weights.json")


@dataclass(frozen=True)
class Classifier:
    """`version` names the weights in what they flag. A text is a possible revocation from `flags_at` on.
    A phrase's match is set aside below `sets_aside_below`. `data` is the SHA-256 of what made them."""

    version: int
    flags_at: float
    sets_aside_below: float
    data: str
    bias: float
    step: float
    weights: array[int]

    def threshold(self, text: list[list[str]]) -> float:
        """From which score on a text without a phrase is flagged. One word says little of what is meant."""
        return self.flags_at + (_MORE_OF_ONE_WORD if sum(map(len, text)) == 1 else 0.0)

    def flags(self, text: list[list[str]], score: float, *, worded: bool) -> bool:
        """Whether a text of this score is a possible revocation; `worded` says that a phrase stands in it."""
        return score >= (self.sets_aside_below if worded else self.threshold(text))

    def score(self, text: list[list[str]]) -> float:
        """Nought is as likely as not, above is likelier a revocation; `text` is as plain.sentences() gives
        it. The highest of the whole and, a little less believed, of its parts."""
        text = words_read(text)
        return max(self._score(text), *(self._score(part) - _LESS_BELIEVED for part in parts(text)), _LOWEST)

    def _score(self, text: list[list[str]]) -> float:
        """Each kind of feature counts by its sum over the root of their number, so length is no evidence."""
        weights, total = self.weights, 0.0
        for block, counts in zip(blocks(text), BLOCKS_COUNT, strict=True):
            if block:
                total += counts * sum(weights[bucket] for bucket in block) / sqrt(len(block))
        return self.bias + self.step * total


@cache
def load() -> Classifier:
    """Reads weights.json, once."""
    kept = json.loads(WEIGHTS.read_text(encoding="ascii"))
    weights = array("b", zlib.decompress(base64.b64decode(kept.pop("weights"))))
    if len(weights) != BUCKETS:
        raise ValueError("weights.json does not fit the features: train it again")
    return Classifier(weights=weights, **kept)
