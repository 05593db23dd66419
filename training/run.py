"""CSV in, checkpoint out: the only file that knows the order of the steps.

read and check -> split -> fine-tune -> save -> calibrate -> evaluate -> report, card, manifest -> publish
"""

import logging
import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from datasets import Dataset

from model.bases import Base, resolve_base
from model.calibration import Calibration
from model.checkpoint import Manifest, publish, seal, sha256_of
from model.classifier import StanceClassifier
from model.compiled import open_compiled
from model.delta import DELTA, WEIGHTS, merge_into, with_weights
from model.encoding import TextEncoder
from model.errors import BackendError, CheckpointError, TrainingError
from model.labels import LabelSpace
from training.calibrate import fit_calibration
from training.card import write_card
from training.config import DEFAULT_TARGET, Recipe
from training.data import LabelledData, Row, to_dataset
from training.evaluate import Evaluation, evaluate, write_report
from training.progress import OnProgress, Progress, ignore_progress
from training.split import Split, split_rows

log = logging.getLogger(__name__)

LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "accelerate", "safetensors", "numpy", "scikit-learn")


def train(
    data: LabelledData,
    out: Path,
    recipe: Recipe,
    *,
    target: str = DEFAULT_TARGET,
    teacher: StanceClassifier | None = None,
    overwrite: bool = False,
    on_progress: OnProgress = ignore_progress,
) -> tuple[Manifest, Evaluation]:
    """Train a checkpoint.

    Args:
        data: a checked labelled file.
        out: the checkpoint folder to write.
        recipe: all settings.
        target: what the stance is toward, for the manifest and the card.
        teacher: a stronger checkpoint with the same stances, whose probabilities are learned beside the labels.
        overwrite: replace a checkpoint that stands at `out`.
        on_progress: called after every step and stage.

    Returns:
        The manifest as written, and the figures on the held-out rows.

    Raises:
        DataError: the rows cannot be split.
        TrainingError: the base cannot be loaded, or training diverged.
        CheckpointError: `out` exists and may not be replaced.
    """
    if out.exists() and not overwrite:
        raise CheckpointError(f"{out} exists already: choose another --out, or pass --overwrite")
    base = resolve_base(recipe.base)
    if recipe.delta_rank and not base.sha256:
        raise TrainingError(f"a delta needs a base that lies in a folder, and {base.name} is a hub id")
    split = split_rows(data, recipe.validation_share, recipe.seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        dataset = _training_rows(split.train, data.labels, recipe, teacher)
        max_tokens, pad_id = _fit_and_save(base, dataset, data.labels, recipe, staging, on_progress)
        on_progress(Progress("calibrate"))
        from model.torch_backend import TorchBackend  # torch takes seconds to import

        with _whole(staging, base) as weights:
            backend = TorchBackend(weights, data.labels.size, device="cpu")
        encoder = TextEncoder.from_file(staging / "tokenizer.json", max_tokens, pad_id)
        classifier = StanceClassifier(encoder, backend, data.labels, Calibration(), out.name)
        calibration = _calibrate(classifier, split.validation, recipe.stated_accuracy)
        classifier = StanceClassifier(encoder, backend, data.labels, calibration, out.name)
        on_progress(Progress("evaluate"))
        name, held_out = split.held_out
        figures, predictions = evaluate(classifier, held_out)
        write_report(staging / "report", name, held_out, figures, predictions)
        on_progress(Progress("write"))
        manifest = Manifest(
            checkpoint_id=f"{out.name}-{sha256_of(staging / (DELTA if recipe.delta_rank else WEIGHTS))[:8]}",
            target=target,
            labels=data.labels,
            max_tokens=max_tokens,
            pad_id=pad_id,
            calibrations={"torch": calibration},
            base={"name": base.name, "sha256": base.sha256},
            corpus={"name": data.name, "sha256": data.sha256, "rows": len(data.rows)},
            training={
                **recipe.as_dict(),
                "teacher": teacher.checkpoint_id if teacher else None,
                "split": _counts(split),
            },
            metrics={"set": name, **figures.metrics()},
            versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
            trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_card(staging / "README.md", manifest)
        manifest = seal(staging, manifest)
        on_progress(Progress("compile"))
        manifest = _calibrate_compiled(staging, manifest, classifier, split.validation, recipe.stated_accuracy)
        staging.chmod(0o755)
        publish(staging, out, overwrite=overwrite)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest, figures


def _training_rows(rows: list[Row], labels: LabelSpace, recipe: Recipe, teacher: StanceClassifier | None) -> Dataset:
    """Return the training rows with their targets, the teacher's probabilities mixed in."""
    probabilities = None
    if teacher is not None:
        if teacher.labels.stance != labels.stance:
            raise TrainingError(f"the teacher {teacher.checkpoint_id} knows other stances than the file")
        predictions = teacher.classify([row.text for row in rows])
        probabilities = np.array([list(prediction.stance.scores.values()) for prediction in predictions])
    return to_dataset(
        rows,
        labels,
        secondary_share=recipe.secondary_share,
        teacher=probabilities,
        teacher_share=recipe.teacher_share,
    )


def _fit_and_save(
    base: Base, dataset: Dataset, labels: LabelSpace, recipe: Recipe, staging: Path, on_progress: OnProgress
) -> tuple[int, int]:
    """Fine-tune and write the network; return the longest sequence it reads and its padding token."""
    from training.fit import (  # torch and transformers take seconds to import
        build_network,
        fit,
        save_delta,
        save_network,
    )

    network, tokenizer = build_network(base, labels, recipe)
    with tempfile.TemporaryDirectory(prefix="stance-") as work:
        fit(network, tokenizer, dataset, labels, recipe, Path(work), on_progress)
    if recipe.delta_rank:
        save_delta(network, tokenizer, staging, Path(base.source) / WEIGHTS, recipe.delta_rank)
    else:
        save_network(network, tokenizer, staging)
    # RoBERTa-like encoders number positions from pad_id + 1 on, so two of them are never reached.
    reach = getattr(network.config, "max_position_embeddings", recipe.serve_tokens) - 2
    if not (staging / "tokenizer.json").is_file():
        raise TrainingError(f"the base {base.name} has no fast tokenizer (tokenizer.json)")
    return min(recipe.serve_tokens, reach), int(tokenizer.pad_token_id)


@contextmanager
def _whole(staging: Path, base: Base) -> Iterator[Path]:
    """Yield a folder with the whole network as it will be served (float16, a delta merged): figures are of that."""
    if not (staging / DELTA).is_file():
        yield staging
        return
    with tempfile.TemporaryDirectory(prefix="stance-") as merged:
        merge_into(staging, Path(base.source) / WEIGHTS, Path(merged))
        shutil.copyfile(staging / "config.json", Path(merged) / "config.json")
        yield Path(merged)


def _calibrate(classifier: StanceClassifier, rows: list[Row], stated_accuracy: float) -> Calibration:
    labels = classifier.labels
    logits = classifier.logits([classifier.prepare(row.text) for row in rows])
    stance = np.array([labels.stance.index(row.stance) for row in rows], dtype=np.int64)
    sentiment = np.array(
        [labels.sentiment.index(row.sentiment) if row.sentiment in labels.sentiment else -100 for row in rows],
        dtype=np.int64,
    )
    return fit_calibration(logits, stance, sentiment, labels, stated_accuracy)


def _calibrate_compiled(
    staging: Path, manifest: Manifest, reference: StanceClassifier, rows: list[Row], stated_accuracy: float
) -> Manifest:
    """Fit a calibration for the compiled form too, where it can be made here; its numbers differ a little.

    The compiled form stays in the cache, so that the first start of a server with this checkpoint is quick.
    """
    try:
        backend = open_compiled(with_weights(staging, manifest), manifest)
    except BackendError as error:
        log.warning("no calibration for the compiled form: %s", error)
        return manifest
    classifier = StanceClassifier(reference.encoder, backend, reference.labels, Calibration(), reference.checkpoint_id)
    fitted = {**manifest.calibrations, backend.name: _calibrate(classifier, rows, stated_accuracy)}
    return seal(staging, replace(manifest, calibrations=fitted))


def _counts(split: Split) -> dict[str, dict[str, int]]:
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    return {name: dict(sorted(Counter(row.stance for row in rows).items())) for name, rows in parts.items()}
