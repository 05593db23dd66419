"""CSV in, checkpoint out: the only file that knows the order of the steps.

read and check -> split -> train -> save -> calibrate -> evaluate -> report, card, manifest -> publish
"""

import logging
import os
import platform
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.bases import Base, resolve_base
from model.calibration import Calibration
from model.checkpoint import DELTA, Manifest, publish, seal, sha256_of
from model.classifier import StanceClassifier
from model.compiled import open_compiled
from model.delta import WEIGHTS, merge_into, with_weights
from model.encoding import TextEncoder
from model.errors import BackendError, CheckpointError, TrainingError
from model.labels import LabelSpace
from model.records import Prediction
from training.calibrate import fit_calibration
from training.card import write_card
from training.config import DEFAULT_TARGET, SMALL_FOLDS, Recipe
from training.data import LabelledData, Row
from training.evaluate import Evaluation, evaluate, measure
from training.learn import (
    Lesson,
    forget_work,
    is_main_process,
    learn,
    machine,
    out_of_fold,
    save_array,
    work_folder,
)
from training.progress import OnProgress, Progress, ignore_progress
from training.recombine import recombined
from training.report import Background, facts_of, write_report
from training.split import Split, split_rows

log = logging.getLogger(__name__)

TAUGHT_AT_ONCE = 256
"""Rows that a teacher reads between two reports of progress."""
LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "accelerate", "safetensors", "numpy", "scikit-learn")


def train(
    data: LabelledData,
    out: Path,
    recipe: Recipe,
    *,
    target: str = DEFAULT_TARGET,
    teacher: StanceClassifier | None = None,
    teacher_folder: Path | None = None,
    overwrite: bool = False,
    on_progress: OnProgress = ignore_progress,
) -> tuple[Manifest, Evaluation]:
    """Train a checkpoint; started again after an interruption, it goes on where it stopped.

    Under `accelerate launch` all processes train and the first one does the rest; the others leave by SystemExit.

    Args:
        data: a checked labelled file.
        out: the checkpoint folder to write.
        recipe: all settings.
        target: what the stance is toward, for the manifest and the card.
        teacher: a stronger checkpoint with the same stances, whose probabilities are learned beside the labels.
        teacher_folder: where it lies; needed where its states are learned too (`Recipe.state_weight`).
        overwrite: replace a checkpoint that stands at `out`.
        on_progress: called after every step and stage.

    Returns:
        The manifest as written, and the figures on the held-out rows.

    Raises:
        DataError: the rows cannot be split.
        TrainingError: the base cannot be loaded, or training diverged.
        CheckpointError: `out` exists and may not be replaced.
    """
    refuse_taken(out, overwrite)
    base = resolve_base(recipe.base)
    if recipe.delta_rank and not base.root.sha256:
        raise TrainingError(f"a delta needs a base that lies in a folder, and {base.name} is a hub id")
    if recipe.delta_rank and Path(base.root.source).resolve() == out.resolve():
        raise TrainingError(f"a delta at {out} would replace the base that it is measured from: choose another --out")
    if recipe.recombine and teacher is None:
        raise TrainingError("recombined statements need a teacher that labels them: give --teacher, or no --recombine")
    if recipe.recombine and recipe.method == "frozen":
        raise TrainingError("the recipe frozen learns from labels alone: leave out --recombine")
    if recipe.state_weight and (teacher is None or teacher_folder is None):
        raise TrainingError("there are no states without a teacher: give --teacher, or no --state-weight")
    if recipe.state_weight and recipe.method == "frozen":
        raise TrainingError("the recipe frozen learns from labels alone: leave out --state-weight")
    if recipe.state_weight and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingError("the states of a teacher are matched in one process: start it without accelerate")
    recipe, split = plan_split(data, recipe)
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = [*split.train, *split.validation]
    work = work_folder(out, rows, base, recipe, teacher.checkpoint_id if teacher else None)
    lesson = Lesson(base, data.labels, recipe, data.name, work)
    try:
        own = [row.text for row in split.train]
        more = recombined(own, recipe.recombine, recipe.seed)
        texts, states = [*own, *more], None
        if recipe.state_weight and teacher is not None and teacher_folder is not None:
            from training.states import read_states

            _refuse_strange(teacher, data.labels)
            states = read_states(teacher_folder, texts, recipe.max_tokens, work / "states", recipe.seed, on_progress)
            known = data.labels.size if teacher.labels.sentiment == data.labels.sentiment else len(data.labels.stance)
            taught: NDArray[np.floating] | None = states.answers[:, :known]
        else:
            taught = _teach(texts, data.labels, teacher, work / "taught.npy", on_progress)
        folds = out_of_fold(lesson, split.train, on_progress, teacher=taught) if recipe.folds else None
        network, tokenizer, history = learn(
            lesson, split.train, on_progress, validation=split.validation, teacher=taught, more=more, states=states
        )
        if not is_main_process():
            raise SystemExit(0)
        told: dict[str, Any] = {"teacher": teacher.checkpoint_id if teacher else None}
        if weights := _weights_of(split.train):
            told["weights"] = weights
        if base.learned:
            told["started_from"] = base.learned
        learned = Learned(network, tokenizer, base, recipe, target, told, history, folds)
        result = write_checkpoint(learned, data, split, out, overwrite=overwrite, on_progress=on_progress)
        forget_work(out)
    except TrainingError:
        shutil.rmtree(work, ignore_errors=True)  # going on from a state that diverged would be no use
        raise
    return result


@dataclass(frozen=True)
class Learned:
    """A network that has learned, and what there is to tell of it.

    Args:
        network: with a head, float32, as transformers has it.
        tokenizer: its tokenizer.
        base: the encoder that it started from.
        recipe: how it was trained.
        target: what the stance is toward.
        told: more for `training` in the manifest.
        history: figures of each epoch, for the report.
        folds: logits of the training rows out of fold, and the rows of each fold.
    """

    network: Any
    tokenizer: Any
    base: Base
    recipe: Recipe
    target: str
    told: Mapping[str, Any]
    history: list[Any] = field(default_factory=list)
    folds: tuple[NDArray[np.float32], list[list[int]]] | None = None


def refuse_taken(out: Path, overwrite: bool) -> None:
    """Refuse, before any work, a place where a checkpoint stands that may not be replaced.

    Raises:
        CheckpointError: there is one.
    """
    if out.exists() and not overwrite:
        raise CheckpointError(f"{out} exists already: choose another --out, or pass --overwrite")


def write_checkpoint(
    learned: Learned, data: LabelledData, split: Split, out: Path, *, overwrite: bool, on_progress: OnProgress
) -> tuple[Manifest, Evaluation]:
    """Calibrate, measure and describe a network, and publish it at `out` as a checkpoint, whole or not at all.

    Returns:
        The manifest as written, and the figures on the held-out rows.

    Raises:
        CheckpointError: `out` exists and may not be replaced.
    """
    base, recipe, folds = learned.base, learned.recipe, learned.folds
    origin, asked = _origin(base, recipe)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        max_tokens = _save(learned.network, learned.tokenizer, base, recipe, staging)
        pad_id = int(learned.tokenizer.pad_token_id)
        on_progress(Progress("calibrate"))
        classifier = _open(staging, base, data.labels, max_tokens, pad_id)
        held = split.train if folds else split.validation
        logits = folds[0] if folds else classifier.logits([classifier.prepare(row.text) for row in held])
        calibration = _calibrate(logits, held, data.labels, recipe.stated_accuracy)
        classifier = replace_calibration(classifier, calibration)
        on_progress(Progress("evaluate"))
        name, measured, figures, predictions = _figures(classifier, split, logits)
        cross = _cross_figures(classifier, split.train, folds) if folds else None
        checkpoint_id = f"{out.name}-{sha256_of(staging / (DELTA if recipe.delta_rank else WEIGHTS))[:8]}"
        on_progress(Progress("report"))
        background = replace(
            _background(data, base, recipe, split, measured),
            title=checkpoint_id,
            history=learned.history,
            cross_validation=cross,
        )
        write_report(staging / "report", name, measured, figures, predictions, background)
        on_progress(Progress("write"))
        manifest = Manifest(
            checkpoint_id=checkpoint_id,
            target=learned.target,
            labels=data.labels,
            max_tokens=max_tokens,
            pad_id=pad_id,
            calibrations={"torch": calibration},
            base=origin,
            corpus={"name": data.name, "sha256": data.sha256, "rows": len(data.rows)},
            training={
                **recipe.as_dict(),
                "base": asked,
                **learned.told,
                "split": counts_of(split),
                "cross_validation": cross,
                "machine": machine(),
            },
            metrics={"set": name, **figures.metrics()},
            versions={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
            trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_card(staging / "README.md", manifest)
        manifest = seal(staging, manifest)
        if not folds:  # rows out of fold belong to other networks than the one that is compiled
            on_progress(Progress("compile"))
            manifest = _calibrate_compiled(staging, manifest, classifier, held, recipe.stated_accuracy)
        staging.chmod(0o755)
        publish(staging, out, overwrite=overwrite)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest, figures


def _origin(base: Base, recipe: Recipe) -> tuple[dict[str, str], str]:
    """Return the encoder that all began with, as the manifest names it, and the words that find it.

    A difference hangs on what it is measured from, even where that is a checkpoint itself.
    """
    if base.learned and not recipe.delta_rank:
        return dict(base.learned["base"]), str(base.learned["training"].get("base") or base.learned["base"]["name"])
    bottom = base.root if recipe.delta_rank else base
    return {"name": bottom.name, "sha256": bottom.sha256}, bottom.asked or recipe.base


def plan_split(data: LabelledData, recipe: Recipe) -> tuple[Recipe, Split]:
    """Split a file as the recipe asks: with folds, or for few rows without a validation split, nothing is held out.

    Raises:
        DataError: the rows cannot be split.
    """
    if recipe.folds:
        split = split_rows(data, recipe.validation_share, recipe.seed, hold_out=False)
        return recipe, Split([*split.train, *split.validation], [], split.test)
    if recipe.method == "frozen" and not any(row.split == "validation" for row in data.rows):
        split = split_rows(data, recipe.validation_share, recipe.seed, hold_out=False)
        smallest = min(Counter(row.stance for row in split.train).values())
        return replace(recipe, folds=max(2, min(SMALL_FOLDS, smallest))), split
    return recipe, split_rows(data, recipe.validation_share, recipe.seed)


def _weights_of(rows: Sequence[Row]) -> dict[str, float]:
    """Return file -> mean weight of its rows, or nothing where all rows count alike."""
    weights: dict[str, list[float]] = {}
    for row in rows:
        weights.setdefault(Path(row.file).name, []).append(row.weight)
    means = {file: round(sum(found) / len(found), 4) for file, found in weights.items()}
    return means if any(row.weight != 1 for row in rows) else {}


def _teach(
    texts: Sequence[str],
    labels: LabelSpace,
    teacher: StanceClassifier | None,
    known: Path,
    on_progress: OnProgress,
) -> NDArray[np.floating] | None:
    """Return the teacher's probabilities, (texts, labels), or (texts, stances) where it knows other sentiments.

    What is in `known` is not asked again.

    Raises:
        TrainingError: the teacher knows other stances.
    """
    if teacher is None:
        return None
    _refuse_strange(teacher, labels)
    if known.is_file():
        return np.array(np.load(known))
    tones = bool(labels.sentiment) and teacher.labels.sentiment == labels.sentiment
    blocks, started = [], time.monotonic()
    on_progress(Progress("teach", 0, len(texts)))
    for start in range(0, len(texts), TAUGHT_AT_ONCE):
        for said in teacher.classify(texts[start : start + TAUGHT_AT_ONCE]):
            tone = said.sentiment.scores.values() if tones and said.sentiment else ()
            blocks.append([*said.stance.scores.values(), *tone])
        rate = len(blocks) / max(time.monotonic() - started, 1e-6)
        on_progress(Progress("teach", len(blocks), len(texts), None, 0.0, rate, (len(texts) - len(blocks)) / rate))
    taught = np.array(blocks)
    if is_main_process():
        save_array(known, taught)
    return taught


def _refuse_strange(teacher: StanceClassifier, labels: LabelSpace) -> None:
    if teacher.labels.stance != labels.stance:
        raise TrainingError(f"the teacher {teacher.checkpoint_id} knows other stances than the file")


def _save(network: Any, tokenizer: Any, base: Base, recipe: Recipe, staging: Path) -> int:
    """Write the network; return the longest sequence it reads."""
    from training.network import save_delta, save_network, serve_limit

    if recipe.delta_rank:
        save_delta(network, tokenizer, staging, Path(base.root.source) / WEIGHTS, recipe.delta_rank)
    else:
        save_network(network, tokenizer, staging)
    return serve_limit(network, recipe)


def _figures(
    classifier: StanceClassifier, split: Split, logits: NDArray[np.float32]
) -> tuple[str, list[Row], Evaluation, list[Prediction]]:
    """Measure on the test rows, else on the validation rows, else out of fold."""
    if split.test or split.validation:
        name, held = split.held_out
        return name, held, *evaluate(classifier, held)
    predictions = classifier.read(logits, [False] * len(split.train))
    return "cross-validation", split.train, measure(classifier.labels, split.train, predictions), predictions


def _background(data: LabelledData, base: Base, recipe: Recipe, split: Split, held: list[Row]) -> Background:
    """Return what the report tells besides the figures: the data, simple methods, rows to look at again."""
    from training.baselines import baselines, embed_rows, suspects

    train = embed_rows(base, recipe, split.train)
    stances = data.labels.stance
    apart = held is not split.train  # out of fold, there are no other rows to measure the simple methods on
    return Background(
        facts=facts_of(stances, recipe, base.name, data.name, len(data.rows)),
        split=counts_of(split),
        warnings=data.warnings,
        baselines=baselines(train, embed_rows(base, recipe, held), split.train, stances) if apart else {},
        suspects=suspects(train, stances, recipe.seed),
    )


def _cross_figures(
    classifier: StanceClassifier, rows: list[Row], folds: tuple[NDArray[np.float32], list[list[int]]]
) -> dict[str, Any]:
    logits, parts = folds
    predictions = classifier.read(logits, [False] * len(rows))

    def score(part: Sequence[int]) -> float:
        figures = measure(classifier.labels, [rows[i] for i in part], [predictions[i] for i in part])
        return round(figures.macro_f1, 4)

    return {"macro_f1": score(range(len(rows))), "by_fold": [score(part) for part in parts]}


def _open(staging: Path, base: Base, labels: LabelSpace, max_tokens: int, pad_id: int) -> StanceClassifier:
    """Open the network as it will be served (float16, a delta merged), so that the figures are of that."""
    from model.torch_backend import TorchBackend  # torch takes seconds to import

    with _whole(staging, base) as weights:
        backend = TorchBackend(weights, labels.size, device="cpu")
    encoder = TextEncoder.from_file(staging / "tokenizer.json", max_tokens, pad_id)
    return StanceClassifier(encoder, backend, labels, Calibration(), staging.name)


def replace_calibration(classifier: StanceClassifier, calibration: Calibration) -> StanceClassifier:
    """Return the same classifier with another calibration."""
    return StanceClassifier(
        classifier.encoder, classifier.backend, classifier.labels, calibration, classifier.checkpoint_id
    )


@contextmanager
def _whole(staging: Path, base: Base) -> Iterator[Path]:
    """Yield a folder with the whole network."""
    if not (staging / DELTA).is_file():
        yield staging
        return
    with tempfile.TemporaryDirectory(prefix="stance-") as merged:
        merge_into(staging, Path(base.root.source) / WEIGHTS, Path(merged))
        shutil.copyfile(staging / "config.json", Path(merged) / "config.json")
        yield Path(merged)


def _calibrate(
    logits: NDArray[np.float32], rows: Sequence[Row], labels: LabelSpace, stated_accuracy: float
) -> Calibration:
    stance = np.array([labels.stance.index(row.stance) for row in rows], dtype=np.int64)
    sentiment = np.array(
        [labels.sentiment.index(row.sentiment) if row.sentiment in labels.sentiment else -100 for row in rows],
        dtype=np.int64,
    )
    weights = np.array([row.weight for row in rows])
    return fit_calibration(logits, stance, sentiment, labels, stated_accuracy, weights if weights.any() else None)


def _calibrate_compiled(
    staging: Path, manifest: Manifest, reference: StanceClassifier, rows: Sequence[Row], stated_accuracy: float
) -> Manifest:
    """Fit a calibration for the compiled form too, where it can be made here; its numbers differ a little.

    The compiled form stays in the cache, so that the first start of a server with this checkpoint is quick.
    """
    try:
        backend = open_compiled(with_weights(staging, manifest), manifest)
    except BackendError as error:
        log.warning("no calibration for the compiled form: %s", error)
        return manifest
    compiled = StanceClassifier(reference.encoder, backend, reference.labels, Calibration(), reference.checkpoint_id)
    logits = compiled.logits([compiled.prepare(row.text) for row in rows])
    fitted = _calibrate(logits, rows, reference.labels, stated_accuracy)
    return seal(staging, replace(manifest, calibrations={**manifest.calibrations, backend.name: fitted}))


def counts_of(split: Split) -> dict[str, dict[str, int]]:
    """Return split -> stance -> rows."""
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    return {name: dict(sorted(Counter(row.stance for row in rows).items())) for name, rows in parts.items()}
