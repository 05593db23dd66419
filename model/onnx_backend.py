"""The compiled backend: an ONNX graph on the CPU."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.backend import Batch, check_logits
from model.errors import BackendError


class OnnxBackend:
    """Runs a graph made by `model.onnx_export`.

    Args:
        path: the `.onnx` file.
        labels: how many logits the head must have.
        form: `int8` or `fp32`; the backend's name is `onnx-<form>`.
        threads: cores that one batch may use; None leaves it to the runtime.

    Raises:
        BackendError: the file is no graph that the runtime can run.
    """

    def __init__(self, path: Path, labels: int, form: str, threads: int | None = None) -> None:
        self.name = f"onnx-{form}"
        self._labels = labels
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that sleep between two operators cost a lone text a fifth of its time; threads that spin for long, or
        # between two batches, take the core that parses the next request.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        options.add_session_config_entry("session.intra_op.spin_duration_us", "60")
        options.add_session_config_entry("session.force_spinning_stop", "1")
        # Weights are packed for the processor once: sharing the file's own copy would keep both in memory.
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise BackendError(f"the compiled network {path} does not load: {error}") from error

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """See `model.backend.Backend.logits`."""
        feed = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
        try:
            (numbers,) = self._session.run(None, feed)
        except Exception as error:
            raise BackendError(f"the network failed on a batch of {len(batch)}: {error}") from error
        return check_logits(numbers, len(batch), self._labels, self.name)
