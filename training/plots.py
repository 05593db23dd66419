"""The plots of the report, drawn without a display."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

if TYPE_CHECKING:
    from training.evaluate import Evaluation

INK, ACCENT, PALE = "#1f2933", "#1d6fa5", "#d9e2ec"


def _axes(title: str, x: str, y: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.6, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10, color=INK)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    return figure, axes


def plot_confusion(path: Path, name: str, evaluation: "Evaluation") -> None:
    """Draw the confusion matrix: rows are the gold stance, columns the stance given."""
    figure, axes = _axes(f"Confusion, {name} (n = {evaluation.rows})", "given", "gold")
    table = np.array(evaluation.confusion)
    axes.imshow(table / np.maximum(table.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(table):
        share = count / max(table[row].sum(), 1)
        axes.text(column, row, str(count), ha="center", va="center", fontsize=9, color="white" if share > 0.55 else INK)
    axes.set_xticks(range(len(evaluation.labels)), evaluation.labels, rotation=30, ha="right")
    axes.set_yticks(range(len(evaluation.labels)), evaluation.labels)
    figure.savefig(path, dpi=100)


def plot_reliability(path: Path, name: str, confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> None:
    """Draw accuracy against confidence in ten bins, with the number of rows in each."""
    figure, axes = _axes(f"Reliability, {name} (n = {len(correct)})", "confidence", "accuracy")
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1.5)
    index = np.minimum((confidence * 10).astype(int), 9)
    for b in np.unique(index):
        inside = index == b
        x, y = confidence[inside].mean(), correct[inside].mean()
        axes.scatter([x], [y], s=20 + 180 * inside.mean(), color=ACCENT, alpha=0.8)
        axes.annotate(str(int(inside.sum())), (x, y), textcoords="offset points", xytext=(6, -10), fontsize=7)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.05)
    figure.savefig(path, dpi=100)


def plot_risk_coverage(path: Path, name: str, confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> None:
    """Draw the error rate among the surest answers against their share of all (El-Yaniv and Wiener, 2010)."""
    figure, axes = _axes(f"Risk and coverage, {name} (n = {len(correct)})", "share of rows answered", "error rate")
    order = np.argsort(-confidence, kind="stable")
    count = np.arange(1, len(order) + 1)
    axes.plot(count / len(order), 1 - np.cumsum(correct[order]) / count, color=ACCENT, linewidth=1.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    figure.savefig(path, dpi=100)


def plot_learning(path: Path, curve: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Draw the training loss by step and, on a scale of its own, the validation macro-F1 by epoch."""
    figure, axes = _axes("Learning", "step", "training loss")
    steps, losses = zip(*curve["loss"], strict=True)
    axes.plot(steps, losses, color=ACCENT, linewidth=1.2)
    axes.set_ylim(bottom=0)
    if curve["validation_macro_f1"]:
        other = axes.twinx()
        steps, scores = zip(*curve["validation_macro_f1"], strict=True)
        other.plot(steps, scores, color=INK, linewidth=1.2, marker="o", markersize=4)
        other.set_ylabel("validation macro-F1 (dots)", fontsize=9)
        other.set_ylim(0, 1)
        other.tick_params(labelsize=8)
    figure.savefig(path, dpi=100)
