"""From a checkpoint's PyTorch network to an ONNX graph with int8 matrix products.

Weights are stored as int8 with one scale for each output channel. Activations are quantised as they come, **each token
by a scale of its own**: nothing is calibrated on data, and no number depends on the other texts of a batch, as it
does with the usual dynamic quantisation, whose one scale is taken over the whole batch.

Each large `MatMul(x, W)` becomes, over x as (tokens, hidden):

    scale = max |x| of the token / 127
    y     = MatMulIntegerToFloat(QuantizeLinear(x, scale), W_int8, W_scale) * scale
"""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from transformers import AutoModelForSequenceClassification
from transformers.utils import logging as transformers_logging

from model.errors import BackendError

INPUTS = ("input_ids", "attention_mask")
OPSET = 17
LEAST_WEIGHTS = 1 << 12
"""Smaller matrices (the classification head) stay float32: they cost nothing and decide the most."""
CONTRIB = "com.microsoft"


class _Logits(torch.nn.Module):
    """The network as a function of two tensors."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the logits, (batch, labels)."""
        logits: torch.Tensor = self.network(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def export_graph(folder: Path, work: Path) -> Any:
    """Trace a checkpoint's network into an ONNX model: float32, free batch and length, layers fused.

    Args:
        folder: a checkpoint folder.
        work: a folder for intermediate files.

    Raises:
        BackendError: the network cannot be traced.
    """
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    quiet = logging.getLogger("onnxruntime.transformers")
    quiet.setLevel(logging.ERROR)
    try:
        network = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, attn_implementation="eager"
        ).eval()
        ids = torch.arange(32, dtype=torch.int64).reshape(2, 16) % int(network.config.vocab_size)
        mask = torch.ones_like(ids)
        mask[1, 9:] = 0
        plain = work / "plain.onnx"
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # tracing is deprecated, and every Python branch is warned about
            torch.onnx.export(
                _Logits(network),
                (ids, mask),
                str(plain),
                input_names=list(INPUTS),
                output_names=["logits"],
                dynamic_axes={name: {0: "batch", 1: "length"} for name in INPUTS} | {"logits": {0: "batch"}},
                opset_version=OPSET,
                dynamo=False,
            )
        options = FusionOptions("bert")
        options.use_multi_head_attention = True  # `Attention` would hide three matrix products from `quantise`
        # The runtime's fused kernel is slower than Add and LayerNormalization: 369 against 426 texts/s.
        options.enable_skip_layer_norm = options.enable_bias_skip_layer_norm = False
        fused = optimize_model(
            str(plain),
            model_type="bert",
            num_heads=int(network.config.num_attention_heads),
            hidden_size=int(network.config.hidden_size),
            opt_level=0,
            optimization_options=options,
        )
    except Exception as error:
        raise BackendError(f"the network in {folder} cannot be compiled: {error}") from error
    return fused.model


def quantise(model: Any) -> int:
    """Turn the large matrix products of a float32 model into int8 ones, in place.

    Returns:
        How many products were quantised.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    rewriter = _Rewriter()
    nodes: list[Any] = [*rewriter.head]
    count = 0
    for node in graph.node:
        matrix = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is None or len(matrix.dims) != 2 or int(np.prod(matrix.dims)) < LEAST_WEIGHTS:
            nodes.append(node)
            continue
        bounded = any(node.input[0] in other.output and other.op_type in ("Gelu", "BiasGelu") for other in graph.node)
        nodes.extend(rewriter.product(node, numpy_helper.to_array(matrix).astype(np.float32), bounded))
        count += 1
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *rewriter.constants.values()])
    if not any(entry.domain == CONTRIB for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    return count


class _Rewriter:
    """Makes the nodes that replace one matrix product; inputs shared by several products are quantised once."""

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {}
        self._quantised: set[str] = set()
        self.head = [helper.make_node("Shape", [INPUTS[0]], ["int8/batch_length"])]
        self._middle = self._constant("int8/middle", np.full(1, 128, np.uint8))
        self._one = self._constant("int8/one", np.float32(1))
        self._offset = self._constant("int8/offset", np.uint8(128))
        self._levels = self._constant("int8/levels", np.float32(127))
        self._least = self._constant("int8/least", np.float32(1e-6))
        self._gelu = self._constant("int8/gelu_least", np.float32(0.17))

    def product(self, node: Any, weights: NDArray[np.float32], bounded: bool) -> list[Any]:
        """Return the nodes that compute `node` in int8.

        Args:
            node: a MatMul of a (batch, length, inner) input with a constant matrix.
            weights: (inner, outer).
            bounded: whether the input comes from a GELU, which never falls under -0.17.
        """
        x, out = node.input[0], node.output[0]
        inner, outer = weights.shape
        scale = (np.maximum(np.abs(weights).max(axis=0), 1e-8) / 127).astype(np.float32)
        name = node.input[1]
        nodes = [] if x in self._quantised else self._quantise(x, inner, bounded)
        inputs = [
            f"{x}/int8",
            self._constant(f"{name}/int8", np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)),
            self._one,
            self._constant(f"{name}/scale", scale),
            self._offset,
            self._constant(f"{name}/zero", np.zeros(outer, np.int8)),
        ]
        shape = f"int8/shape_{outer}"
        if shape not in self._quantised:
            self._quantised.add(shape)
            width = self._constant(f"int8/width_{outer}", np.array([outer], np.int64))
            nodes.append(helper.make_node("Concat", ["int8/batch_length", width], [shape], axis=0))
        return [
            *nodes,
            helper.make_node("MatMulIntegerToFloat", inputs, [f"{out}/unscaled"], domain=CONTRIB),
            helper.make_node("Mul", [f"{out}/unscaled", f"{x}/scale"], [f"{out}/flat"]),
            helper.make_node("Reshape", [f"{out}/flat", shape], [out]),
        ]

    def _quantise(self, x: str, inner: int, bounded: bool) -> list[Any]:
        self._quantised.add(x)
        flat = self._constant(f"int8/flat_{inner}", np.array([-1, inner], np.int64))
        nodes = [helper.make_node("Reshape", [x, flat], [f"{x}/flat"])]
        if bounded:
            nodes.append(helper.make_node("ReduceMax", [f"{x}/flat"], [f"{x}/top"], axes=[1], keepdims=1))
        else:
            nodes.append(helper.make_node("Abs", [f"{x}/flat"], [f"{x}/abs"]))
            nodes.append(helper.make_node("ReduceMax", [f"{x}/abs"], [f"{x}/top"], axes=[1], keepdims=1))
        return [
            *nodes,
            helper.make_node("Max", [f"{x}/top", self._gelu if bounded else self._least], [f"{x}/peak"]),
            helper.make_node("Div", [f"{x}/peak", self._levels], [f"{x}/scale"]),
            *self._round(x),
        ]

    def _round(self, x: str) -> Sequence[Any]:
        last = self._constant("int8/last", np.array([1], np.int64))
        nodes = [
            helper.make_node("Squeeze", [f"{x}/scale", last], [f"{x}/scale_row"]),
            helper.make_node("Shape", [f"{x}/scale_row"], [f"{x}/tokens"]),
            helper.make_node("Expand", [self._middle, f"{x}/tokens"], [f"{x}/middle"]),
        ]
        quantise = helper.make_node(
            "QuantizeLinear", [f"{x}/flat", f"{x}/scale_row", f"{x}/middle"], [f"{x}/int8"], axis=0
        )
        return [*nodes, quantise]

    def _constant(self, name: str, value: Any) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(value), name))
        return name


def write_graph(model: Any, path: Path) -> None:
    """Write a model to one file."""
    onnx.save(model, str(path))
