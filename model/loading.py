"""Opens a checkpoint as a classifier: the only file that knows all the parts and wires them."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from model.backend import Backend
from model.checkpoint import Manifest, verify_checkpoint
from model.classifier import StanceClassifier
from model.delta import with_weights
from model.encoding import TextEncoder
from model.errors import BackendError
from model.probes import PROBES
from model.store import folder_of

log = logging.getLogger(__name__)

BackendChoice = Literal["auto", "compiled", "torch"]


def open_classifier(
    folder: Path | None = None,
    *,
    device: str | None = None,
    backend: BackendChoice = "auto",
    threads: int | None = None,
    warm_up: bool = True,
    on_message: Callable[[str], None] = log.info,
) -> StanceClassifier:
    """Verify a checkpoint folder, load it and run it once.

    Args:
        folder: the checkpoint, or the name of one that ships, or None for the one that is served (see `model.store`).
        device: `cpu`, `cuda`, or None for a GPU where there is one.
        backend: `compiled` (ONNX Runtime on the CPU), `torch`, or `auto`: compiled on a CPU, torch on a GPU and where
            compiling fails.
        threads: cores that one batch may use; None leaves it to the library.
        warm_up: answer texts of every length first, so that no caller pays for the first passes.
        on_message: told when something takes seconds.

    Raises:
        CheckpointError: the folder is missing, damaged or inconsistent (see its subclasses).
        BackendError: `backend` is `compiled` and that is not possible.
    """
    folder = folder_of(folder)
    manifest = verify_checkpoint(folder)
    network = _open_backend(with_weights(folder, manifest), manifest, device, backend, threads, on_message)
    classifier = StanceClassifier(
        TextEncoder.from_file(folder / "tokenizer.json", manifest.max_tokens, manifest.pad_id),
        network,
        manifest.labels,
        manifest.calibration("torch" if network.name.startswith("torch") else network.name),
        manifest.checkpoint_id,
    )
    if warm_up:
        for _ in range(2):
            classifier.classify(PROBES)
            for text in PROBES[:20]:
                classifier.classify([text])
    return classifier


def _open_backend(
    folder: Path,
    manifest: Manifest,
    device: str | None,
    choice: BackendChoice,
    threads: int | None,
    on_message: Callable[[str], None],
) -> Backend:
    if choice == "compiled" or (choice == "auto" and (device == "cpu" or (device is None and not _gpu_present()))):
        from model.compiled import open_compiled

        try:
            return open_compiled(folder, manifest, threads=threads, on_message=on_message)
        except BackendError as error:
            if choice == "compiled":
                raise
            log.warning("PyTorch serves, slower: %s", error)
    from model.torch_backend import TorchBackend  # here, since importing torch takes seconds

    return TorchBackend(folder, manifest.labels.size, device)


def _gpu_present() -> bool:
    """Tell whether a GPU is worth importing torch for: a cheap look at what its driver leaves."""
    if not any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")):
        return False
    import torch

    return torch.cuda.is_available()
