"""How well the classifier reads groups that it was not fitted on: no template is on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cadence_app.consent.intent import phrases, plain
from training.data import Row
from training.fit import fitted, matrix

_FOLDS = 5
_THRESHOLDS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


def report(rows: Sequence[Row]) -> str:
    scores = _scores(rows)
    known = phrases.load()
    worded = np.array([known.find(plain.sentences(row.text)) is not None for row in rows])
    opt_out = np.array([row.opt_out for row in rows])
    plainly = np.array([not row.varied for row in rows])
    ordinary = np.array([row.ordinary for row in rows])
    kinds = np.array([row.kind for row in rows])
    text = ["threshold  recall  traps flagged  ordinary flagged (phrases or classifier; texts as written)"]
    for at in _THRESHOLDS:
        flagged = (scores >= at) | worded
        recall, traps = flagged[opt_out & plainly], flagged[~opt_out & ~ordinary & plainly]
        replies = flagged[ordinary & plainly]
        text.append(f"{at:9.1f} {recall.mean():7.3f} {traps.mean():14.3f} {replies.mean():17.4f}")
    flagged = (scores >= 2.0) | worded
    text += [f"{flagged[(kinds == kind) & plainly].mean():.2f} {kind}" for kind in sorted(set(kinds))]
    return "\n".join(text)


def _scores(rows: Sequence[Row]) -> np.ndarray:
    found = matrix([row.text for row in rows])
    fold = np.array([(row.group * 2654435761) % 2**32 % _FOLDS for row in rows])
    scores = np.zeros(len(rows))
    for each in range(_FOLDS):
        fit, test = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        weights, bias = fitted(found[fit], [rows[int(index)] for index in fit])
        scores[test] = found[test] @ weights + bias
    return scores
