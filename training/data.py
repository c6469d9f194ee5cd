"""The rows that the classifier is trained on, and the checksum of all that they are made from."""

from __future__ import annotations

import csv
import hashlib
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from cadence_app.consent.intent import features, plain
from training import augment, templates

ROOT = Path(__file__).parents[1]
PHRASE_LINES = ROOT / "tests" / "consent" / "intent_lines.tsv"
_SEED = 20261130
# Texts of one template, and of each text the same as other thumbs write it.
_MOST = 8
_LONE_LINE_VARIED = 3
_SEEN_THROUGH = 20
_SENTENCES_BESIDE = (0, 0, 0, 0, 0, 1, 1, 1, 2, 3)


@dataclass(frozen=True)
class Row:
    """`group` is what the row was made from: rows of one group are never on both sides of a test."""

    text: str
    opt_out: bool
    group: int
    kind: str
    weight: float
    varied: bool
    ordinary: bool


def rows() -> list[Row]:
    """Every row, always the same and in the same order."""
    dice = random.Random(_SEED)  # noqa: S311
    found: list[Row] = []
    every = templates.templates()
    ordinary: dict[str, list[templates.Template]] = defaultdict(list)
    for each in every:
        if each.ordinary:
            ordinary[each.language].append(each)
    for group, template in enumerate(every):
        texts = templates.written_out(template, _MOST, dice)
        times = _LONE_LINE_VARIED if len(texts) == 1 else 1 + template.opt_out
        weight = 1.0 if len(texts) > 1 else 1.5
        beside = ordinary[template.language]
        for text in texts:
            found.append(Row(text, template.opt_out, group, template.kind, weight, False, template.ordinary))
            for _ in range(times):
                other = augment.varied(text, dice)
                for _ in range(dice.choice(_SENTENCES_BESIDE)):
                    (sentence,) = templates.written_out(dice.choice(beside), 1, dice)
                    other = augment.embedded(other, sentence, dice)
                found.append(Row(other, template.opt_out, group, template.kind, 0.5, True, template.ordinary))
    for group, (text, opt_out) in enumerate(_phrase_lines(), start=len(every)):
        found.append(Row(text, opt_out, group, "lines of the phrases", 1.5, False, False))
        found.append(
            Row(augment.varied(text, dice), opt_out, group, "lines of the phrases", 0.5, True, False)
        )
    return found


def checksum(made: list[Row]) -> str:
    """SHA-256, in hexadecimal, of the rows, and of the features of some of them."""
    found = hashlib.sha256(f"{features.BUCKETS}".encode())
    for row in made:
        found.update(f"{row.opt_out}\t{row.weight}\t{row.text}\n".encode())
    for row in made[::_SEEN_THROUGH]:
        for block in features.blocks(features.words_read(plain.sentences(row.text))):
            found.update(f"{sorted(block)}\n".encode())
    return found.hexdigest()


def _phrase_lines() -> list[tuple[str, bool]]:
    with PHRASE_LINES.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(line["text"], line["label"] == "opt_out") for line in lines]
