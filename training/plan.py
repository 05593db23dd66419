"""What a training run would do, before it does it: rows by split, the recipe, and how long it takes here."""

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from model.bases import resolve_base
from model.errors import TrainingError
from training.config import Recipe
from training.data import LabelledData
from training.learn import Lesson, learn
from training.progress import OnProgress, Progress, ignore_progress
from training.run import counts_of, plan_split

TIMED_STEPS = 9
"""Steps of the timing, the slow first three not counted."""
OVERHEAD = 0.25
"""Share of the training time that calibration, evaluation and the report add."""


@dataclass(frozen=True)
class Plan:
    """What would be done.

    Args:
        split: split -> stance -> rows.
        recipe: as it would be used.
        runs: networks that would be trained, folds included.
        rows_per_s: training rows a second, timed on this machine.
        seconds: expected time from start to checkpoint.
    """

    split: dict[str, dict[str, int]]
    recipe: Recipe
    runs: int
    rows_per_s: float
    seconds: float


def plan(data: LabelledData, recipe: Recipe, on_progress: OnProgress = ignore_progress) -> Plan:
    """Split the file, time a few steps of training, and write nothing.

    Raises:
        DataError: the rows cannot be split.
        TrainingError: the base cannot be loaded.
    """
    recipe, split = plan_split(data, recipe)
    base = resolve_base(recipe.base)
    rates: list[float] = []

    def keep(progress: Progress) -> None:
        rates.append(progress.rows_per_s)
        on_progress(progress)

    began = time.monotonic()
    rows, epochs = sum(row.weight for row in split.train) + recipe.recombine, recipe.epochs
    if recipe.rows_per_epoch:
        rows = min(rows, recipe.rows_per_epoch)
    with tempfile.TemporaryDirectory(prefix="stance-") as work:
        lesson = Lesson(base, data.labels, replace(recipe, epochs=max(epochs, TIMED_STEPS)), data.name, Path(work))
        learn(lesson, split.train, keep, max_steps=TIMED_STEPS)
    start_s = time.monotonic() - began  # loading, warm start and the timed steps: about what each run needs to begin
    if recipe.method == "frozen":
        training_s, rate = 0.0, 0.0
    elif rates and rates[-1] > 0:
        rate = rates[-1]
        training_s = rows * epochs / rate
    else:
        raise TrainingError("the timing took no step: the file has too few rows")
    runs = 1 + recipe.folds
    folds = recipe.folds - 1  # K networks, each on all rows but one fold: together K - 1 times the rows
    whole = training_s * (1 + max(folds, 0))
    return Plan(counts_of(split), recipe, runs, rate, runs * start_s + whole * (1 + OVERHEAD))
