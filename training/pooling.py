"""Mean pooling, written into a network that only knows its first token.

A sequence classifier of transformers reads the first token; a sentence encoder is trained to be read by the mean over
all tokens. With a few dozen rows the first token cannot be taught to stand for the sentence, so the mean is brought to
it: one more encoder layer, in which every query and key is zero (each token attends to all alike: the mean), values
pass through unchanged and enlarged (so that the residual of the token itself vanishes in the layer norm), and the
feed-forward part adds nothing. What the layer gives the head is the layer-normalised mean embedding. The folder stays
a standard sequence-classification folder, one layer deeper.

Encoders with a relative attention bias (MPNet) add it to every layer, so that each head takes a mean with weights of
its own; logistic regression on these features was measured to do no worse than on the plain mean.
"""

import copy
from typing import Any

import torch
from torch import nn

GAIN = 1024.0
"""How much larger the mean is than the residual of the first token; exact in float16."""
MARK = "stance_mean_pooling"
"""Set in `config.json` where the last layer is the pooling one."""


def last_linear(network: Any) -> nn.Linear:
    """Return the layer whose outputs are the logits."""
    for part in reversed(list(network.modules())):
        if isinstance(part, nn.Linear) and part.out_features == network.config.num_labels:
            return part
    raise ValueError(f"{type(network).__name__} ends in no linear layer")


def dense_before(network: Any) -> nn.Linear | None:
    """Return the layer between the first token and the last linear one (BERT's pooler), where there is one."""
    pooler = getattr(network.base_model, "pooler", None)
    dense = getattr(pooler if pooler is not None else getattr(network, "classifier", None), "dense", None)
    return dense if isinstance(dense, nn.Linear) else None


def can_pool(network: Any) -> bool:
    """Whether `add_mean_pooling` knows the network's layers and they do not pool already."""
    layers = getattr(getattr(network.base_model, "encoder", None), "layer", None)
    if not layers or dense_before(network) is None or getattr(network.config, MARK, False):
        return False
    if getattr(network.config, "position_embedding_type", "absolute") not in ("absolute", None):
        return False
    attention = getattr(layers[-1], "attention", None)
    return _projections(attention) is not None and hasattr(layers[-1], "intermediate")


def _projections(attention: Any) -> tuple[nn.Linear, nn.Linear, nn.Linear, nn.Linear, nn.LayerNorm] | None:
    """Return query, key, value, output and norm of an attention block of BERT's or MPNet's build."""
    try:
        if hasattr(attention, "attn"):
            inner = attention.attn
            return inner.q, inner.k, inner.v, inner.o, attention.LayerNorm
        inner = getattr(attention, "self")  # noqa: B009  # transformers' name
        return inner.query, inner.key, inner.value, attention.output.dense, attention.output.LayerNorm
    except AttributeError:
        return None


@torch.no_grad()
def add_mean_pooling(network: Any) -> None:
    """Append the pooling layer, frozen, and make the head's dense layer pass it on.

    Args:
        network: a sequence classifier for which `can_pool` holds.
    """
    encoder, config = network.base_model.encoder, network.config
    layer = copy.deepcopy(encoder.layer[-1])
    found = _projections(layer.attention)
    assert found is not None, "call can_pool first"
    query, key, value, output, norm = found
    for part in (query, key, value, output, layer.intermediate.dense, layer.output.dense):
        part.weight.zero_()
        part.bias.zero_()
    value.weight.copy_(torch.eye(config.hidden_size))
    output.weight.copy_(value.weight * GAIN)
    for each in (norm, layer.output.LayerNorm):
        each.weight.fill_(1.0)
        each.bias.zero_()
    for module in layer.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    encoder.layer.append(layer)
    config.num_hidden_layers = len(encoder.layer)
    setattr(config, MARK, True)
    dense = dense_before(network)
    assert dense is not None
    dense.weight.copy_(torch.eye(dense.out_features, dense.in_features) / dense.in_features**0.5)
    dense.bias.zero_()
    freeze_pooling(network)


def freeze_pooling(network: Any) -> None:
    """Take the pooling layer and the dense layer behind it out of training."""
    for part in (network.base_model.encoder.layer[-1], dense_before(network)):
        for parameter in part.parameters() if part is not None else ():
            parameter.requires_grad_(False)
