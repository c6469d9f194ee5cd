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
AUTHORS = Path(__file__).with_name("authors")
ORDINARY = "ordinary"
_SEED = 20261130
# Texts of one template, and how often a line that stands for itself and one of an author are written again as
# another thumb writes them.
_MOST, _MOST_OF_NAMED = 8, 24
_LONE_LINE_VARIED = 3
_LINE_VARIED = 2
_SEEN_THROUGH = 20
_SENTENCES_BESIDE = (0, 0, 0, 0, 0, 1, 1, 1, 2, 3)


@dataclass(frozen=True)
class Row:
    """`group` is what the row was made from: rows of one group are never on both sides of a test. `author` is
    who wrote it, empty for the templates and the phrases' lines; `borrows` says that a sentence of the
    author of the ordinary replies stands beside it."""

    text: str
    opt_out: bool
    group: int
    kind: str
    weight: float
    varied: bool
    ordinary: bool
    author: str = ""
    borrows: bool = False


def rows() -> list[Row]:
    """Every row, always the same and in the same order."""
    dice = random.Random(_SEED)  # noqa: S311
    found: list[Row] = []
    every = templates.templates()
    ordinary: dict[str, list[templates.Template]] = defaultdict(list)
    for each in every:
        if each.ordinary and not each.author:
            ordinary[each.language].append(each)
    for group, template in enumerate(every):
        texts = templates.written_out(template, _MOST_OF_NAMED if template.author else _MOST, dice)
        weight = 1.0 if len(texts) > 1 else 1.5
        for text in texts:
            found.append(_row(template, group, text, weight))
            for _ in range(_LONE_LINE_VARIED if len(texts) == 1 else 1 + template.opt_out):
                other = augment.varied(text, dice)
                for _ in range(dice.choice(_SENTENCES_BESIDE)):
                    (sentence,) = templates.written_out(dice.choice(ordinary[template.language]), 1, dice)
                    other = augment.embedded(other, sentence, dice)
                found.append(_row(template, group, other, 0.5, varied=True))
    for group, (text, opt_out) in enumerate(_phrase_lines(), start=len(every)):
        found.append(Row(text, opt_out, group, "lines of the phrases", 1.5, False, False))
        other = augment.varied(text, dice)
        found.append(Row(other, opt_out, group, "lines of the phrases", 0.5, True, False))
    return found + _of_authors(len(found), dice)


def _row(template: templates.Template, group: int, text: str, weight: float, *, varied: bool = False) -> Row:
    return Row(
        text, template.opt_out, group, template.kind, weight, varied, template.ordinary, template.author
    )


def _of_authors(group: int, dice: random.Random) -> list[Row]:
    """The lines of authors, each as written and as other thumbs write it. They count for more."""
    found: list[Row] = []
    files = authors()
    beside = next(file.lines for file in files if file.author == ORDINARY)
    for file in files:
        author, ordinary = file.author, file.ordinary
        less = 0.75 if ordinary else 1.0
        for at, (text, opt_out) in enumerate(file.lines, start=group):
            found.append(Row(text, opt_out, at, f"author {author}", 5.0 * less, False, ordinary, author))
            for _ in range(_LINE_VARIED):
                other = augment.varied(text, dice)
                sentences = dice.choice(_SENTENCES_BESIDE)
                for _ in range(sentences):
                    other = augment.embedded(other, dice.choice(beside)[0], dice)
                found.append(
                    Row(
                        other,
                        opt_out,
                        at,
                        f"author {author}",
                        1.75 * less,
                        True,
                        ordinary,
                        author,
                        sentences > 0,
                    )
                )
        group += len(file.lines)
    return found


@dataclass(frozen=True)
class Written:
    """What one author wrote: opt outs and their traps, or `ordinary` replies; the lines with whether each is
    an opt out."""

    author: str
    ordinary: bool
    lines: list[tuple[str, bool]]


def authors() -> list[Written]:
    """The files of `authors`. The author stands before the hyphen, so "four-2" is of "four" too."""
    return [
        Written(path.stem.split("-")[0], path.stem.endswith(ORDINARY), labelled(path))
        for path in sorted(AUTHORS.glob("*.tsv"))
    ]


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
    return labelled(PHRASE_LINES)


def labelled(path: Path) -> list[tuple[str, bool]]:
    """The lines of a file with the columns `label` and `text`, with whether each is an opt out."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(line["text"], line["label"] == "opt_out") for line in lines]
