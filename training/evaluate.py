"""How good a classifier is on labelled rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from model.calibration import expected_calibration_error
from model.classifier import StanceClassifier
from model.errors import DataError
from model.labels import LabelSpace
from model.records import Prediction
from training.data import Row

BOOTSTRAP_DRAWS = 2000


@dataclass(frozen=True)
class ClassFigures:
    """Precision, recall and F1 of one label, and how many rows have it."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """The figures of one classifier on one labelled set.

    Args:
        rows: how many rows were scored.
        accuracy: share of rows with the right stance.
        macro_f1: unweighted mean F1 over the stances that occur among labels or answers.
        macro_f1_interval: 95 % bootstrap interval over rows (percentile, 2,000 draws).
        per_class: stance -> figures.
        confusion: rows: gold stance, columns: stance given; both in label order.
        labels: the stances, in label order.
        ece: expected calibration error of the stance confidence, 15 equal bins.
        coverage: share of rows not marked `uncertain`.
        covered_accuracy: accuracy among those.
        sentiment_rows: rows with a sentiment label.
        sentiment_macro_f1: as `macro_f1`, over the sentiments; None where nothing could be compared.
        sentiment_ece: as `ece`.
        secondary_accuracy: share of rows whose stance given is the label or the secondary one.
    """

    rows: int
    accuracy: float
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    per_class: dict[str, ClassFigures]
    confusion: list[list[int]]
    labels: tuple[str, ...]
    ece: float
    coverage: float
    covered_accuracy: float
    sentiment_rows: int
    sentiment_macro_f1: float | None
    sentiment_ece: float | None
    secondary_accuracy: float

    def metrics(self) -> dict[str, Any]:
        """Return the figures that go into a manifest, rounded to four places."""
        flat = {
            "rows": self.rows,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "macro_f1_low": self.macro_f1_interval[0],
            "macro_f1_high": self.macro_f1_interval[1],
            "ece": self.ece,
            "coverage": self.coverage,
            "covered_accuracy": self.covered_accuracy,
            "sentiment_macro_f1": self.sentiment_macro_f1,
            "sentiment_ece": self.sentiment_ece,
            **{f"f1_{label}": figures.f1 for label, figures in self.per_class.items()},
        }
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in flat.items()}


def macro_f1(gold: NDArray[np.int64], given: NDArray[np.int64], labels: int) -> float:
    """Return the unweighted mean F1 over the labels that occur in `gold` or `given`.

    Args:
        gold: (rows,) index of the right label.
        given: (rows,) index of the label given.
        labels: how many labels there are.
    """
    table = np.bincount(gold * labels + given, minlength=labels * labels).reshape(labels, labels)
    hits, total = np.diag(table), table.sum(axis=0) + table.sum(axis=1)
    seen = total > 0
    return float((2 * hits[seen] / total[seen]).mean()) if seen.any() else 0.0


def bootstrap_interval(
    gold: NDArray[np.int64], given: NDArray[np.int64], labels: int, draws: int = BOOTSTRAP_DRAWS, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of macro-F1 under resampling of rows (Efron, 1979)."""
    generator = np.random.default_rng(seed)
    values = [
        macro_f1(gold[pick], given[pick], labels)
        for pick in (generator.integers(0, len(gold), len(gold)) for _ in range(draws))
    ]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def evaluate(classifier: StanceClassifier, rows: Sequence[Row]) -> tuple[Evaluation, list[Prediction]]:
    """Score labelled rows.

    Returns:
        The figures, and the predictions in the order of the rows.

    Raises:
        DataError: a row has a stance that the checkpoint does not know.
    """
    labels = classifier.labels
    if unknown := [row for row in rows if row.stance not in labels.stance]:
        raise DataError(
            *(
                f"{row.where}, column stance: the checkpoint knows no {row.stance!r}, only {', '.join(labels.stance)}"
                for row in unknown
            )
        )
    predictions = classifier.classify([row.text for row in rows])
    return measure(labels, rows, predictions), predictions


def measure(labels: LabelSpace, rows: Sequence[Row], predictions: Sequence[Prediction]) -> Evaluation:
    """Return the figures of predictions for labelled rows, in the same order."""
    gold = np.array([labels.stance.index(row.stance) for row in rows])
    given = np.array([labels.stance.index(p.stance.label) for p in predictions])
    confidence = np.array([p.stance.confidence for p in predictions])
    correct = gold == given
    sure = np.array([not p.uncertain for p in predictions])
    precision, recall, f1, support = precision_recall_fscore_support(
        gold, given, labels=range(len(labels.stance)), zero_division=0
    )
    toned = [
        (labels.sentiment.index(row.sentiment), labels.sentiment.index(p.sentiment.label), p.sentiment.confidence)
        for row, p in zip(rows, predictions, strict=True)
        if p.sentiment is not None and row.sentiment in labels.sentiment
    ]
    tone_gold, tone_given = np.array([t[0] for t in toned], dtype=int), np.array([t[1] for t in toned], dtype=int)
    return Evaluation(
        rows=len(rows),
        accuracy=float(correct.mean()),
        macro_f1=macro_f1(gold, given, len(labels.stance)),
        macro_f1_interval=bootstrap_interval(gold, given, len(labels.stance)),
        per_class={
            label: ClassFigures(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, label in enumerate(labels.stance)
        },
        confusion=confusion_matrix(gold, given, labels=range(len(labels.stance))).tolist(),
        labels=labels.stance,
        ece=expected_calibration_error(confidence, correct),
        coverage=float(sure.mean()),
        covered_accuracy=float(correct[sure].mean()) if sure.any() else 0.0,
        sentiment_rows=len(toned),
        sentiment_macro_f1=macro_f1(tone_gold, tone_given, len(labels.sentiment)) if toned else None,
        sentiment_ece=(
            expected_calibration_error(np.array([t[2] for t in toned]), tone_gold == tone_given) if toned else None
        ),
        secondary_accuracy=float(
            np.mean([p.stance.label in (r.stance, r.secondary) for r, p in zip(rows, predictions, strict=True)])
        ),
    )


def confident_errors(rows: Sequence[Row], predictions: Sequence[Prediction], most: int = 50) -> list[dict[str, Any]]:
    """Return the wrong answers, the surest first: row number, both labels, confidence, text."""
    wrong = [(p.stance.confidence, r, p) for r, p in zip(rows, predictions, strict=True) if p.stance.label != r.stance]
    return [
        {
            "row": r.number,
            "stance": r.stance,
            "given": p.stance.label,
            "confidence": round(confidence, 4),
            "text": r.text,
        }
        for confidence, r, p in sorted(wrong, key=lambda item: (-item[0], item[1].number))[:most]
    ]
