"""Fits temperatures and the `uncertain` threshold on held-out rows."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from model.calibration import Calibration, softmax
from model.labels import LabelSpace

TEMPERATURES = (0.25, 8.0)
"""The range that is searched; a fit at its edge means that the held-out rows say nothing."""


def fit_temperature(
    logits: NDArray[np.floating], gold: NDArray[np.int64], weights: NDArray[np.floating] | None = None
) -> float:
    """Return the temperature with the least negative log-likelihood (Guo et al., 2017).

    Args:
        logits: (rows, labels of the group).
        gold: (rows,) index of the right label, -100 where a row has none.
        weights: (rows,) how much each counts; None for all alike.
    """
    known = gold >= 0
    if known.sum() < 2:
        return 1.0
    picked, right = logits[known], gold[known]
    counts = None if weights is None else weights[known]

    def loss(log_temperature: float) -> float:
        probabilities = softmax(picked, float(np.exp(log_temperature)))
        return float(np.average(-np.log(probabilities[np.arange(len(right)), right] + 1e-12), weights=counts))

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))


def fit_threshold(
    confidence: NDArray[np.floating],
    correct: NDArray[np.bool_],
    stated_accuracy: float,
    weights: NDArray[np.floating] | None = None,
) -> float:
    """Return the lowest confidence from which on the answers reach the stated accuracy.

    The answers are sorted by confidence and the largest set of the surest ones with that accuracy is taken
    (selective classification; Geifman and El-Yaniv, 2017). Sets of fewer than 10 answers are not trusted.

    Args:
        confidence: (rows,) probability of the label given.
        correct: (rows,) whether it was right.
        stated_accuracy: what the answers at or above the threshold must reach.
        weights: (rows,) how much each counts; None for all alike.

    Returns:
        A threshold in [0, 1]; 0 where all answers together reach the accuracy, 1 where no trusted set does.
    """
    order = np.argsort(-confidence, kind="stable")
    counts = np.ones(len(order)) if weights is None else weights[order]
    accuracy = np.cumsum(correct[order] * counts) / np.maximum(np.cumsum(counts), 1e-12)
    good = np.flatnonzero((accuracy >= stated_accuracy) & (np.arange(1, len(order) + 1) >= min(10, len(order))))
    if not len(good):
        return 1.0
    last = int(good[-1])
    return 0.0 if last == len(order) - 1 else float(confidence[order[last]])


def fit_calibration(
    logits: NDArray[np.float32],
    stance: NDArray[np.int64],
    sentiment: NDArray[np.int64],
    labels: LabelSpace,
    stated_accuracy: float,
    weights: NDArray[np.floating] | None = None,
) -> Calibration:
    """Fit both temperatures, then the threshold.

    Args:
        logits: (rows, labels).
        stance: (rows,) index of the stance.
        sentiment: (rows,) index within the sentiment group, -100 where a row has none.
        labels: the label groups.
        stated_accuracy: see `fit_threshold`.
        weights: (rows,) how much each counts: rows that stand for more of what will be asked count for more. None for
            all alike.
    """
    warmth = fit_temperature(logits[:, labels.stance_slice], stance, weights)
    tone = fit_temperature(logits[:, labels.sentiment_slice], sentiment, weights) if labels.sentiment else 1.0
    probabilities = softmax(logits[:, labels.stance_slice], warmth)
    correct = probabilities.argmax(axis=1) == stance
    threshold = fit_threshold(probabilities.max(axis=1), correct, stated_accuracy, weights)
    return Calibration(round(warmth, 4), round(tone, 4), round(threshold, 4))
