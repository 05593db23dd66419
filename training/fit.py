"""Fine-tunes a transformers sequence classifier with two label groups in one head.

The head's logits are the stance group followed by the sentiment group. The loss is the cross entropy of the stance
group against a (smoothed, possibly split) target plus the weighted cross entropy of the sentiment group, in which rows
without a sentiment do not count.

A run writes its state into a work folder now and then. Started again with the same folder, it goes on from there and
ends with the very weights of a run that was not interrupted: the order of the rows is a function of seed and epoch
alone, and the generators' states are saved.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy, log_softmax
from torch.utils.data import Sampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_pt_utils import get_length_grouped_indices

from model.encoding import Encoded, TextEncoder, plan_batches
from model.errors import TrainingError
from model.labels import LabelSpace
from training.augment import edited
from training.config import Recipe
from training.evaluate import macro_f1
from training.network import build_network, has_bf16, save_network, text_encoder
from training.progress import OnProgress, Progress
from training.states import MAP_RATE, States, attach_matcher

__all__ = ["build_network", "fit", "save_network", "text_encoder"]

DONE = "complete"
"""Marks a saved state whose writing came to its end."""
SAVES = 10
"""States saved in a run, evenly spread."""
BEST, MARGIN = "best.safetensors", 0.01
"""Weights of the epoch with the best validation macro-F1, taken where the last epoch is more than the margin behind."""


class _ByLength(Sampler[int]):
    """Rows in a random order, those of a batch of like length; the order is a function of seed and epoch alone.

    A row of weight w comes w times an epoch, on average: each epoch draws anew what the fraction decides, by systematic
    sampling, so that the number of rows is the same in each.

    Args:
        lengths: tokens of each row.
        weights: of each row.
        batch_size: rows a batch.
        seed: of the order.
    """

    def __init__(self, lengths: list[int], weights: list[float], batch_size: int, seed: int) -> None:
        self._lengths, self._batch, self._seed, self._epoch = lengths, batch_size, seed, 0
        self._weights = None if all(weight == 1 for weight in weights) else torch.tensor(weights, dtype=torch.float64)
        self._shown = len(lengths) if self._weights is None else max(1, int(self._weights.sum().item()))

    def __len__(self) -> int:
        return self._shown

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 1000 + self._epoch)
        if self._weights is None:
            return iter(get_length_grouped_indices(self._lengths, self._batch, generator=generator))
        order = torch.randperm(len(self._lengths), generator=generator)
        ends = self._weights[order].cumsum(0) * (self._shown / self._weights.sum())
        marks = torch.arange(self._shown) + torch.rand(1, generator=generator, dtype=torch.float64)
        shown = order[torch.searchsorted(ends, marks, right=True).clamp(max=len(order) - 1)].tolist()
        lengths = [self._lengths[row] for row in shown]
        return iter([shown[i] for i in get_length_grouped_indices(lengths, self._batch, generator=generator)])


class TwoGroupTrainer(Trainer):  # type: ignore[misc]  # transformers is untyped
    """A Trainer with the loss of two label groups and a faster head.

    Args:
        labels: the label space of the head.
        recipe: loss weights and rates.
        class_weights: float32 (stance labels,), of the stance loss; mean over the rows 1.
        kwargs: the Trainer's own.
    """

    def __init__(self, *, labels: LabelSpace, recipe: Recipe, class_weights: torch.Tensor, **kwargs: Any) -> None:
        self.optimizer: Any = None
        super().__init__(**kwargs)
        self._labels = labels
        self._recipe = recipe
        self._weights = class_weights
        self.model_accepts_loss_kwargs = False  # the loss below is a mean over the batch

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        rows = self.train_dataset if train_dataset is None else train_dataset
        return _ByLength(list(rows["length"]), list(rows["weight"]), self._recipe.batch_size, self._recipe.seed)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of a batch, a scalar.

        `inputs` holds `stance_target` float32 (batch, stance labels), `sentiment_target` float32 (batch, sentiment
        labels), all 0 for none, and `numbers` int64 (batch,) of the rows, -1 for one that stands edited.
        """
        target, sentiment = inputs.pop("stance_target"), inputs.pop("sentiment_target")
        numbers, matcher = inputs.pop("numbers").tolist(), getattr(model, "matcher", None)
        outputs = model(**inputs, output_hidden_states=matcher is not None)
        logits = outputs.logits.float()
        stance = logits[:, self._labels.stance_slice]
        losses = cross_entropy(stance, target, label_smoothing=self._recipe.label_smoothing, reduction="none")
        loss = (losses * (target @ self._weights.to(target.device))).mean()
        if self._labels.sentiment:
            tone = sentiment * log_softmax(logits[:, self._labels.sentiment_slice], dim=-1)
            loss = loss - self._recipe.sentiment_weight * tone.sum() / max(len(tone), 1)
        if matcher is not None:
            distance = matcher(outputs.hidden_states, inputs["attention_mask"], numbers)
            loss = loss + self._recipe.state_weight * distance
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
        """Build AdamW with the head's own rate and no decay on biases and layer norms."""
        if self.optimizer is None:
            groups: dict[tuple[bool, bool], list[Any]] = {}
            maps = []
            for name, parameter in self.model.named_parameters():
                if not parameter.requires_grad:
                    continue
                if name.startswith("matcher."):
                    maps.append(parameter)
                    continue
                head = name.startswith("classifier") or ".pooler." in name
                plain = name.endswith("bias") or "LayerNorm" in name
                groups.setdefault((head, plain), []).append(parameter)
            recipe = self._recipe
            told: list[dict[str, Any]] = [
                {
                    "params": parameters,
                    "lr": recipe.head_learning_rate if head else recipe.learning_rate,
                    "weight_decay": 0.0 if plain else recipe.weight_decay,
                }
                for (head, plain), parameters in groups.items()
            ]
            if maps:
                told.append({"params": maps, "lr": MAP_RATE, "weight_decay": 0.0})
            self.optimizer = torch.optim.AdamW(told, fused=True)
        return self.optimizer


class _Reporter(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Turns the Trainer's steps into progress reports; the first steps do not count towards the rate."""

    warm_up_steps = 3

    def __init__(self, on_progress: OnProgress, batch_size: int) -> None:
        self._tell, self._batch = on_progress, batch_size
        self._since = 0.0
        self._timed = -self.warm_up_steps
        self._loss: float | None = None

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._timed += 1
        if self._timed == 0:
            self._since = time.monotonic()
        rate = self._timed / max(time.monotonic() - self._since, 1e-6) if self._timed > 0 else 0.0
        rates = [entry["learning_rate"] for entry in state.log_history if "learning_rate" in entry]
        self._tell(
            Progress(
                "train",
                state.global_step,
                state.max_steps,
                self._loss,
                rates[-1] if rates else 0.0,
                rate * self._batch,
                (state.max_steps - state.global_step) / rate if rate else None,
            )
        )

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self._loss = (logs or {}).get("loss", self._loss)


class _Keeper(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Measures each epoch on the validation rows, keeps the best weights, stops where nothing gets better."""

    def __init__(
        self, data: Dataset | None, encoder: TextEncoder, labels: LabelSpace, recipe: Recipe, work: Path
    ) -> None:
        self._texts: list[str] = [] if data is None else list(data["text"])
        self._gold = np.array([int(np.argmax(t)) for t in ([] if data is None else data["stance_target"])], np.int64)
        self._encoder, self._labels, self._recipe, self._work = encoder, labels, recipe, work

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        steps = max(round(state.max_steps / args.num_train_epochs), 1)
        if state.global_step % steps or not self._texts:
            return
        epoch = state.global_step // steps
        score = self._score(model)
        earlier = epoch_scores(state.log_history)
        state.log_history.append({"epoch": epoch, "step": state.global_step, "validation_macro_f1": round(score, 4)})
        if state.is_world_process_zero and score > max(earlier.values(), default=-1.0):
            save_file({k: v.detach().cpu().clone() for k, v in model.state_dict().items()}, self._work / f"{BEST}.part")
            (self._work / f"{BEST}.part").replace(self._work / BEST)
        best = max(earlier, key=lambda e: earlier[e], default=epoch)
        if self._recipe.patience and epoch - best >= self._recipe.patience and score <= earlier[best]:
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / DONE).touch()

    def _score(self, network: Any) -> float:
        logits = network_logits(network, self._encoder, self._texts, bf16=self._recipe.bf16)
        network.train()
        return macro_f1(self._gold, logits[:, self._labels.stance_slice].argmax(axis=1), len(self._labels.stance))


def network_logits(network: Any, encoder: TextEncoder, texts: list[str], *, bf16: bool = False) -> NDArray[np.float32]:
    """Run the network, in evaluation mode, over texts.

    Returns:
        float32 (texts, labels), rows in the order of `texts`.
    """
    items = [encoder.encode(text) for text in texts]
    device = next(network.parameters()).device
    result = np.empty((len(items), network.config.num_labels), dtype=np.float32)
    network.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16 and has_bf16(device.type)):
        for part in plan_batches([len(item) for item in items], 32, 2048):
            batch = encoder.collate([items[i] for i in part])
            logits = network(
                input_ids=torch.from_numpy(batch.input_ids).to(device),
                attention_mask=torch.from_numpy(batch.attention_mask).to(device),
            ).logits
            result[part] = logits.float().cpu().numpy()
    return result


def epoch_scores(history: list[dict[str, Any]]) -> dict[int, float]:
    """Return epoch -> validation macro-F1 from a training history."""
    return {int(e["epoch"]): e["validation_macro_f1"] for e in history if "validation_macro_f1" in e}


def fit(
    network: Any,
    tokenizer: Any,
    data: Dataset,
    labels: LabelSpace,
    recipe: Recipe,
    work: Path,
    on_progress: OnProgress,
    *,
    validation: Dataset | None = None,
    states: States | None = None,
    max_steps: int = -1,
) -> list[dict[str, Any]]:
    """Fine-tune the network in place.

    Args:
        network: see `build_network`.
        tokenizer: see `build_network`.
        data: columns `text`, `stance_target`, `sentiment_target`, `weight` (see `training.data.to_dataset`).
        labels: the label space of the head.
        recipe: all settings.
        work: folder for the state; where it holds one of the same run, training goes on from it.
        on_progress: called after every step.
        validation: rows to measure each epoch on; None measures nothing and stops early never.
        states: a teacher's, over the texts of `data`, in their order (see `training.states`).
        max_steps: stop after so many steps, for a timing; -1 for the recipe's epochs.

    Returns:
        The training history: losses by step, validation macro-F1 by epoch.

    Raises:
        TrainingError: the loss stopped being a number, or the teacher's states cannot be matched.
    """
    encoder = text_encoder(tokenizer, recipe.max_tokens)
    encoded = data.map(
        lambda row, number: {
            "input_ids": (ids := list(encoder.encode(row["text"]).ids)),
            "length": len(ids),
            "number": number,
        },
        with_indices=True,
        load_from_cache_file=False,
    )

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        rng = random.Random(f"{recipe.seed} {[row['number'] for row in rows]}")
        changed = [rng.random() < recipe.edit_share for _ in rows]
        items = [
            encoder.encode(edited(row["text"], rng)) if other else Encoded(tuple(row["input_ids"]))
            for row, other in zip(rows, changed, strict=True)
        ]
        batch = encoder.collate(items)
        numbers = [-1 if other else row["number"] for row, other in zip(rows, changed, strict=True)]
        return {
            "numbers": torch.tensor(numbers),
            "input_ids": torch.from_numpy(batch.input_ids),
            "attention_mask": torch.from_numpy(batch.attention_mask),
            "stance_target": torch.tensor([row["stance_target"] for row in rows], dtype=torch.float32),
            "sentiment_target": torch.tensor([row["sentiment_target"] for row in rows], dtype=torch.float32),
        }

    if states is not None:
        attach_matcher(network, encoder, states, list(data["text"]), recipe.seed)
    work.mkdir(parents=True, exist_ok=True)
    shown = int(sum(encoded["weight"]))
    steps = -(-shown // recipe.batch_size) * recipe.epochs
    device = "cuda" if torch.cuda.is_available() else "cpu"
    arguments = TrainingArguments(
        output_dir=str(work),
        num_train_epochs=recipe.epochs,
        max_steps=max_steps,
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=recipe.warmup_share,
        max_grad_norm=1.0,
        bf16=recipe.bf16 and has_bf16(device),
        use_cpu=device == "cpu",
        seed=recipe.seed,
        data_seed=recipe.seed,
        save_strategy="steps" if max_steps < 0 else "no",
        save_steps=max(steps // SAVES, 5),
        save_total_limit=2,
        logging_steps=10,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=device == "cuda",
        label_names=["stance_target", "sentiment_target"],
    )
    trainer = TwoGroupTrainer(
        labels=labels,
        recipe=recipe,
        class_weights=_class_weights(data, recipe.class_weight_power),
        model=network,
        args=arguments,
        train_dataset=encoded,
        data_collator=collate,
        callbacks=[
            _Keeper(validation, encoder, labels, recipe, work),
            _Reporter(on_progress, recipe.batch_size),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    result = trainer.train(resume_from_checkpoint=saved_state(work) if max_steps < 0 else None)
    if not np.isfinite(result.training_loss):
        raise TrainingError(f"training diverged (loss {result.training_loss}): lower the learning rate")
    history = [dict(entry) for entry in trainer.state.log_history]
    scores = epoch_scores(history)
    if scores and max(scores.values()) > scores[max(scores)] + MARGIN:
        network.load_state_dict(load_file(work / BEST))
    if states is not None:
        del network.matcher
    network.eval()
    return history


def saved_state(work: Path) -> str | None:
    """Return the latest state in a work folder whose writing came to its end."""
    states = [path for path in work.glob("checkpoint-*") if (path / DONE).is_file()]
    return str(max(states, key=lambda path: int(path.name.rsplit("-", 1)[1]))) if states else None


def _class_weights(data: Dataset, power: float) -> torch.Tensor:
    """Return weights (stance labels,) that grow with a label's rarity, with a mean of 1 over the rows."""
    share = torch.tensor(data["stance_target"], dtype=torch.float32).mean(dim=0)
    weights = share.clamp(min=1e-6) ** -power
    return weights / (weights * share).sum()
