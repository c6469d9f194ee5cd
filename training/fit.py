"""Fits the weights, with scikit-learn: the only place that needs it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from cadence_app.consent.intent import features, plain
from training.data import Row

# How much the weights may grow: chosen on groups held out.
_C = 10.0


def matrix(texts: Sequence[str]) -> csr_matrix:
    """A row a text, a column a bucket: as Classifier.score() weighs them."""
    starts, columns, values = [0], [], []
    for text in texts:
        for block in features.blocks(features.words_read(plain.sentences(text))):
            columns += sorted(block)
            values += [1 / np.sqrt(max(len(block), 1))] * len(block)
        starts.append(len(columns))
    found = csr_matrix((values, columns, starts), shape=(len(texts), features.BUCKETS))
    found.sum_duplicates()
    return found


def fitted(found: csr_matrix, rows: Sequence[Row]) -> tuple[np.ndarray, float]:
    """The weight of each bucket, and the bias."""
    model = LogisticRegression(C=_C, solver="liblinear", random_state=0, max_iter=300)
    model.fit(found, [row.opt_out for row in rows], sample_weight=[row.weight for row in rows])
    return model.coef_[0], float(model.intercept_[0])
