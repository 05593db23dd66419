"""Fits temperatures and the `uncertain` threshold on held-out rows."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from model.calibration import Calibration, softmax
from model.labels import LabelSpace

TEMPERATURES = (0.25, 8.0)
"""The range that is searched; a fit at its edge means that the held-out rows say nothing."""


def fit_temperature(logits: NDArray[np.floating], gold: NDArray[np.int64]) -> float:
    """Return the temperature with the least negative log-likelihood (Guo et al., 2017).

    Args:
        logits: (rows, labels of the group).
        gold: (rows,) index of the right label, -100 where a row has none.
    """
    known = gold >= 0
    if known.sum() < 2:
        return 1.0
    picked, right = logits[known], gold[known]

    def loss(log_temperature: float) -> float:
        probabilities = softmax(picked, float(np.exp(log_temperature)))
        return float(-np.log(probabilities[np.arange(len(right)), right] + 1e-12).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))


def fit_threshold(confidence: NDArray[np.floating], correct: NDArray[np.bool_], stated_accuracy: float) -> float:
    """Return the lowest confidence from which on the answers reach the stated accuracy.

    The answers are sorted by confidence and the largest set of the surest ones with that accuracy is taken
    (selective classification; Geifman and El-Yaniv, 2017). Sets of fewer than 10 answers are not trusted.

    Args:
        confidence: (rows,) probability of the label given.
        correct: (rows,) whether it was right.
        stated_accuracy: what the answers at or above the threshold must reach.

    Returns:
        A threshold in [0, 1]; 0 where all answers together reach the accuracy, 1 where no trusted set does.
    """
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
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
) -> Calibration:
    """Fit both temperatures, then the threshold.

    Args:
        logits: (rows, labels).
        stance: (rows,) index of the stance.
        sentiment: (rows,) index within the sentiment group, -100 where a row has none.
        labels: the label groups.
        stated_accuracy: see `fit_threshold`.
    """
    warmth = fit_temperature(logits[:, labels.stance_slice], stance)
    tone = fit_temperature(logits[:, labels.sentiment_slice], sentiment) if labels.sentiment else 1.0
    probabilities = softmax(logits[:, labels.stance_slice], warmth)
    correct = probabilities.argmax(axis=1) == stance
    return Calibration(
        round(warmth, 4), round(tone, 4), round(fit_threshold(probabilities.max(axis=1), correct, stated_accuracy), 4)
    )
