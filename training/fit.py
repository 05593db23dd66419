"""Fine-tunes a transformers sequence classifier with two label groups in one head.

The head's logits are the stance group followed by the sentiment group. The loss is the cross entropy of the stance
group against a (smoothed, possibly split) target plus the weighted cross entropy of the sentiment group, in which rows
without a sentiment do not count.
"""

import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
from datasets import Dataset, disable_progress_bars
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy, log_softmax
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.utils import logging as transformers_logging

from model.bases import Base
from model.delta import write_delta
from model.encoding import Encoded, TextEncoder
from model.errors import TrainingError
from model.labels import LabelSpace
from training.config import Recipe
from training.progress import OnProgress, Progress

HEAD = ("classifier", "bert.pooler", "roberta.pooler", "score", "head")
"""What the parameters are called that a base may lack."""


def build_network(base: Base, labels: LabelSpace, recipe: Recipe) -> tuple[Any, Any]:
    """Load a base encoder with a fresh head.

    Returns:
        The network and its tokenizer, as transformers objects.

    Raises:
        TrainingError: the base cannot be loaded, or it has no fast tokenizer.
    """
    set_seed(recipe.seed)
    transformers_logging.set_verbosity_error()  # the head is new on purpose; a missing encoder weight is checked below
    transformers_logging.disable_progress_bar()
    disable_progress_bars()
    dropout = (
        {}
        if recipe.dropout is None
        else {
            "hidden_dropout_prob": recipe.dropout,
            "attention_probs_dropout_prob": recipe.dropout,
        }
    )
    try:
        config = AutoConfig.from_pretrained(
            base.source,
            num_labels=labels.size,
            id2label=labels.id2label,
            label2id={name: index for index, name in labels.id2label.items()},
            **dropout,
        )
        network, info = AutoModelForSequenceClassification.from_pretrained(
            base.source,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(base.source)
    except Exception as error:
        raise TrainingError(f"the base {base.name} cannot be loaded: {str(error).splitlines()[0]}") from error
    if lost := sorted(name for name in info["missing_keys"] if not name.startswith(HEAD)):
        raise TrainingError(f"the base {base.name} lacks weights: {', '.join(lost[:3])}")
    _freeze(network, recipe)
    if not tokenizer.is_fast:
        raise TrainingError(f"the base {base.name} has no fast tokenizer (tokenizer.json)")
    return network, tokenizer


def _freeze(network: Any, recipe: Recipe) -> None:
    """Take the embeddings and the lowest layers out of training."""
    base = network.base_model
    frozen = [base.embeddings] if recipe.freeze_embeddings and hasattr(base, "embeddings") else []
    layers = getattr(getattr(base, "encoder", None), "layer", [])
    for part in [*frozen, *layers[: recipe.frozen_layers]]:
        for parameter in part.parameters():
            parameter.requires_grad_(False)


def text_encoder(tokenizer: Any, max_tokens: int) -> TextEncoder:
    """Return the encoder that training and serving share, from a transformers tokenizer."""
    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    return TextEncoder(copy, max_tokens, tokenizer.pad_token_id)


class TwoGroupTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped
    """A Trainer with the loss of two label groups and a faster head.

    Args:
        labels: the label space of the head.
        recipe: loss weights and rates.
        kwargs: the Trainer's own.
    """

    def __init__(self, *, labels: LabelSpace, recipe: Recipe, **kwargs: Any) -> None:
        self.optimizer: Any = None
        super().__init__(**kwargs)
        self._labels = labels
        self._recipe = recipe
        self.model_accepts_loss_kwargs = False  # the loss below is a mean over the batch

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of a batch, a scalar.

        `inputs` holds `stance_target` float32 (batch, stance labels) and `sentiment` int64 (batch,), -100 for none.
        """
        target, sentiment = inputs.pop("stance_target"), inputs.pop("sentiment")
        outputs = model(**inputs)
        logits = outputs.logits.float()
        loss = cross_entropy(logits[:, self._labels.stance_slice], target, label_smoothing=self._recipe.label_smoothing)
        if self._labels.sentiment:
            picked = log_softmax(logits[:, self._labels.sentiment_slice], dim=-1)
            known = sentiment != -100
            picked = picked[known, sentiment[known]]
            loss = loss - self._recipe.sentiment_weight * picked.sum() / max(len(known), 1)
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
        """Build AdamW with the head's own rate and no decay on biases and layer norms."""
        if self.optimizer is None:
            groups: dict[tuple[bool, bool], list[Any]] = {}
            for name, parameter in self.model.named_parameters():
                if not parameter.requires_grad:
                    continue
                head = name.startswith("classifier") or ".pooler." in name
                plain = name.endswith("bias") or "LayerNorm" in name
                groups.setdefault((head, plain), []).append(parameter)
            recipe = self._recipe
            self.optimizer = torch.optim.AdamW(
                [
                    {
                        "params": parameters,
                        "lr": recipe.head_learning_rate if head else recipe.learning_rate,
                        "weight_decay": 0.0 if plain else recipe.weight_decay,
                    }
                    for (head, plain), parameters in groups.items()
                ]
            )
        return self.optimizer


class _Reporter(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Turns the Trainer's steps into progress reports; the first steps do not count towards the rate."""

    warm_up_steps = 3

    def __init__(self, on_progress: OnProgress, batch_size: int) -> None:
        self._tell, self._batch = on_progress, batch_size
        self._since = 0.0
        self._loss: float | None = None

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.warm_up_steps:
            self._since = time.monotonic()
        timed = state.global_step - self.warm_up_steps
        rate = timed / max(time.monotonic() - self._since, 1e-6) if timed > 0 else 0.0
        self._tell(
            Progress(
                "train",
                state.global_step,
                state.max_steps,
                self._loss,
                state.log_history[-1].get("learning_rate", 0.0) if state.log_history else 0.0,
                rate * self._batch,
                (state.max_steps - state.global_step) / rate if rate else None,
            )
        )

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self._loss = (logs or {}).get("loss", self._loss)


def fit(
    network: Any, tokenizer: Any, data: Dataset, labels: LabelSpace, recipe: Recipe, work: Path, on_progress: OnProgress
) -> None:
    """Fine-tune the network in place.

    Args:
        network: see `build_network`.
        tokenizer: see `build_network`.
        data: columns `text`, `stance_target`, `sentiment` (see `training.data.to_dataset`).
        labels: the label space of the head.
        recipe: all settings.
        work: folder for the Trainer's own files.
        on_progress: called after every step.

    Raises:
        TrainingError: the loss stopped being a number.
    """
    encoder = text_encoder(tokenizer, recipe.max_tokens)
    encoded = data.map(
        lambda row: {"input_ids": (ids := list(encoder.encode(row["text"]).ids)), "length": len(ids)},
        remove_columns=["text"],
        load_from_cache_file=False,
    )

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        batch = encoder.collate([Encoded(tuple(row["input_ids"])) for row in rows])
        return {
            "input_ids": torch.from_numpy(batch.input_ids),
            "attention_mask": torch.from_numpy(batch.attention_mask),
            "stance_target": torch.tensor([row["stance_target"] for row in rows], dtype=torch.float32),
            "sentiment": torch.tensor([row["sentiment"] for row in rows], dtype=torch.int64),
        }

    arguments = TrainingArguments(
        output_dir=str(work),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=recipe.warmup_share,
        max_grad_norm=1.0,
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        bf16=recipe.bf16,
        use_cpu=not torch.cuda.is_available(),
        seed=recipe.seed,
        data_seed=recipe.seed,
        save_strategy="no",
        logging_steps=10,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        label_names=["stance_target", "sentiment"],
    )
    trainer = TwoGroupTrainer(
        labels=labels,
        recipe=recipe,
        model=network,
        args=arguments,
        train_dataset=encoded,
        data_collator=collate,
        callbacks=[_Reporter(on_progress, recipe.batch_size)],
    )
    trainer.remove_callback(PrinterCallback)
    result = trainer.train()
    if not np.isfinite(result.training_loss):
        raise TrainingError(f"training diverged (loss {result.training_loss}): lower the learning rate")
    network.eval()


def save_network(network: Any, tokenizer: Any, folder: Path) -> None:
    """Write weights (float16), configuration and tokenizer as a standard Hugging Face folder."""
    half = {name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    network.config.dtype = torch.float16
    network.save_pretrained(folder, state_dict=half)
    tokenizer.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)


def save_delta(network: Any, tokenizer: Any, folder: Path, base_weights: Path, rank: int) -> None:
    """Write configuration, tokenizer, and what was learned as a difference to the base (see `model.delta`)."""
    network.config.dtype = torch.float16
    network.config.architectures = [type(network).__name__]
    network.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    state = {name: value.float().numpy() for name, value in network.state_dict().items() if value.is_floating_point()}
    write_delta(folder, base_weights, state, rank)
