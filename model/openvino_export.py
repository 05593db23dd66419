"""From a checkpoint's PyTorch network to an OpenVINO graph with int8 weights.

The weights of every large matrix product are stored as int8, with one scale for each output channel. Activations stay
float32 in the graph; on processors with int8 instructions the runtime quantises them as they come, each token by
scales of its own (see `model.openvino_backend`). So nothing is calibrated on data, and no number depends on the other
texts of a batch, as it does with the usual dynamic quantisation, whose one scale is taken over the whole batch.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from openvino import opset13 as ops
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from transformers import AutoModelForSequenceClassification
from transformers.utils import logging as transformers_logging

from model.errors import BackendError

INPUTS = ("input_ids", "attention_mask")
LEAST_WEIGHTS = 1 << 12
"""Smaller matrices (the classification head) stay float32: they cost nothing and decide the most."""


class _Logits(torch.nn.Module):
    """The network as a function of two tensors."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the logits, (batch, labels)."""
        logits: torch.Tensor = self.network(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def export_graph(folder: Path) -> Any:
    """Trace a checkpoint's network into an `openvino.Model`: float32 weights, free batch and length.

    The PyTorch frontend is called directly: `openvino.convert_model` would send usage statistics.

    Raises:
        BackendError: the network cannot be traced or converted.
    """
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        network = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
        ).eval()
        ids = torch.arange(32, dtype=torch.int64).reshape(2, 16) % int(network.config.vocab_size)
        mask = torch.ones_like(ids)
        mask[1, 9:] = 0
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # tracing is deprecated, and every Python branch is warned about
            traced = torch.jit.trace(_Logits(network), (ids, mask), check_trace=False)
        decoder = TorchScriptPythonDecoder(traced)  # must outlive the conversion, which calls back into it
        frontend = FrontEndManager().load_by_framework("pytorch")
        graph = frontend.convert(frontend.load(decoder))
        for name, port in zip(INPUTS, graph.inputs, strict=True):
            port.get_node().set_element_type(openvino.Type.i64)
            port.get_node().set_partial_shape(openvino.PartialShape([-1, -1]))
            port.get_tensor().set_names({name})
        graph.validate_nodes_and_infer_types()
    except Exception as error:
        raise BackendError(f"the network in {folder} cannot be compiled: {error}") from error
    return graph


def quantise(graph: Any) -> int:
    """Store the large weight matrices as int8: symmetric, one scale for each output channel; in place.

    Returns:
        How many matrices were quantised.
    """
    count = 0
    for node in graph.get_ordered_ops():
        if node.get_type_name() != "MatMul":
            continue
        source = node.input_value(1).get_node()
        if source.get_type_name() == "Convert":  # weights that the frontend left in another type
            source = source.input_value(0).get_node()
        if source.get_type_name() != "Constant":
            continue
        weights = np.asarray(source.data, dtype=np.float32)
        if weights.ndim != 2 or weights.size < LEAST_WEIGHTS:
            continue
        inner = 1 if node.get_attributes()["transpose_b"] else 0
        scale = (np.maximum(np.abs(weights).max(axis=inner, keepdims=True), 1e-8) / 127).astype(np.float32)
        rounded = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
        restored = ops.multiply(ops.convert(ops.constant(rounded), np.float32), ops.constant(scale))
        node.input(1).replace_source_output(restored.output(0))
        count += 1
    graph.validate_nodes_and_infer_types()
    return count


def write_graph(graph: Any, path: Path) -> None:
    """Write a graph as `path` (.xml) and its weights beside it (.bin)."""
    openvino.save_model(graph, str(path), compress_to_fp16=False)
