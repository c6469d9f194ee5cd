"""Fits the weights, with scikit-learn: the only place that needs it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from cadence_app.consent.intent import features, plain
from cadence_app.consent.intent.classifier import Classifier
from training.data import Row

# How much the weights may grow: chosen on groups held out.
_C = 8.0
# A bucket counts by how unevenly the two sorts have it: from _EVEN up, at most _MOST_UNEVEN more.
_EVEN, _PER_LOG, _MOST_UNEVEN, _UNSEEN = 0.35, 0.325, 4.0, 0.5


def matrix(texts: Sequence[str]) -> csr_matrix:
    """A row a text, a column a bucket: as Classifier.score() weighs them."""
    starts, columns, values = [0], [], []
    for text in texts:
        found = features.blocks(features.words_read(plain.sentences(text)))
        for block, counts in zip(found, features.BLOCKS_COUNT, strict=True):
            columns += sorted(block)
            values += [counts / np.sqrt(max(len(block), 1))] * len(block)
        starts.append(len(columns))
    made = csr_matrix((values, columns, starts), shape=(len(texts), features.BUCKETS))
    made.sum_duplicates()
    return made


def fitted(found: csr_matrix, rows: Sequence[Row]) -> tuple[np.ndarray, float]:
    """The weight of each bucket, and the bias. Buckets are first scaled by their log ratio between opt outs
    and others (Wang and Manning, "Baselines and Bigrams", 2012), so that common words need less data."""
    labels = np.array([row.opt_out for row in rows])
    weights = np.array([row.weight for row in rows])
    scale = _unevenness(found, labels, weights)
    model = LogisticRegression(C=_C, solver="liblinear", random_state=0, max_iter=300, tol=0.01)
    model.fit(found.multiply(scale[None, :]).tocsr(), labels, sample_weight=weights)
    return model.coef_[0] * scale, float(model.intercept_[0])


def classifier(weights: np.ndarray, bias: float) -> Classifier:
    """The weights as whole numbers of one byte, as they are kept, without a version or thresholds."""
    step = round(float(np.abs(weights).max()) / 127, 8)
    whole = np.rint(weights / step).clip(-127, 127).astype(np.int8)
    return Classifier(0, 0.0, 0.0, "", round(bias, 6), step, array("b", whole.tobytes()))


def _unevenness(found: csr_matrix, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    outs = found.T @ (weights * labels) + _UNSEEN
    others = found.T @ (weights * ~labels) + _UNSEEN
    ratio = np.abs(np.log((outs / outs.sum()) / (others / others.sum())))
    unevenness: np.ndarray = _EVEN + _PER_LOG * np.minimum(ratio, _MOST_UNEVEN)
    return unevenness
