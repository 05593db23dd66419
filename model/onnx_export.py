"""From a checkpoint's PyTorch network to an ONNX graph with int8 matrix products.

Weights are stored as int8 with one scale for each output channel. Activations are quantised as they come, **each token
by a scale of its own**: no range is fixed by data, and no number depends on the other texts of a batch, as it does with
the usual dynamic quantisation, whose one scale is taken over the whole batch. Channels of very different reach are
evened out first, their weights taking the difference (SmoothQuant; Xiao et al., 2023).

Each large `MatMul(x, W)` becomes, over x as (tokens, hidden):

    scale = max |x| of the token / 127
    y     = MatMulIntegerToFloat(QuantizeLinear(x, scale), W_int8, W_scale) * scale

Processors without VNNI add two products in 16 bits, which is too narrow for 2 x 255 x 127, and clip the sum without a
word. There the scale of an output channel is as much coarser as its two largest neighbours need (`narrow`).
"""

import logging
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from transformers import AutoModelForSequenceClassification
from transformers.utils import logging as transformers_logging

from model.backend import Batch
from model.errors import BackendError

INPUTS = ("input_ids", "attention_mask")
OPSET = 17
LEAST_WEIGHTS = 1 << 12
"""Smaller matrices (the classification head) stay float32: they cost nothing and decide the most."""
CONTRIB = "com.microsoft"
GELUS = ("Gelu", "BiasGelu")
GELU_LEAST = 0.17
"""A GELU never gives less than minus this."""
LEVELS = 127
"""Largest magnitude of an int8 weight."""
PAIR_LEVELS = (2**15 - 1) // 255
"""Largest sum of two neighbouring weights of one sign that 16 bits hold after each was multiplied by a byte."""


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


def channel_reach(model: Any, batches: Sequence[Batch]) -> dict[str, NDArray[np.float32]]:
    """Measure how large each channel of what is quantised becomes: outputs of layer norms and GELUs.

    Args:
        model: the float32 ONNX model.
        batches: texts as the network reads them.

    Returns:
        Name of an output -> (hidden,) largest magnitude of each channel.
    """
    names = [node.output[0] for node in model.graph.node if node.op_type in ("LayerNormalization", *GELUS)]
    outputs = list(model.graph.output)
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    try:
        with tempfile.TemporaryDirectory(prefix="stance-") as work:  # no copy of the model in memory, nor its bytes
            write_graph(model, Path(work) / "shown.onnx")
            session = InferenceSession(str(Path(work) / "shown.onnx"), providers=["CPUExecutionProvider"])
    finally:
        del model.graph.output[:]
        model.graph.output.extend(outputs)
    reach: dict[str, NDArray[np.float32]] = {}
    for batch in batches:
        values = session.run(names, dict(zip(INPUTS, (batch.input_ids, batch.attention_mask), strict=True)))
        for name, value in zip(names, values, strict=True):
            largest = np.abs(value[batch.attention_mask == 1]).max(axis=0)
            reach[name] = np.maximum(reach.get(name, largest), largest)
    return reach


def saturates() -> bool:
    """Whether int8 products are clipped on this processor: asked of the runtime, by one that 16 bits cannot hold."""
    inner, outer = 64, 16
    constants = {"w": np.full((inner, outer), LEVELS, np.int8), "one": np.float32(1)}
    graph = helper.make_graph(
        [helper.make_node("MatMulIntegerToFloat", ["x", "w", "one", "one"], ["y"], domain=CONTRIB)],
        "saturation",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [None, inner])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, outer])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.full((8, inner), 255, np.uint8)})
    return not bool(np.all(found == inner * 255 * LEVELS))


def quantise(model: Any, reach: Mapping[str, NDArray[np.float32]], *, narrow: bool = False) -> int:
    """Turn the large matrix products of a float32 model into int8 ones, in place.

    Args:
        model: the ONNX model.
        reach: of the activations that are evened out before they are quantised (see `channel_reach`).
        narrow: keep the sums of two products within 16 bits (see `saturates`).

    Returns:
        How many products were quantised.
    """
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    large: dict[str, NDArray[np.float32]] = {}
    readers: dict[str, list[NDArray[np.float32]]] = {}
    for node in graph.node:
        matrix = tensors.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is not None and len(matrix.dims) == 2 and int(np.prod(matrix.dims)) >= LEAST_WEIGHTS:
            large[node.name] = numpy_helper.to_array(matrix).astype(np.float32)
            readers.setdefault(node.input[0], []).append(large[node.name])
    rewriter = _Rewriter(narrow)
    nodes: list[Any] = [*rewriter.head]
    count = 0
    for node in graph.node:
        if node.name not in large or node.op_type != "MatMul":
            nodes.append(node)
            continue
        x = node.input[0]
        maker = makers.get(x)
        kind = maker.op_type if maker is not None else ""
        even = _equaliser(reach[x], readers[x]) if x in reach else None
        nodes.extend(rewriter.product(node, large[node.name], kind in GELUS, even))
        count += 1
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *rewriter.constants.values()])
    if not any(entry.domain == CONTRIB for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    return count


def _equaliser(reach: NDArray[np.float32], readers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return what each channel of an activation is divided by, and its weights multiplied with (Xiao et al., 2023).

    Args:
        reach: (inner,), how large each channel can become.
        readers: the matrices (inner, outer) that read the activation.
    """
    rows = np.max([np.abs(matrix).max(axis=1) for matrix in readers], axis=0)
    factor = np.sqrt(np.maximum(reach, 1e-5) / np.maximum(rows, 1e-5))
    even: NDArray[np.float32] = (factor / np.exp(np.log(factor).mean())).astype(np.float32)
    return even


def _scale_of(weights: NDArray[np.float32], narrow: bool) -> NDArray[np.float32]:
    """Return the (outer,) steps in which the columns of (inner, outer) weights are counted."""
    steps = np.maximum(np.abs(weights).max(axis=0), 1e-8) / LEVELS
    if narrow:
        for side in (np.maximum(weights, 0), np.maximum(-weights, 0)):
            even = np.pad(side, ((0, len(side) % 2), (0, 0)))
            pairs = even[0::2] + even[1::2]
            steps = np.maximum(steps, pairs.max(axis=0) / (PAIR_LEVELS - 1))  # rounding adds up to a half twice
    scale: NDArray[np.float32] = steps.astype(np.float32)
    return scale


class _Rewriter:
    """Makes the nodes that replace one matrix product; inputs shared by several products are quantised once."""

    def __init__(self, narrow: bool) -> None:
        self._narrow = narrow
        self.constants: dict[str, Any] = {}
        self._quantised: set[str] = set()
        self.head = [helper.make_node("Shape", [INPUTS[0]], ["int8/batch_length"])]
        self._middle = self._constant("int8/middle", np.full(1, 128, np.uint8))
        self._one = self._constant("int8/one", np.float32(1))
        self._offset = self._constant("int8/offset", np.uint8(128))
        self._levels = self._constant("int8/levels", np.float32(LEVELS))
        self._all_levels = self._constant("int8/all_levels", np.float32(255))
        self._least = self._constant("int8/least", np.float32(1e-6))
        self._bottom = self._constant("int8/zero", np.zeros(1, np.uint8))
        self._nothing = self._constant("int8/no_offset", np.uint8(0))
        self._lift = self._constant("int8/gelu_least", np.float32(GELU_LEAST))

    def product(
        self, node: Any, weights: NDArray[np.float32], bounded: bool, even: NDArray[np.float32] | None
    ) -> list[Any]:
        """Return the nodes that compute `node` in int8.

        Args:
            node: a MatMul of a (batch, length, inner) input with a constant matrix.
            weights: (inner, outer).
            bounded: whether the input comes from a GELU, which never falls under -0.17: lifted by that much, it uses
                all levels of an unsigned byte, and what the lift adds is taken off again, exactly.
            even: (inner,) what the input's channels are divided by, or None.
        """
        x, out = node.input[0], node.output[0]
        inner, outer = weights.shape
        if even is not None:
            weights = weights * even[:, None]
        scale = _scale_of(weights, self._narrow)
        name = node.input[1]
        nodes = [] if x in self._quantised else self._quantise(x, inner, bounded, even)
        whole = np.clip(np.rint(weights / scale), -LEVELS, LEVELS).astype(np.int8)
        inputs = [
            f"{x}/int8",
            self._constant(f"{name}/int8", whole),
            self._one,
            self._constant(f"{name}/scale", scale),
            self._nothing if bounded else self._offset,
            self._constant(f"{name}/zero", np.zeros(outer, np.int8)),
        ]
        shape = f"int8/shape_{outer}"
        if shape not in self._quantised:
            self._quantised.add(shape)
            width = self._constant(f"int8/width_{outer}", np.array([outer], np.int64))
            nodes.append(helper.make_node("Concat", ["int8/batch_length", width], [shape], axis=0))
        nodes.append(helper.make_node("MatMulIntegerToFloat", inputs, [f"{out}/unscaled"], domain=CONTRIB))
        nodes.append(helper.make_node("Mul", [f"{out}/unscaled", f"{x}/scale"], [f"{out}/scaled"]))
        scaled = f"{out}/scaled"
        if bounded:
            lift = GELU_LEAST / (np.ones(inner) if even is None else even)
            excess = (lift @ whole.astype(np.float64)) * scale
            taken = self._constant(f"{name}/excess", excess.astype(np.float32))
            nodes.append(helper.make_node("Sub", [scaled, taken], [f"{out}/flat"]))
            scaled = f"{out}/flat"
        return [*nodes, helper.make_node("Reshape", [scaled, shape], [out])]

    def _quantise(self, x: str, inner: int, bounded: bool, even: NDArray[np.float32] | None) -> list[Any]:
        self._quantised.add(x)
        flat = self._constant(f"int8/flat_{inner}", np.array([-1, inner], np.int64))
        divisor = "" if even is None else self._constant(f"{x}/even", (1 / even).astype(np.float32))
        if bounded:
            lifted = [
                helper.make_node("Add", [f"{x}/signed", self._lift], [f"{x}/flat" if even is None else f"{x}/uneven"])
            ]
            if even is not None:
                lifted.append(helper.make_node("Mul", [f"{x}/uneven", divisor], [f"{x}/flat"]))
            return [
                helper.make_node("Reshape", [x, flat], [f"{x}/signed"]),
                *lifted,
                helper.make_node("ReduceMax", [f"{x}/flat"], [f"{x}/top"], axes=[1], keepdims=1),
                helper.make_node("Max", [f"{x}/top", self._least], [f"{x}/peak"]),
                helper.make_node("Div", [f"{x}/peak", self._all_levels], [f"{x}/scale"]),
                *self._round(x, self._bottom),
            ]
        nodes = [helper.make_node("Reshape", [x, flat], [f"{x}/flat" if even is None else f"{x}/uneven"])]
        if even is not None:
            nodes.append(helper.make_node("Mul", [f"{x}/uneven", divisor], [f"{x}/flat"]))
        return [
            *nodes,
            helper.make_node("Abs", [f"{x}/flat"], [f"{x}/abs"]),
            helper.make_node("ReduceMax", [f"{x}/abs"], [f"{x}/top"], axes=[1], keepdims=1),
            helper.make_node("Max", [f"{x}/top", self._least], [f"{x}/peak"]),
            helper.make_node("Div", [f"{x}/peak", self._levels], [f"{x}/scale"]),
            *self._round(x, self._middle),
        ]

    def _round(self, x: str, middle: str) -> Sequence[Any]:
        last = self._constant("int8/last", np.array([1], np.int64))
        nodes = [
            helper.make_node("Squeeze", [f"{x}/scale", last], [f"{x}/scale_row"]),
            helper.make_node("Shape", [f"{x}/scale_row"], [f"{x}/tokens"]),
            helper.make_node("Expand", [middle, f"{x}/tokens"], [f"{x}/middle"]),
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
