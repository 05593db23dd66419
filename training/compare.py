"""The promotion gate: is a new checkpoint at least as good as the old one on the same labelled rows?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.checkpoint import Manifest
from model.classifier import StanceClassifier
from model.errors import DataError
from training.data import Row
from training.evaluate import BOOTSTRAP_DRAWS, Evaluation, evaluate, macro_f1


@dataclass(frozen=True, slots=True)
class Change:
    """A statement whose label changes.

    Args:
        row: file and row.
        text: the statement.
        gold: its label.
        old: what the old checkpoint gives.
        new: what the new one gives.
    """

    row: str
    text: str
    gold: str
    old: str
    new: str

    @property
    def verdict(self) -> str:
        """`fixed`, `broken`, or `other` where both are wrong."""
        return "fixed" if self.new == self.gold else "broken" if self.old == self.gold else "other"


@dataclass(frozen=True)
class Comparison:
    """Two checkpoints on the same rows.

    Args:
        old: figures of the old one.
        new: figures of the new one.
        difference: macro-F1 of the new one minus that of the old one.
        interval: 95 % paired-bootstrap interval of the difference.
        changes: the statements whose label changes.
    """

    old: Evaluation
    new: Evaluation
    difference: float
    interval: tuple[float, float]
    changes: tuple[Change, ...]

    @property
    def acceptable(self) -> bool:
        """Whether the new one is not worse: as good, or less than 0.01 behind and not surely so."""
        return self.difference >= 0 or (self.difference > -0.01 and self.interval[1] > 0)

    def figures(self) -> dict[str, Any]:
        """Return what goes into the history."""
        return {
            "rows": self.old.rows,
            "old_macro_f1": round(self.old.macro_f1, 4),
            "new_macro_f1": round(self.new.macro_f1, 4),
            "difference_low": round(self.interval[0], 4),
            "difference_high": round(self.interval[1], 4),
            "changed": len(self.changes),
        }


def compare(old: StanceClassifier, new: StanceClassifier, rows: Sequence[Row]) -> Comparison:
    """Score the same rows with two checkpoints.

    The interval is a paired bootstrap over rows: each draw resamples rows once and scores both (Efron and Tibshirani,
    1993; Berg-Kirkpatrick et al., 2012).

    Raises:
        DataError: their label sets differ, or a row has a label that they do not know.
    """
    refuse_other_labels(old, new)
    (old_figures, old_given), (new_figures, new_given) = evaluate(old, rows), evaluate(new, rows)
    index = {label: i for i, label in enumerate(old.labels.stance)}
    gold = np.array([index[row.stance] for row in rows])
    first = np.array([index[p.stance.label] for p in old_given])
    second = np.array([index[p.stance.label] for p in new_given])
    draws = _paired_draws(gold, first, second, len(index))
    low, high = np.percentile(draws, [2.5, 97.5])
    return Comparison(
        old_figures,
        new_figures,
        new_figures.macro_f1 - old_figures.macro_f1,
        (float(low), float(high)),
        tuple(
            Change(row.where, row.text, row.stance, a.stance.label, b.stance.label)
            for row, a, b in zip(rows, old_given, new_given, strict=True)
            if a.stance.label != b.stance.label
        ),
    )


def refuse_other_labels(
    old: StanceClassifier | Manifest, new: StanceClassifier | Manifest, what_to_do: str = ""
) -> None:
    """Refuse two checkpoints that cannot be compared; their manifests tell it before a network is loaded.

    Args:
        old: the old one, or its manifest.
        new: the new one, or its manifest.
        what_to_do: ends the sentence.

    Raises:
        DataError: their label sets differ.
    """
    if set(old.labels.stance) != set(new.labels.stance):
        raise DataError(
            f"{new.checkpoint_id} labels {', '.join(new.labels.stance)}, and {old.checkpoint_id} labels "
            f"{', '.join(old.labels.stance)}: they cannot be compared{what_to_do}"
        )


def _paired_draws(
    gold: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64], labels: int
) -> NDArray[np.float64]:
    generator = np.random.default_rng(0)
    picks = (generator.integers(0, len(gold), len(gold)) for _ in range(BOOTSTRAP_DRAWS))
    return np.array([macro_f1(gold[p], second[p], labels) - macro_f1(gold[p], first[p], labels) for p in picks])
