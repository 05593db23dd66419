"""A network that starts where a frozen encoder with logistic regression ends.

Linear probing, then fine-tuning (Kumar et al., 2022): the network first gets mean pooling (`training.pooling`) and a
head solved by logistic regression on the pooled embeddings, so that no random head shakes the encoder with its first
gradients; what follows, where rows are enough, is the ordinary fine-tuning.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from model.bases import Base
from model.encoding import TextEncoder, plan_batches
from model.labels import LabelSpace
from training.config import Recipe
from training.data import Row
from training.network import has_bf16, is_classifier
from training.pooling import add_mean_pooling, can_pool, last_linear

UNSEEN = -10.0
"""The bias of a label that no row has."""


def warm_start(
    network: Any, encoder: TextEncoder, base: Base, rows: Sequence[Row], labels: LabelSpace, recipe: Recipe
) -> None:
    """Give the network mean pooling and a head solved on the rows, in place.

    Args:
        network: see `training.network.build_network`.
        encoder: its tokenizer.
        base: what it was loaded from; one that was a trained classifier already keeps its own pooling.
        rows: training rows.
        labels: the label space of the head.
        recipe: `head_strength`.
    """
    texts = [row.text for row in rows]
    if can_pool(network) and not is_classifier(base):
        add_mean_pooling(network)
    solve_head(network, features(network, encoder, texts), rows, labels, recipe.head_strength)


@torch.inference_mode()
def mean_embeddings(encoder_network: Any, encoder: TextEncoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return float32 (texts, hidden): the mean over the tokens of the last layer."""
    items = [encoder.encode(text) for text in texts]
    result = np.empty((len(items), encoder_network.config.hidden_size), dtype=np.float32)
    device = next(encoder_network.parameters()).device
    encoder_network.eval()
    for part in plan_batches([len(item) for item in items], 32, 2048):
        batch = encoder.collate([items[i] for i in part])
        mask = torch.from_numpy(batch.attention_mask).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=has_bf16(device.type)):
            hidden = encoder_network(
                input_ids=torch.from_numpy(batch.input_ids).to(device), attention_mask=mask
            ).last_hidden_state
        weight = mask[..., None].float()
        result[part] = ((hidden.float() * weight).sum(dim=1) / weight.sum(dim=1)).cpu().numpy()
    return result


@torch.inference_mode()
def features(network: Any, encoder: TextEncoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return float32 (texts, hidden): what reaches the last linear layer."""
    from training.fit import network_logits

    seen: list[torch.Tensor] = []
    hook = last_linear(network).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].float().cpu()))
    order: list[int] = []
    try:
        items = [encoder.encode(text) for text in texts]
        order = [i for part in plan_batches([len(item) for item in items], 32, 2048) for i in part]
        network_logits(network, encoder, list(texts))
    finally:
        hook.remove()
    result = np.empty((len(texts), seen[0].shape[-1]), dtype=np.float32)
    result[order] = torch.cat(seen).numpy()
    return result


def solve_head(
    network: Any, inputs: NDArray[np.float32], rows: Sequence[Row], labels: LabelSpace, strength: float
) -> None:
    """Write the weights of a logistic regression, one for each label group, into the last linear layer.

    Args:
        network: the network.
        inputs: (rows, hidden) what reaches the layer.
        rows: their labels.
        labels: the label groups.
        strength: inverse regularisation (scikit-learn's C).
    """
    last = last_linear(network)
    weight, bias = np.zeros((labels.size, inputs.shape[1])), np.full(labels.size, UNSEEN)
    groups = [(labels.stance, 0, [row.stance for row in rows])]
    if labels.sentiment:
        groups.append((labels.sentiment, len(labels.stance), [row.sentiment for row in rows]))
    for names, offset, given in groups:
        known = np.array([name in names for name in given])
        if len({name for name in given if name in names}) < 2:
            bias[offset : offset + len(names)] = 0.0
            continue
        solver = LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")
        solver.fit(inputs[known], [name for name in given if name in names])
        coefficients, intercepts = solver.coef_, solver.intercept_
        if len(solver.classes_) == 2:  # scikit-learn gives one row for two classes
            coefficients = np.concatenate([-coefficients, coefficients]) / 2
            intercepts = np.concatenate([-intercepts, intercepts]) / 2
        for name, row, constant in zip(solver.classes_, coefficients, intercepts, strict=True):
            weight[offset + names.index(name)], bias[offset + names.index(name)] = row, constant
    with torch.no_grad():
        last.weight.copy_(torch.from_numpy(weight))
        last.bias.copy_(torch.from_numpy(bias))
