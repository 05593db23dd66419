"""The reference backend: the checkpoint's network in PyTorch, on CPU or GPU."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification
from transformers.utils import logging as transformers_logging

from model.backend import Batch, check_logits
from model.errors import BackendError, CheckpointDamagedError


class TorchBackend:
    """Runs a Hugging Face sequence-classification folder.

    Float32 on the CPU, bfloat16 autocast on a GPU.

    Args:
        folder: a checkpoint folder, already verified.
        labels: how many logits the head must have.
        device: `cpu`, `cuda`, ..., or None for a GPU where there is one.

    Raises:
        CheckpointDamagedError: the weights do not load, or parameters of the network are not among them.
    """

    def __init__(self, folder: Path, labels: int, device: str | None = None) -> None:
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.name = "torch-fp32" if self.device.type == "cpu" else f"torch-bf16-{self.device.type}"
        self._labels = labels
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        try:
            network, info = AutoModelForSequenceClassification.from_pretrained(
                folder, dtype=torch.float32, output_loading_info=True, local_files_only=True, use_safetensors=True
            )
        except Exception as error:
            raise CheckpointDamagedError(f"the weights in {folder} do not load: {error}") from error
        if info["missing_keys"]:
            raise CheckpointDamagedError(f"the weights in {folder} lack {', '.join(sorted(info['missing_keys'])[:3])}")
        self._network: Any = network.to(self.device).eval()

    def logits(self, batch: Batch) -> NDArray[np.float32]:
        """See `model.backend.Backend.logits`."""
        try:
            with (
                torch.inference_mode(),
                torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type != "cpu"),
            ):
                output = self._network(
                    input_ids=torch.from_numpy(batch.input_ids).to(self.device),
                    attention_mask=torch.from_numpy(batch.attention_mask).to(self.device),
                ).logits
            numbers = output.float().cpu().numpy()
        except Exception as error:
            raise BackendError(f"the network failed on a batch of {len(batch)}: {error}") from error
        return check_logits(numbers, len(batch), self._labels, self.name)
