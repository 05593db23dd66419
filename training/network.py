"""The network that is fine-tuned: loaded from a base with a head, and written as a standard folder."""

import os
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from datasets import disable_progress_bars
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, set_seed
from transformers.utils import logging as transformers_logging

from model.bases import Base
from model.delta import write_delta
from model.encoding import TextEncoder
from model.errors import TrainingError
from model.labels import LabelSpace
from training.config import Recipe
from training.pooling import MARK, freeze_pooling, last_linear

HEAD = ("classifier", "bert.pooler", "roberta.pooler", "score", "head")
"""What the parameters are called that a base may lack."""


BF16 = ("avx512_bf16", "amx_bf16", "bf16")
"""What PyTorch calls the instructions of x86 and ARM processors that multiply bfloat16."""


@cache
def has_bf16(device: str) -> bool:
    """Whether a device multiplies bfloat16 itself.

    Where it does not, PyTorch falls back to scalar code: a matrix product takes ninety times as long as in float32 on a
    processor with AVX2 alone.

    Args:
        device: PyTorch's name for its type (`cpu`, `cuda`).
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and any(torch.cpu.get_capabilities().get(name, False) for name in BF16)


def build_network(base: Base, labels: LabelSpace, recipe: Recipe) -> tuple[Any, Any]:
    """Load a base encoder with a head: fresh, or the checkpoint's own where the base is one with the same labels.

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
        known = {int(index): name for index, name in (AutoConfig.from_pretrained(base.source).id2label or {}).items()}
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
        hint = "" if Path(base.source).exists() else "; without a connection use minilm, mpnet or a folder"
        raise TrainingError(f"the base {base.name} cannot be loaded: {str(error).splitlines()[0]}{hint}") from error
    if lost := sorted(name for name in info["missing_keys"] if not name.startswith(HEAD)):
        raise TrainingError(f"the base {base.name} lacks weights: {', '.join(lost[:3])}")
    if known != labels.id2label:
        last = last_linear(network)  # as many logits, other labels: what they meant is worth nothing here
        torch.nn.init.normal_(last.weight, std=getattr(config, "initializer_range", 0.02))
        torch.nn.init.zeros_(last.bias)
    if not tokenizer.is_fast:
        raise TrainingError(f"the base {base.name} has no fast tokenizer (tokenizer.json)")
    _freeze(network, recipe)
    return network, tokenizer


def own_dropout(base: Base) -> dict[str, float]:
    """Return the dropout that a base has, under the names of its configuration."""
    config = AutoConfig.from_pretrained(base.source)
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    return {name: getattr(config, name) for name in names if hasattr(config, name)}


def load_trained(folder: Path) -> tuple[Any, Any]:
    """Load a trained classifier, float32, in evaluation mode, and its tokenizer."""
    transformers_logging.disable_progress_bar()
    network = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    return network.eval(), AutoTokenizer.from_pretrained(folder)


def is_classifier(base: Base) -> bool:
    """Whether the base was a trained sequence classifier already, whose head dense layer means something."""
    names = AutoConfig.from_pretrained(base.source).architectures or [""]
    return any("ForSequenceClassification" in name for name in names)


def _freeze(network: Any, recipe: Recipe) -> None:
    """Take the embeddings, the lowest layers and a pooling layer out of training."""
    base = network.base_model
    frozen = [base.embeddings] if recipe.freeze_embeddings and hasattr(base, "embeddings") else []
    layers = getattr(getattr(base, "encoder", None), "layer", [])
    for part in [*frozen, *layers[: recipe.frozen_layers]]:
        for parameter in part.parameters():
            parameter.requires_grad_(False)
    if getattr(network.config, MARK, False):
        freeze_pooling(network)


def text_encoder(tokenizer: Any, max_tokens: int) -> TextEncoder:
    """Return the encoder that training and serving share, from a transformers tokenizer."""
    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    return TextEncoder(copy, max_tokens, tokenizer.pad_token_id)


def serve_limit(network: Any, recipe: Recipe) -> int:
    """Return the longest sequence the network reads."""
    # RoBERTa-like encoders number positions from pad_id + 1 on, so two of them are never reached.
    return min(recipe.serve_tokens, getattr(network.config, "max_position_embeddings", recipe.serve_tokens) - 2)


def save_network(network: Any, tokenizer: Any, folder: Path) -> None:
    """Write weights (float16), configuration and tokenizer as a standard Hugging Face folder."""
    half = {name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    network.config.dtype = torch.float16
    network.save_pretrained(folder, state_dict=half)
    tokenizer.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    if not (folder / "tokenizer.json").is_file():
        raise TrainingError("the base has no fast tokenizer (tokenizer.json)")


def save_delta(network: Any, tokenizer: Any, folder: Path, base_weights: Path, rank: int) -> None:
    """Write configuration, tokenizer, and what was learned as a difference to the base (see `model.delta`)."""
    network.config.dtype = torch.float16
    network.config.architectures = [type(network).__name__]
    network.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    state = {name: value.float().numpy() for name, value in network.state_dict().items() if value.is_floating_point()}
    write_delta(folder, base_weights, state, rank)
