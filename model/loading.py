"""Opens a checkpoint as a classifier: the only file that knows all the parts and wires them."""

from pathlib import Path

from model.checkpoint import verify_checkpoint
from model.classifier import StanceClassifier
from model.encoding import TextEncoder
from model.store import Store

WARM_UP_TEXTS = ("Warm.", "The first request after the start must be as fast as the tenth. " * 4)


def open_classifier(folder: Path | None = None, *, device: str | None = None, warm_up: bool = True) -> StanceClassifier:
    """Verify a checkpoint folder, load it and run it once.

    Args:
        folder: the checkpoint, or None for the one that is served (see `model.store`).
        device: `cpu`, `cuda`, or None for a GPU where there is one.
        warm_up: answer a few texts of different length first, so that no caller pays for the first pass.

    Raises:
        CheckpointError: the folder is missing, damaged or inconsistent (see its subclasses).
    """
    folder = folder or Store().current()
    manifest = verify_checkpoint(folder)
    from model.torch_backend import TorchBackend  # here, since importing torch takes seconds

    classifier = StanceClassifier(
        TextEncoder.from_file(folder / "tokenizer.json", manifest.max_tokens, manifest.pad_id),
        TorchBackend(folder, manifest.labels.size, device),
        manifest.labels,
        manifest.calibration("torch"),
        manifest.checkpoint_id,
    )
    if warm_up:
        for _ in range(3):
            classifier.classify(WARM_UP_TEXTS)
    return classifier
