"""The compiled backend: OpenVINO on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from model.backend import Batch, check_logits
from model.errors import BackendError

ROUND_TO = 8
"""Lengths are padded to a multiple of this: every new shape costs the runtime time and memory."""
KEPT_SHAPES = 300
"""Kernels for that many shapes are kept; without a limit, memory grows with the variety of the traffic."""
TOKEN_GROUP = 384
"""Activations of a token are quantised in groups of this many channels, each by a scale of its own."""


class OpenVinoBackend:
    """Runs a graph made by `model.openvino_export`; for one thread at a time.

    Args:
        path: the `.xml` file; its weights lie beside it.
        labels: how many logits the head must have.
        form: `int8` or `fp32`; the backend's name is `openvino-<form>`.
        pad_id: the token that fills a batch.
        threads: cores that one batch may use; None leaves it to the runtime.

    Raises:
        BackendError: the file is no graph that the runtime can run.
    """

    def __init__(self, path: Path, labels: int, form: str, pad_id: int, threads: int | None = None) -> None:
        self.name = f"openvino-{form}"
        self._labels, self._pad_id = labels, pad_id
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads or 0,
            "INFERENCE_PRECISION_HINT": "f32",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(TOKEN_GROUP if form == "int8" else 0),
            "CPU_RUNTIME_CACHE_CAPACITY": str(KEPT_SHAPES),
        }
        try:
            self._request = openvino.Core().compile_model(str(path), "CPU", settings).create_infer_request()
        except Exception as error:
            raise BackendError(f"the compiled network {path} does not load: {error}") from error

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """See `model.backend.Backend.logits`."""
        padding = ((0, 0), (0, -batch.input_ids.shape[1] % ROUND_TO))
        try:
            self._request.infer(
                {
                    "input_ids": np.pad(batch.input_ids, padding, constant_values=self._pad_id),
                    "attention_mask": np.pad(batch.attention_mask, padding),
                }
            )
            numbers = np.array(self._request.get_output_tensor(0).data)
        except Exception as error:
            raise BackendError(f"the network failed on a batch of {len(batch)}: {error}") from error
        return check_logits(numbers, len(batch), self._labels, self.name)
