"""From a checkpoint's PyTorch network to an ONNX graph without padding, its matrix products in int8.

Weights are stored as int8 with one scale for each output channel. Activations are quantised as they come, **each token
by a scale of its own**: no range is fixed by data, and no number depends on the other texts of a batch, as it does with
the usual dynamic quantisation, whose one scale is taken over the whole batch. Channels of very different reach are
evened out first, their weights taking the difference (SmoothQuant; Xiao et al., 2023).

Each large `MatMul(x, W)` becomes, over x as (tokens, hidden):

    scale = max |x| of the token / 127
    y     = MatMulIntegerToFloat(QuantizeLinear(x, scale), W_int8, W_scale) * scale

Between the embeddings and the last layer, padding is read by attention alone: all else works on the tokens of the
batch one below the other, (tokens, hidden), as the attention mask tells them (Effective Transformer; ByteDance, 2020);
padding stands behind a text, never before it. And a classifier that reads the first token needs of the last layer no
more than that token: its query, and what comes after its attention, is computed for one token a text
(`first_token_only`).

Processors without VNNI add two products in 16 bits, which is too narrow for 2 x 255 x 127, and clip the sum without a
word. There the scale of an output channel is as much coarser as its two largest neighbours need (`narrow`).
"""

import logging
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
FIRST, ALONE = "/first", "/alone"
"""Ends of the names of tensors that hold the first tokens: (batch, width) and (batch, 1, width)."""
MEASURED = ("EmbedLayerNormalization", "LayerNormalization", *GELUS)
"""Operators whose results are evened out before they are quantised."""
TOKEN_WISE = ("Add", "LayerNormalization", *GELUS)
"""Operators that treat every token alike where their other inputs are vectors or of the same shape."""
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


def first_token_only(model: Any) -> int:
    """Drop from a float32 model, in place, what nobody reads: the last layer of all tokens but the first.

    What stands before a `Gather` of the first token and treats every token alike comes after it instead; its tensors
    become (batch, width). Of an attention the query alone is cut. Same numbers, a seventh less work in six layers.

    Args:
        model: see `export_graph`.

    Returns:
        How many operators are now computed for one token a text.
    """
    graph = model.graph
    constants = _constants(graph)
    vectors = {name for name, tensor in constants.items() if len(tensor.dims) < 2}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    ends = {node.output[0]: node.input[0] for node in graph.node if _reads_first(node, constants)}
    cut: set[str] = set()  # first outputs of the nodes that are computed for the first token alone
    shown = {output.name for output in graph.output}
    for node in reversed(graph.node):
        out = node.output[0]
        users = readers.get(out, [])
        if not users or out in shown or not all(_cuts(user, out, ends, cut) for user in users):
            continue
        matrix = constants.get(node.input[1]) if node.op_type == "MatMul" else None
        alike = node.op_type in TOKEN_WISE and all(name in vectors or name not in constants for name in node.input)
        # An attention with more inputs, or one that looks back alone, needs to know where its queries stand.
        plain = node.op_type == "MultiHeadAttention" and not any(node.input[5:]) and not _number(node, "unidirectional")
        if alike or plain or (matrix is not None and len(matrix.dims) == 2):
            cut.add(out)
    _cut(graph, ends, cut, set(constants))
    return len(cut)


def _constants(graph: Any) -> dict[str, Any]:
    """Return name -> tensor of what a graph holds and computes not."""
    held = {tensor.name: tensor for tensor in graph.initializer}
    made = [node for node in graph.node if node.op_type == "Constant" and node.attribute[0].name == "value"]
    return held | {node.output[0]: node.attribute[0].t for node in made}


def _number(node: Any, name: str) -> int:
    """Return an attribute that is a whole number; 0 where it is missing."""
    return next((int(entry.i) for entry in node.attribute if entry.name == name), 0)


def _reads_first(node: Any, constants: Mapping[str, Any]) -> bool:
    """Return whether a node picks the first token of each text: (batch, length, width) to (batch, width)."""
    index = constants.get(node.input[1]) if node.op_type == "Gather" else None
    if index is None or len(index.dims) or _number(node, "axis") != 1:
        return False
    return int(numpy_helper.to_array(index)) == 0


def _cuts(user: Any, name: str, ends: Mapping[str, str], cut: set[str]) -> bool:
    """Return whether a node needs of a tensor its first token alone."""
    if user.output[0] in ends:
        return bool(user.input[0] == name)
    known = user.output[0] in cut
    if user.op_type == "MultiHeadAttention":
        return bool(known and user.input[0] == name and name not in user.input[1:])
    return known


def _cut(graph: Any, ends: Mapping[str, str], cut: set[str], constants: set[str]) -> None:
    """Write a graph anew, `cut` computed on (batch, width) and read where `ends` read the first token until now."""
    zero = numpy_helper.from_array(np.int64(0), "first/index")
    second = numpy_helper.from_array(np.array([1], np.int64), "first/axis")
    nodes: list[Any] = []
    taken: set[str] = set()

    def first(name: str) -> str:
        """Return the name of the first token's part of a tensor."""
        if name in cut or name in constants or not name:
            return name
        if name not in taken:
            taken.add(name)
            nodes.append(helper.make_node("Gather", [name, zero.name], [name + FIRST], axis=1))
        return name + FIRST

    for node in graph.node:
        out = node.output[0]
        if out in ends and ends[out] in cut:
            nodes.append(helper.make_node("Identity", [ends[out]], [out]))
            continue
        if out in cut and node.op_type == "MultiHeadAttention":
            query = first(node.input[0])
            if query + ALONE not in taken:
                taken.add(query + ALONE)
                nodes.append(helper.make_node("Unsqueeze", [query, second.name], [query + ALONE]))
            node.input[0], node.output[0] = query + ALONE, out + ALONE
            nodes.extend([node, helper.make_node("Squeeze", [out + ALONE, second.name], [out])])
            continue
        if out in cut:
            inputs = [first(name) for name in node.input]
            del node.input[:]
            node.input.extend(inputs)
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    if cut:
        graph.initializer.extend([zero, second])
    _drop_unused(graph)


def _drop_unused(graph: Any) -> None:
    """Drop the constants that no node reads, in place: what remains is not copied."""
    used = {name for node in graph.node for name in node.input}
    for place in reversed(range(len(graph.initializer))):
        if graph.initializer[place].name not in used:
            del graph.initializer[place]


def channel_reach(model: Any, batches: Sequence[Batch]) -> dict[str, NDArray[np.float32]]:
    """Measure how large each channel of what is quantised becomes: outputs of layer norms and GELUs.

    Args:
        model: the float32 ONNX model.
        batches: texts as the network reads them.

    Returns:
        Name of an output -> (hidden,) largest magnitude of each channel.
    """
    names = [node.output[0] for node in model.graph.node if node.op_type in MEASURED]
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
            tokens = value if value.ndim == 2 else value[batch.attention_mask == 1]
            largest = np.abs(tokens).max(axis=0)
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
    """Turn the large matrix products of a float32 model into int8 ones and leave out padding, in place.

    Products of one input (query, key and value) become one, whose result is split.

    Args:
        model: the ONNX model.
        reach: of the activations that are evened out before they are quantised (see `channel_reach`).
        narrow: keep the sums of two products within 16 bits (see `saturates`).

    Returns:
        How many products were quantised.
    """
    return _rewrite(model, reach, narrow=narrow, int8=True)


def leave_out_padding(model: Any) -> int:
    """Have a float32 model work on the tokens of a batch alone, in place, as `quantise` does; the same numbers.

    Returns:
        How many matrix products see no padding any more.
    """
    return _rewrite(model, {}, narrow=False, int8=False)


def _rewrite(model: Any, reach: Mapping[str, NDArray[np.float32]], *, narrow: bool, int8: bool) -> int:
    graph = model.graph
    tensors = _constants(graph)
    makers = {output: node.op_type for node in graph.node for output in node.output}
    large: dict[str, list[_Product]] = {}
    for node in graph.node:
        matrix = tensors.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is not None and len(matrix.dims) == 2 and int(np.prod(matrix.dims)) >= LEAST_WEIGHTS:
            large.setdefault(node.input[0], []).append(_Product(node.output[0], node.input[1], matrix))
    vectors = {name for name, tensor in tensors.items() if len(tensor.dims) < 2}
    rewriter = _Rewriter(narrow, vectors, makers, _flat(graph, tensors))
    for node in graph.node:
        products = large.get(node.input[0], []) if node.op_type == "MatMul" else []
        mine = [product for product in products if product.out == node.output[0]]
        if not mine:
            rewriter.keep(node)
        elif not int8:
            rewriter.multiply(node.input[0], mine[0])
        elif mine[0] is products[0]:
            x = node.input[0]
            known = reach.get(x, reach.get(x.removesuffix(FIRST)))  # a cut query reads part of what key and value read
            even = None if known is None else _equaliser(known, [product.weights for product in products])
            rewriter.multiply_int8(x, products, even)
    for output in graph.output:
        rewriter.whole(output.name)
    del graph.node[:]
    graph.node.extend(rewriter.nodes)
    _drop_unused(graph)
    graph.initializer.extend(rewriter.constants.values())
    if not any(entry.domain == CONTRIB for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    return sum(len(products) for products in large.values())


def _flat(graph: Any, constants: Mapping[str, Any]) -> set[str]:
    """Return the tensors that hold one token a text, (batch, width): what comes of a first token until it is mixed."""
    flat: set[str] = set()
    for node in graph.node:
        made = [name for name in node.input if name and name not in constants]
        cut = node.op_type == "Squeeze" and node.input[0].endswith(ALONE)
        alike = node.op_type in (*TOKEN_WISE, "MatMul", "Gemm", "Tanh", "Identity") and made
        if cut or _reads_first(node, constants) or (alike and all(n in flat for n in made)):
            flat.add(node.output[0])
    return flat


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


@dataclass(frozen=True)
class _Product:
    """A matrix product with a constant matrix.

    Args:
        out: name of its result.
        name: of the matrix.
        tensor: the matrix, (inner, outer), as the graph holds it.
    """

    out: str
    name: str
    tensor: Any

    @property
    def weights(self) -> NDArray[np.float32]:
        """The matrix, (inner, outer)."""
        weights: NDArray[np.float32] = numpy_helper.to_array(self.tensor).astype(np.float32)
        return weights


class _Rewriter:
    """Writes a graph anew, node by node.

    A tensor `t` of (batch, length, width) may stand in it as `t/rows`, (tokens, width) without padding, as `t` itself,
    or as both: the form that is missing is made where it is first asked for. What stands at padding is then the state
    of some token of the batch; the mask keeps it out of attention, as it kept out what stood there before.

    Args:
        narrow: see `quantise`.
        vectors: names of the constants with one dimension or none: the same for every token.
        makers: name of a tensor -> the operator that makes it.
        flat: names of the tensors that are (batch, width) as they stand, a token a text.
    """

    def __init__(self, narrow: bool, vectors: set[str], makers: Mapping[str, str], flat: set[str]) -> None:
        self._narrow, self._vectors, self._makers, self._flat = narrow, vectors, makers, flat
        self._rows: dict[str, int] = {}
        self._whole: set[str] = set()
        self._made: set[str] = set()
        self.constants: dict[str, Any] = {}
        self.nodes: list[Any] = []
        flat_mask = self._constant("rows/flat", np.array([-1], np.int64))
        self._add("Shape", [INPUTS[0]], "rows/batch_length")
        self._add("Reshape", [INPUTS[1], flat_mask], "rows/mask")
        self._add("NonZero", ["rows/mask"], "rows/nonzero")
        self._add("Reshape", ["rows/nonzero", flat_mask], "rows/kept")
        self._add("Shape", ["rows/kept"], "rows/tokens")
        self._add("CumSum", ["rows/mask", self._constant("rows/axis", np.int64(0))], "rows/counted")
        self._add("Sub", ["rows/counted", self._constant("rows/one", np.int64(1))], "rows/place")

    def keep(self, node: Any) -> None:
        """Add a node as it is: on rows where its inputs stand as such and it treats every token alike, else whole."""
        if node.op_type in TOKEN_WISE:
            tensors = [name for name in node.input if name and name not in self._vectors]
            width = next((self._rows[name] for name in tensors if name in self._rows), 0)
            if width and all(name in self._rows or self._makers.get(name) == "LayerNormalization" for name in tensors):
                known = {name: self.rows(name, width) for name in tensors}
                inputs = [known.get(name, name) for name in node.input]
                del node.input[:]
                node.input.extend(inputs)
                self._rows[node.output[0]] = width
                node.output[0] = f"{node.output[0]}/rows"
                self.nodes.append(node)
                return
        for name in node.input:
            self.whole(name)
        self.nodes.append(node)

    def rows(self, x: str, width: int) -> str:
        """Return the name of a tensor as (tokens, width)."""
        if x in self._flat:
            return x
        if x not in self._rows:
            self._rows[x] = width
            self._whole.add(x)
            flat = self._constant(f"rows/flat_{width}", np.array([-1, width], np.int64))
            self._add("Reshape", [x, flat], f"{x}/padded")
            self._add("Gather", [f"{x}/padded", "rows/kept"], f"{x}/rows", axis=0)
        return f"{x}/rows"

    def whole(self, x: str) -> None:
        """Give a tensor that stands as rows its own shape under its own name."""
        if x in self._rows and x not in self._whole:
            self._whole.add(x)
            width = self._rows[x]
            last = self._constant(f"rows/width_{width}", np.array([width], np.int64))
            shape = self._once("Concat", ["rows/batch_length", last], f"rows/shape_{width}", axis=0)
            self._add("Gather", [f"{x}/rows", "rows/place"], f"{x}/padded", axis=0)
            self._add("Reshape", [f"{x}/padded", shape], x)

    def multiply(self, x: str, product: _Product) -> None:
        """Add a product in float32."""
        inner, outer = product.tensor.dims
        self._add("MatMul", [self.rows(x, inner), product.name], self._result(product.out, outer, x))

    def _result(self, out: str, width: int, x: str) -> str:
        """Return the name under which `out`, made of each row of `x`, stands from now on."""
        if x in self._flat:
            self._flat.add(out)
            return out
        self._rows[out] = width
        return f"{out}/rows"

    def multiply_int8(self, x: str, products: Sequence[_Product], even: NDArray[np.float32] | None) -> None:
        """Add the nodes that compute all products of one input in int8.

        Args:
            x: name of the input; one that comes from a GELU, which never falls under -0.17, is lifted by that much, so
                that it uses all levels of an unsigned byte, and what the lift adds is taken off again, exactly.
            products: what it is multiplied with.
            even: (inner,) what its channels are divided by, or None.
        """
        weights = np.concatenate([product.weights for product in products], axis=1)
        inner, outer = weights.shape
        bounded = self._makers.get(x) in GELUS
        self._quantise(x, inner, bounded, even)
        if even is not None:
            weights = weights * even[:, None]
        scale = _scale_of(weights, self._narrow)
        whole = np.clip(np.rint(weights / scale), -LEVELS, LEVELS).astype(np.int8)
        out = products[0].out if len(products) == 1 else f"{x}/products"
        rows = self._result(out, outer, x)
        name = f"{out}/weights"  # not the matrix's name: layers may share one, each evened out in its own way
        inputs = [
            f"{x}/int8",
            self._constant(f"{name}/int8", whole),
            self._constant("int8/one", np.float32(1)),
            self._constant(f"{name}/scale", scale),
            self._constant(f"int8/offset_{self._zero(bounded)}", np.uint8(self._zero(bounded))),
            self._constant(f"{name}/zero", np.zeros(outer, np.int8)),
        ]
        self._add("MatMulIntegerToFloat", inputs, f"{out}/unscaled", domain=CONTRIB)
        self._add("Mul", [f"{out}/unscaled", f"{x}/scale"], f"{out}/scaled" if bounded else rows)
        if bounded:
            lift = GELU_LEAST / (np.ones(inner) if even is None else even)
            excess = (lift @ whole.astype(np.float64)) * scale
            taken = self._constant(f"{name}/excess", excess.astype(np.float32))
            self._add("Sub", [f"{out}/scaled", taken], rows)
        if len(products) > 1:
            self.whole(out)
            widths = np.array([product.tensor.dims[1] for product in products], np.int64)
            split = self._constant(f"{name}/widths", widths)
            self.nodes.append(helper.make_node("Split", [out, split], [product.out for product in products], axis=-1))

    def _quantise(self, x: str, inner: int, bounded: bool, even: NDArray[np.float32] | None) -> None:
        """Add `x/int8`, uint8 (tokens, inner), and `x/scale`, (tokens, 1)."""
        last = self.rows(x, inner)
        if bounded:
            self._add("Add", [last, self._constant("int8/gelu_least", np.float32(GELU_LEAST))], f"{x}/lifted")
            last = f"{x}/lifted"
        if even is not None:
            self._add("Mul", [last, self._constant(f"{x}/even", (1 / even).astype(np.float32))], f"{x}/evened")
            last = f"{x}/evened"
        size = last
        if not bounded:
            size = f"{x}/size"
            self._add("Abs", [last], size)
        levels = self._constant(f"int8/levels_{bounded}", np.float32(255 if bounded else LEVELS))
        # A token of zeros is divided by zero: whatever bytes that gives, its products are multiplied by zero again.
        self._add("ReduceMax", [size], f"{x}/peak", axes=[1], keepdims=1)
        self._add("Div", [f"{x}/peak", levels], f"{x}/scale")
        self._add("Squeeze", [f"{x}/scale", self._constant("int8/last", np.array([1], np.int64))], f"{x}/scales")
        self._add("QuantizeLinear", [last, f"{x}/scales", self._middle(self._zero(bounded), x)], f"{x}/int8", axis=0)

    @staticmethod
    def _zero(bounded: bool) -> int:
        """Return the byte that stands for nothing."""
        return 0 if bounded else 128

    def _middle(self, zero: int, x: str) -> str:
        """Return the name of a vector of zero points, one for each row of `x`, made once for all products."""
        value = self._constant(f"int8/zero_{zero}", np.full(1, zero, np.uint8))
        if x not in self._flat:
            return self._once("Expand", [value, "rows/tokens"], f"int8/zeros_{zero}")
        start, end = (self._constant(f"int8/batch_{edge}", np.array([edge], np.int64)) for edge in (0, 1))
        batch = self._once("Slice", ["rows/batch_length", start, end], "int8/batch")
        return self._once("Expand", [value, batch], f"int8/zeros_{zero}_first")

    def _once(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node that several others read, where it is not there yet; return the name of its output."""
        if output not in self._made:
            self._made.add(output)
            self._add(kind, inputs, output, **attributes)
        return output

    def _add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))

    def _constant(self, name: str, value: Any) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(value), name))
        return name


def write_graph(model: Any, path: Path) -> None:
    """Write a model to one file."""
    onnx.save(model, str(path))


def read_graph(path: Path) -> Any:
    """Read a model from one file."""
    return onnx.load(str(path))
