"""Logits -> calibrated probabilities, and the threshold under which an answer counts as uncertain.

Temperature scaling (Guo et al., 2017, "On Calibration of Modern Neural Networks"): each label group's logits are
divided by one number, fitted on held-out data for the backend that serves. The order of labels never changes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted on held-out data.

    Args:
        stance_temperature: divides the stance logits; over 1 makes answers less sure.
        sentiment_temperature: the same for the sentiment logits.
        threshold: stance confidence under which a prediction is `uncertain`.

    Raises:
        ValueError: a temperature is not positive, or the threshold is no probability.
    """

    stance_temperature: float = 1.0
    sentiment_temperature: float = 1.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if not (self.stance_temperature > 0 and self.sentiment_temperature > 0):
            raise ValueError("a temperature must be positive")
        if not 0 <= self.threshold <= 1:
            raise ValueError("the threshold must lie between 0 and 1")


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the probabilities of one group.

    Args:
        logits: (batch, labels of the group).
        temperature: see `Calibration`.

    Returns:
        float64 (batch, labels), each row sums to 1.
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def expected_calibration_error(confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equally wide bins, weighted by their size (Naeini et al., 2015).

    Args:
        confidence: (n,) probability of the label given.
        correct: (n,) whether that label was right.
        bins: how many bins of equal width.
    """
    if not len(confidence):
        return 0.0
    index = np.minimum((np.asarray(confidence) * bins).astype(int), bins - 1)
    gaps = [
        abs(float(confidence[index == b].mean()) - float(correct[index == b].mean())) * int((index == b).sum())
        for b in range(bins)
        if (index == b).any()
    ]
    return float(sum(gaps) / len(confidence))
