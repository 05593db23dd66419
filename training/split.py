"""Which rows train, which calibrate, which test.

A file's own `split` column wins; a row that names none trains. Where no row is named `validation`, some of the training
rows are held out for calibration: split by group (rows with the same `group`, or with the same words, stay together),
stratified by stance, with a seed.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from model.encoding import normalise
from model.errors import DataError
from training.data import LabelledData, Row


@dataclass(frozen=True)
class Split:
    """Rows by their use.

    Args:
        train: rows that the network learns from.
        validation: rows that temperatures and threshold are fitted on.
        test: rows that nothing is fitted on; empty where the file gives none.
    """

    train: list[Row]
    validation: list[Row]
    test: list[Row]

    @property
    def held_out(self) -> tuple[str, list[Row]]:
        """Name and rows of what the report measures on: `test` where there is one, else `validation`."""
        return ("test", self.test) if self.test else ("validation", self.validation)


def split_rows(data: LabelledData, validation_share: float, seed: int, *, hold_out: bool = True) -> Split:
    """Split a file.

    Args:
        data: the checked file.
        validation_share: share of the training rows held out where the file names no validation rows.
        seed: of the shuffle.
        hold_out: whether to hold any out; if not, `validation` is empty where the file names no such row.

    Raises:
        DataError: too few rows remain to hold any out, or a label has no training row.
    """
    by_name = {name: [row for row in data.rows if (row.split or "train") == name] for name in ("train", "test")}
    validation = [row for row in data.rows if row.split == "validation"]
    train = by_name["train"]
    if not validation and hold_out:
        train, validation = _hold_out(train, validation_share, seed, data.name)
    if missing := set(data.labels.stance) - {row.stance for row in train}:
        raise DataError(f"{data.name}: no training row has the label {', '.join(sorted(missing))}")
    return Split(train, validation, by_name["test"])


def fold_rows(rows: list[Row], folds: int, seed: int, name: str) -> list[tuple[list[int], list[int]]]:
    """Cut rows into folds for cross-validation: by group, stratified by stance, with a seed.

    Returns:
        For each fold, the indices of the rows to train on and of those to measure on; every row is measured on once.

    Raises:
        DataError: a label has fewer rows than there are folds.
    """
    stances = [row.stance for row in rows]
    groups = _groups(rows)
    smallest = min(stances.count(label) for label in set(stances)) if rows else 0
    if folds > smallest or folds > len(set(groups)):
        raise DataError(f"{name}: {folds} folds need {folds} rows a label; the rarest has {smallest}")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    cut = [(a.tolist(), b.tolist()) for a, b in splitter.split(np.zeros(len(rows)), stances, groups)]
    if any(len({stances[i] for i in kept}) < len(set(stances)) for kept, _ in cut):
        raise DataError(f"{name}: the groups leave a label without training rows in a fold: take fewer folds")
    return cut


def _groups(rows: list[Row]) -> list[int]:
    keys: dict[str, int] = {}
    return [keys.setdefault(row.group or "text:" + normalise(row.text).casefold(), len(keys)) for row in rows]


def _hold_out(rows: list[Row], share: float, seed: int, name: str) -> tuple[list[Row], list[Row]]:
    groups = _groups(rows)
    folds = max(2, round(1 / share))
    stances = [row.stance for row in rows]
    smallest = min(stances.count(label) for label in set(stances)) if rows else 0
    if len(set(groups)) < folds or smallest < 2:
        raise DataError(f"{name}: {len(rows)} training rows are too few to hold {share:.0%} out for calibration")
    folds = min(folds, max(2, smallest))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    train_index, held_index = next(splitter.split(np.zeros(len(rows)), stances, groups))
    return [rows[i] for i in train_index], [rows[i] for i in held_index]
