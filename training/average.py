"""One network from several: the mean of their weights (a uniform model soup, Wortsman et al., 2022).

Networks that were fine-tuned from one base, with other seeds or other rows, often lie in one valley of the loss: their
mean then makes fewer errors than they do one by one, and costs no more to run than one of them. Whether it does, the
figures must show (`training/LOG.md` has a case of either kind).
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from model.bases import resolve_base
from model.checkpoint import Manifest, verify_checkpoint
from model.delta import WEIGHTS, with_weights
from model.errors import DataError, TrainingError
from training.config import Recipe
from training.data import LabelledData
from training.evaluate import Evaluation
from training.network import load_trained
from training.progress import OnProgress, Progress, ignore_progress
from training.run import Learned, refuse_taken, write_checkpoint
from training.split import split_rows


def average(
    checkpoints: Sequence[Path],
    data: LabelledData,
    out: Path,
    *,
    delta_rank: int | None = None,
    overwrite: bool = False,
    on_progress: OnProgress = ignore_progress,
) -> tuple[Manifest, Evaluation]:
    """Average checkpoints, calibrate and measure the result, and write it as a checkpoint.

    Args:
        checkpoints: two or more folders, trained from the same base with the same labels and layers. Settings and
            target are those of the first.
        data: a labelled file with rows whose `split` is `validation`, which none of them was trained on; its other
            rows teach nothing here and serve as the report's background.
        out: the checkpoint folder to write.
        delta_rank: write a difference to the base, of this rank (see `model.delta`); None does as the first does.
        overwrite: replace a checkpoint that stands at `out`.
        on_progress: called at every stage.

    Returns:
        The manifest as written, and the figures on the held-out rows.

    Raises:
        TrainingError: fewer than two checkpoints, or they cannot be averaged.
        DataError: no row is marked `validation`, or the labels are others than those of the checkpoints.
        CheckpointError: one is missing or damaged, or `out` exists and may not be replaced.
    """
    refuse_taken(out, overwrite)
    if len(checkpoints) < 2:
        raise TrainingError("an average needs at least two checkpoints")
    if not any(row.split == "validation" for row in data.rows):
        raise DataError(
            f"{data.name} has no row whose split is 'validation': the average has nothing to be calibrated on"
        )
    manifests = [verify_checkpoint(folder) for folder in checkpoints]
    first = manifests[0]
    for folder, manifest in zip(checkpoints, manifests, strict=True):
        if manifest.labels != first.labels or manifest.base != first.base:
            raise TrainingError(f"{folder} has other labels or another base than {checkpoints[0]}")
    if data.labels != first.labels:
        raise DataError(f"{data.name} has other labels than {checkpoints[0]}")
    recipe = Recipe(**{one.name: first.training[one.name] for one in fields(Recipe) if one.name in first.training})
    recipe = replace(recipe, folds=0, delta_rank=recipe.delta_rank if delta_rank is None else delta_rank)
    base = resolve_base(recipe.base)
    if base.sha256 != first.base["sha256"]:
        raise TrainingError(f"{checkpoints[0]} was trained from another {base.name}: its SHA-256 is {base.sha256}")
    on_progress(Progress("average"))
    network, tokenizer = _mean_of([with_weights(*one) for one in zip(checkpoints, manifests, strict=True)])
    told = {
        "teacher": None,
        "average_of": [
            {"checkpoint": one.checkpoint_id, "corpus": dict(one.corpus), "training": dict(one.training)}
            for one in manifests
        ],
    }
    learned = Learned(network, tokenizer, base, recipe, first.target, told)
    out.parent.mkdir(parents=True, exist_ok=True)
    split = split_rows(data, recipe.validation_share, recipe.seed)
    return write_checkpoint(learned, data, split, out, overwrite=overwrite, on_progress=on_progress)


def _mean_of(folders: Sequence[Path]) -> tuple[Any, Any]:
    """Return the network whose tensors are the means of those of the folders, and its tokenizer."""
    from safetensors.torch import load_file

    network, tokenizer = load_trained(folders[0])
    mean = {name: value.double() for name, value in network.state_dict().items()}
    shapes = {name: value.shape for name, value in mean.items()}
    for folder in folders[1:]:
        other = load_file(folder / WEIGHTS)
        if {name: value.shape for name, value in other.items()} != shapes:
            raise TrainingError(f"{folder} has other layers than {folders[0]}")
        for name, value in other.items():
            mean[name] += value.double()
    network.load_state_dict({name: (value / len(folders)).float() for name, value in mean.items()})
    return network, tokenizer
