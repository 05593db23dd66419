"""How a checkpoint is trained: every number that a run depends on."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.errors import TrainingError
from model.store import folder_of

DEFAULT_TARGET = "the Anchorage framework: the understandings of the Putin-Trump summit of 15 August 2025"


METHODS = ("finetune", "warm", "frozen")


@dataclass(frozen=True)
class Recipe:
    """The settings of a training run; the defaults were chosen by the experiments in `training/LOG.md`.

    Args:
        base: `minilm`, `mpnet`, a folder, or a hub id.
        method: `finetune` (first token, fresh head), `warm` (mean pooling, head solved by logistic regression, then
            fine-tuning of both), or `frozen` (the same without the fine-tuning).
        epochs: passes over the training rows.
        rows_per_epoch: rows that an epoch shows at most, drawn anew each time by their weights; 0 for all.
        batch_size: statements a step.
        learning_rate: peak rate of the encoder; linear warm-up, linear decay to zero.
        head_learning_rate: peak rate of the classification head and pooler.
        warmup_share: share of the steps in which the rate rises.
        patience: epochs without a better validation macro-F1 after which training stops; 0 for never.
        class_weight_power: weight of a label's loss: its share of the rows to the minus this power; 0 for no weights.
        head_strength: inverse regularisation of the logistic regression that solves the head (`warm`, `frozen`).
        folds: 0 calibrates on held-out rows; K >= 2 trains K times more, calibrates and measures out of fold.
        weight_decay: AdamW's, not on biases and layer norms.
        label_smoothing: share of each stance target spread over all labels.
        secondary_share: share of a stance target that goes to the row's `secondary` label.
        edit_share: share of the statements that each epoch shows edited (see `training.augment`).
        sentiment_weight: weight of the sentiment loss beside the stance loss.
        freeze_embeddings: leave the word and position embeddings as the base has them; a quarter faster, no loss seen.
        frozen_layers: lowest encoder layers left as the base has them.
        delta_rank: write what was learned as a difference to the base, of this rank (see `model.delta`); 0 for a whole
            checkpoint.
        recombine: statements put together anew from parts of others, for the teacher to label (see
            `training.recombine`); 0 for none.
        teacher_share: share of each target that comes from the teacher's probabilities, where a teacher is given.
        state_weight: weight of the distance to the states of the teacher's tokens beside the loss (see
            `training.states`); 0 learns from its answers alone.
        dropout: of the encoder and the head; None keeps the base's own.
        max_tokens: longest sequence in training, special tokens included.
        serve_tokens: longest sequence that the checkpoint reads afterwards.
        validation_share: share of the rows held out for calibration where the file gives no `split`.
        stated_accuracy: what the `uncertain` threshold promises for the answers above it.
        seed: of the split, the initial head, the order of the rows and dropout.
        bf16: bfloat16 autocast where the processor or GPU has instructions for it; weights stay float32.

    Raises:
        TrainingError: a number that cannot work.
    """

    base: str = "minilm"
    method: str = "finetune"
    epochs: int = 4
    rows_per_epoch: int = 0
    batch_size: int = 16
    learning_rate: float = 1e-4
    head_learning_rate: float = 5e-4
    warmup_share: float = 0.1
    patience: int = 2
    class_weight_power: float = 0.0
    head_strength: float = 1.0
    folds: int = 0
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    secondary_share: float = 0.15
    edit_share: float = 0.25
    sentiment_weight: float = 0.3
    freeze_embeddings: bool = True
    frozen_layers: int = 0
    delta_rank: int = 0
    recombine: int = 0
    teacher_share: float = 0.5
    state_weight: float = 0.0
    dropout: float | None = None
    max_tokens: int = 128
    serve_tokens: int = 256
    validation_share: float = 0.1
    stated_accuracy: float = 0.85
    seed: int = 13
    bf16: bool = True

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "head_learning_rate", "max_tokens"):
            if not 0 < getattr(self, name) < float("inf"):
                raise TrainingError(f"{name} must be a positive number, not {getattr(self, name)}")
        if self.method not in METHODS:
            raise TrainingError(f"the recipe must be one of {', '.join(METHODS)}, not {self.method!r}")
        for name in ("recombine", "rows_per_epoch"):
            if getattr(self, name) < 0:
                raise TrainingError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if self.recombine and self.folds:
            raise TrainingError("recombined statements cannot be measured by folds: they hold sentences of all rows")
        if not 0 <= self.state_weight < float("inf"):
            raise TrainingError(f"state_weight must be 0 or more, not {self.state_weight}")
        if self.state_weight and self.folds:
            raise TrainingError("the states of a teacher are matched by one network: leave out the folds")
        if not 0 <= self.teacher_share <= 1:
            raise TrainingError(f"teacher_share must lie between 0 and 1, not {self.teacher_share}")
        if not 0 < self.stated_accuracy <= 1:
            raise TrainingError(f"stated_accuracy must lie between 0 and 1, not {self.stated_accuracy}")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise TrainingError(f"dropout must lie between 0 and 1, not {self.dropout}")
        if self.folds < 0 or self.folds == 1:
            raise TrainingError(f"folds must be 0 or at least 2, not {self.folds}")
        if not 0 < self.validation_share < 0.5:
            raise TrainingError(f"validation_share must lie between 0 and 0.5, not {self.validation_share}")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings for the manifest."""
        return asdict(self)

    @property
    def effort(self) -> str:
        """What is trained, in words."""
        return "the head alone" if self.method == "frozen" else f"{self.epochs} epochs"


LARGE_BASE = {"epochs": 2, "learning_rate": 4e-5, "head_learning_rate": 3e-4, "frozen_layers": 3}
"""What differs for encoders of twelve layers and more: they learn faster and forget more at a high rate."""
WARM = {"head_learning_rate": 1e-3}
"""What differs for a head that starts solved, on pooled features of length one."""
LARGE_WARM = {"epochs": 3, "learning_rate": 3e-5}
"""What differs for both: fewer rows than `finetune` has want more passes."""
FEW_ROWS_A_LABEL = 100
"""Mean number of training rows a label under which `auto` takes `frozen`: fine-tuning gained nothing there."""
MANY_ROWS_A_LABEL = 1000
"""The number from which on `auto` takes `finetune`: a layer less, and no worse."""
VERY_MANY_ROWS_A_LABEL = 4000
"""The number from which on there are half the passes, at a higher rate and in larger batches."""
VERY_MANY = {
    "epochs": 2,
    "rows_per_epoch": 12_000,
    "batch_size": 32,
    "learning_rate": 1.5e-4,
    "head_learning_rate": 7.5e-4,
    "dropout": 0.0,
}
"""What differs then for small encoders: any number of rows takes a quarter of an hour at most. No row comes often
enough to be learned by heart, and drawing what dropout drops costs a third of the time. Four passes were not tried."""
SMALL_FOLDS = 3
"""Folds that calibrate where rows are too few to be held out."""


def recipe_for(
    base: str = "minilm", method: str = "auto", *, rows_a_label: float | None = None, **given: Any
) -> Recipe:
    """Return the recipe that suits a base encoder and a number of rows.

    Args:
        base: as in `Recipe`.
        method: as in `Recipe`, or `auto`: `frozen` for few rows, `warm` for some, `finetune` for many.
        rows_a_label: mean number of training rows a label; None for many.
        given: settings that the user chose; None counts as not given. A `learning_rate` without a
            `head_learning_rate` moves that in proportion.

    Raises:
        TrainingError: a number that cannot work, or an unknown method.
    """
    if method == "auto":
        count = float("inf") if rows_a_label is None else rows_a_label
        method = "frozen" if count < FEW_ROWS_A_LABEL else "warm" if count < MANY_ROWS_A_LABEL else "finetune"
    suited: dict[str, Any] = dict(LARGE_BASE) if is_large(base) else {}
    if not suited and method == "finetune" and rows_a_label and rows_a_label >= VERY_MANY_ROWS_A_LABEL:
        suited = dict(VERY_MANY)
    if method != "finetune":
        suited |= WARM | (LARGE_WARM if suited else {})
    chosen = {key: value for key, value in given.items() if value is not None}
    if method == "frozen" and "learning_rate" in chosen:
        raise TrainingError(
            "a learning rate says nothing to the recipe 'frozen', which few rows get by themselves: choose the recipe "
            "warm or finetune"
        )
    if "learning_rate" in chosen and "head_learning_rate" not in chosen:
        usual = Recipe(base=base, method=method, **suited)
        chosen["head_learning_rate"] = usual.head_learning_rate * chosen["learning_rate"] / usual.learning_rate
    return Recipe(base=base, method=method, **{**suited, **chosen})


def is_large(base: str) -> bool:
    """Whether a base has twelve layers or more, as far as can be told without loading it."""
    if base in ("minilm", "mpnet"):
        return base == "mpnet"
    config = folder_of(Path(base)) / "config.json"
    if config.is_file():
        try:
            return int(json.loads(config.read_text(encoding="utf-8")).get("num_hidden_layers", 12)) >= 12
        except (ValueError, AttributeError):
            return True
    return True
