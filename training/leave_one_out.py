"""How well authors are read whom the weights do not know: each in turn is left out, then read as at run time.

The ordinary replies are read by weights that know neither their author nor a line beside which one of them
was put. What shows here is counts, never a line, so that a file nobody may look into is read the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from cadence_app.consent.intent import phrases
from cadence_app.consent.intent.classifier import Classifier
from cadence_app.consent.intent.plain import sentences
from training import data
from training.data import Row
from training.fit import classifier, fitted, matrix

_FLAGS_AT = (0.6, 0.9, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2)
# A phrase is set aside this much below the score from which on a text is flagged.
_BELOW = (0.0, 0.5, 1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Reading:
    """A line as weights read it that do not know its author."""

    author: str
    ordinary: bool
    opt_out: bool
    text: list[list[str]]
    worded: bool
    score: float


@dataclass(frozen=True)
class Counts:
    """Lines rightly flagged, flagged for nothing and missed, and how many there are of both sorts."""

    right: int
    false: int
    missed: int
    lines: int

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.false, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.right + self.missed, 1)


def report(rows: Sequence[Row], frozen: Classifier) -> str:
    """Precision and recall at many thresholds, and of each author at the `frozen` ones."""
    found = matrix([row.text for row in rows])
    files = data.authors()
    everyone = sorted({file.author for file in files})
    models = {author: _without(found, rows, author) for author in everyone}
    readings = [reading for file in files for reading in readings_of(file, models[file.author])]
    traps = [one for one in readings if not one.ordinary]
    ordinary = [one for one in readings if one.ordinary]
    text = [
        "precision/recall/ordinary flagged; down: flagged from; across: a phrase is set aside so far below"
    ]
    text += ["        " + " ".join(f"{below:>16}" for below in _BELOW)]
    for at in _FLAGS_AT:
        tried = [replace(frozen, flags_at=at, sets_aside_below=at - below) for below in _BELOW]
        text.append(f"{at:7.1f} " + " ".join(f"{_cell(traps, ordinary, model):>16}" for model in tried))
    text += ["", f"at {frozen.flags_at}, set aside below {frozen.sets_aside_below}"]
    for author in everyone:
        own = [one for one in traps if one.author == author]
        text += [f"{author:>9} {_line(counted(own, frozen))}"] if own else []
    text.append(f" together {_line(counted(traps, frozen))}")
    text.append(f" ordinary {counted(ordinary, frozen).false} of {len(ordinary)} flagged")
    return "\n".join(text)


def read(path: Path, frozen: Classifier) -> str:
    """The counts of a file of lines (`label`, `language`, `text`), of which nothing else is shown."""
    readings = readings_of(data.Written("", False, data.labelled(path)), frozen)
    return _line(counted(readings, frozen))


def readings_of(written: data.Written, model: Classifier) -> list[Reading]:
    """Each line as these weights score it."""
    known = phrases.load()
    texts = [(sentences(text), opt_out) for text, opt_out in written.lines]
    return [
        Reading(
            written.author, written.ordinary, opt_out, text, known.find(text) is not None, model.score(text)
        )
        for text, opt_out in texts
    ]


def counted(readings: Iterable[Reading], model: Classifier) -> Counts:
    pairs = [(one.opt_out, model.flags(one.text, one.score, worded=one.worded)) for one in readings]
    return Counts(
        pairs.count((True, True)), pairs.count((False, True)), pairs.count((True, False)), len(pairs)
    )


def _without(found: csr_matrix, rows: Sequence[Row], author: str) -> Classifier:
    kept = [
        index
        for index, row in enumerate(rows)
        if row.author != author and not (row.borrows and author == data.ORDINARY)
    ]
    return classifier(*fitted(found[np.array(kept)], [rows[index] for index in kept]))


def _cell(traps: Sequence[Reading], ordinary: Sequence[Reading], model: Classifier) -> str:
    counts = counted(traps, model)
    return f"{counts.precision:.3f}/{counts.recall:.3f}/{counted(ordinary, model).false}"


def _line(counts: Counts) -> str:
    return (
        f"precision {counts.precision:.3f} recall {counts.recall:.3f}"
        f" ({counts.right} right, {counts.false} for nothing, {counts.missed} missed of {counts.lines})"
    )
