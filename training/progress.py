"""What a waiting person asks: how far, how good, how fast, how long still."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a training run.

    Args:
        stage: `train`, `fold K of N`, `calibrate`, `evaluate`, `report`, `write`, `compile`; before
            them `teach` (a teacher reads the rows; they are its steps) or `average`.
        step: optimiser steps done.
        steps: optimiser steps in all.
        loss: mean training loss since the last report; None before the first.
        learning_rate: the encoder's rate at this step.
        rows_per_s: training rows a second, without the first steps (warm-up).
        seconds_left: estimated time to the end of training; None until it can be told.
    """

    stage: str
    step: int = 0
    steps: int = 0
    loss: float | None = None
    learning_rate: float = 0.0
    rows_per_s: float = 0.0
    seconds_left: float | None = None


OnProgress = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """Drop a report."""
