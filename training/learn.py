"""Rows in, a trained network out: the same for the checkpoint, for each fold, and for a timing."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import concatenate_datasets
from numpy.typing import NDArray

from model.bases import Base
from model.labels import LabelSpace
from training.config import Recipe
from training.data import Row, taught_dataset, thinned, to_dataset
from training.progress import OnProgress
from training.split import fold_rows

if TYPE_CHECKING:
    from training.states import States


@dataclass(frozen=True)
class Lesson:
    """All that a network learns from, but the rows.

    Args:
        base: where the weights come from.
        labels: the label space of the head.
        recipe: all settings.
        name: of the file, for messages.
        work: folder for the state of an unfinished run.
    """

    base: Base
    labels: LabelSpace
    recipe: Recipe
    name: str
    work: Path


def work_folder(out: Path, rows: Sequence[Row], base: Base, recipe: Recipe, teacher: str | None) -> Path:
    """Return where the state of a run is kept: beside `out`, a different folder for whatever changes the outcome."""
    told = [
        [astuple(row) for row in rows],
        base.name,
        base.sha256,
        recipe.as_dict(),
        teacher,
        os.environ.get("WORLD_SIZE"),
    ]
    key = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
    return out.parent / f".{out.name}.unfinished-{key}"


def forget_work(out: Path) -> None:
    """Remove the states of all runs towards `out`."""
    for folder in out.parent.glob(f".{out.name}.unfinished-*"):
        shutil.rmtree(folder, ignore_errors=True)


def is_main_process() -> bool:
    """Whether this process writes the checkpoint: the only one, or the first of those that `accelerate` started."""
    return os.environ.get("RANK", "0") == "0"


def machine() -> dict[str, Any]:
    """Return what the last digits of a run depend on besides its recipe."""
    import torch

    from training.network import has_bf16

    gpu = torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "bf16": has_bf16("cuda" if gpu else "cpu"),
        "threads": torch.get_num_threads(),
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
    }


def learn(
    lesson: Lesson,
    rows: Sequence[Row],
    on_progress: OnProgress,
    *,
    validation: Sequence[Row] = (),
    teacher: NDArray[np.floating] | None = None,
    more: Sequence[str] = (),
    states: "States | None" = None,
    part: str = "all",
    max_steps: int = -1,
) -> tuple[Any, Any, list[dict[str, Any]]]:
    """Train one network.

    Args:
        lesson: base, labels and recipe.
        rows: training rows.
        on_progress: called after every step.
        validation: rows to measure each epoch on.
        teacher: (rows, stances) or (rows, labels) probabilities of a stronger checkpoint, or None; those of `more`
            stand behind those of `rows`.
        more: statements without labels, which the teacher alone labels.
        states: the teacher's, over the texts of `rows` and `more`, or None (see `training.states`).
        part: names the run within its work folder.
        max_steps: see `training.fit.fit`.

    Returns:
        The network in evaluation mode, its tokenizer (both transformers objects), and the training history.
    """
    from training.fit import fit  # torch and transformers take seconds to import
    from training.network import build_network, own_dropout, text_encoder

    recipe, labels = lesson.recipe, lesson.labels
    network, tokenizer = build_network(lesson.base, labels, recipe)
    if recipe.method != "finetune":
        from training.warm_start import warm_start

        warm_start(network, text_encoder(tokenizer, recipe.max_tokens), lesson.base, rows, labels, recipe)
    if recipe.method == "frozen":
        return network.eval(), tokenizer, []
    shares = {"secondary_share": recipe.secondary_share, "teacher_share": recipe.teacher_share}
    data = to_dataset(list(rows), labels, teacher=teacher, **shares)
    if more and teacher is not None:
        data = concatenate_datasets([data, taught_dataset(more, labels, teacher[len(rows) :])])
    data = thinned(data, recipe.rows_per_epoch)
    history = fit(
        network,
        tokenizer,
        data,
        labels,
        recipe,
        lesson.work / part,
        on_progress,
        validation=to_dataset(list(validation), labels) if validation else None,
        states=states,
        max_steps=max_steps,
    )
    if recipe.dropout is not None:  # what goes on from here has the base's own again
        network.config.update(own_dropout(lesson.base))
    return network, tokenizer, history


def out_of_fold(
    lesson: Lesson, rows: list[Row], on_progress: OnProgress, *, teacher: NDArray[np.floating] | None = None
) -> tuple[NDArray[np.float32], list[list[int]]]:
    """Train a network for each fold on the other folds, and let it answer for its own.

    Returns:
        float32 (rows, labels): logits of every row by a network that has not seen it; and the rows of each fold.
    """
    from training.fit import network_logits
    from training.network import text_encoder

    recipe = lesson.recipe
    logits = np.empty((len(rows), lesson.labels.size), dtype=np.float32)
    folds = fold_rows(rows, recipe.folds, recipe.seed, lesson.name)
    for number, (kept, held) in enumerate(folds, start=1):
        known = lesson.work / f"fold-{number}.npy"
        if known.is_file():
            logits[held] = np.load(known)
            continue
        network, tokenizer, _ = learn(
            lesson,
            [rows[i] for i in kept],
            _named(on_progress, f"fold {number} of {recipe.folds}"),
            teacher=None if teacher is None else teacher[kept],
            part=f"fold-{number}",
        )
        encoder = text_encoder(tokenizer, recipe.max_tokens)
        logits[held] = network_logits(network, encoder, [rows[i].text for i in held])
        if is_main_process():
            save_array(known, logits[held])
        shutil.rmtree(lesson.work / f"fold-{number}", ignore_errors=True)
    return logits, [held for _, held in folds]


def _named(on_progress: OnProgress, stage: str) -> OnProgress:
    return lambda progress: on_progress(replace(progress, stage=stage))


def save_array(path: Path, numbers: NDArray[np.floating]) -> None:
    """Write an array whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        np.save(stream, numbers)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
