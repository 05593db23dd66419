"""The compiled form of a checkpoint: derived at first use, checked against PyTorch, cached by hash.

    <cache>/compiled/<key>/int8.onnx     or fp32.onnx, where int8 does not agree
                           record.json   written last: form, agreement, SHA-256

The key covers the weights, the configuration, the processor and the library versions, so that nothing here is ever
out of date: what has changed has another name.
"""

import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.apart import own_program
from model.backend import Backend
from model.calibration import softmax
from model.checkpoint import WEIGHTS, Manifest, cache_folder, sha256_of, write_text_atomic
from model.encoding import Encoded, TextEncoder, plan_batches
from model.errors import BackendError, StanceError
from model.probes import PROBES

if TYPE_CHECKING:
    from model.onnx_backend import OnnxBackend

log = logging.getLogger(__name__)

COMPILING_TIMEOUT_S = 600.0
LAYOUT = 7
"""Counted up when the export changes: older compiled forms are then made anew."""
FORMS = ("int8", "fp32")
"""Tried in this order."""
RECORD = "record.json"
PLAIN = "plain.onnx"
"""What the forms are made from, while they are made."""
LEAST_AGREEMENT = 0.995
MOST_DIFFERENCE = 0.05
MOST_BATCH_DIFFERENCE = 0.001


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a backend's answers compare with the reference's, over the probe texts.

    Args:
        argmax: share of the texts with the same stance; a text whose two first labels are closer than
            `MOST_DIFFERENCE` in the reference counts as the same.
        difference: largest difference of a calibrated probability.
        batch_difference: largest difference of a probability between a text alone and in a batch.
    """

    argmax: float
    difference: float
    batch_difference: float

    @property
    def good(self) -> bool:
        """Whether the backend may serve in place of the reference."""
        return (
            self.argmax >= LEAST_AGREEMENT
            and self.difference <= MOST_DIFFERENCE
            and self.batch_difference <= MOST_BATCH_DIFFERENCE
        )


def open_compiled(
    folder: Path,
    manifest: Manifest,
    *,
    threads: int | None = None,
    on_message: Callable[[str], None] = log.info,
) -> "OnnxBackend":
    """Open the compiled form of a verified checkpoint; make it first where the cache has none.

    Args:
        folder: the checkpoint.
        manifest: its manifest.
        threads: cores that one batch may use.
        on_message: told when something takes seconds.

    Raises:
        BackendError: it cannot be compiled here, or its answers differ from PyTorch's.
    """
    try:
        from model.onnx_backend import OnnxBackend
    except ImportError as error:
        raise BackendError(f"onnxruntime cannot be imported: {error}") from error

    home = cache_folder() / "compiled" / _key(manifest)
    form = _cached_form(home)
    if form is None:
        on_message("compiling the checkpoint for this processor (once, some seconds)")
        if "torch" in sys.modules:
            _make(folder, manifest, home)
        else:
            _make_apart(folder, manifest)
        form = _cached_form(home)
        if form is None:
            raise BackendError(f"the compiled checkpoint is not in {home}")
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
        on_message(
            f"compiled as {form}: largest difference from PyTorch {record['difference']:.4f}, "
            f"same stance on {record['argmax']:.1%} of the probe texts"
        )
    return OnnxBackend(home / f"{form}.onnx", manifest.labels.size, form, threads)


def measure_agreement(reference: Backend, other: Backend, encoder: TextEncoder, manifest: Manifest) -> Agreement:
    """Compare a backend with the reference on the probe texts, alone and in batches."""
    items = [encoder.encode(text) for text in PROBES]
    calibration = manifest.calibration("torch")
    temperatures = (calibration.stance_temperature, calibration.sentiment_temperature)
    labels = manifest.labels
    groups = [(labels.stance_slice, temperatures[0])]
    if labels.sentiment:
        groups.append((labels.sentiment_slice, temperatures[1]))
    expected, batched = _logits(reference, encoder, items), _logits(other, encoder, items)
    alone = np.concatenate([other.logits(encoder.collate([item])) for item in items])
    difference = max(_gap(expected[:, part], batched[:, part], warmth) for part, warmth in groups)
    batch_difference = max(_gap(alone[:, part], batched[:, part], warmth) for part, warmth in groups)
    stance = softmax(expected[:, labels.stance_slice], temperatures[0])
    two = np.sort(stance, axis=1)[:, -2:]
    same = stance.argmax(axis=1) == batched[:, labels.stance_slice].argmax(axis=1)
    same |= two[:, 1] - two[:, 0] < MOST_DIFFERENCE
    return Agreement(float(same.mean()), difference, batch_difference)


def _logits(backend: Backend, encoder: TextEncoder, items: Sequence[Encoded]) -> Any:
    rows = plan_batches([len(item) for item in items], 8, 512)
    result = np.concatenate([backend.logits(encoder.collate([items[row] for row in batch])) for batch in rows])
    order = np.argsort([row for batch in rows for row in batch])
    return result[order]


def _gap(one: Any, other: Any, temperature: float) -> float:
    return float(np.abs(softmax(one, temperature) - softmax(other, temperature)).max())


def _key(manifest: Manifest) -> str:
    parts = {
        "layout": LAYOUT,
        "files": {name: manifest.files.get(name) for name in ("config.json", *WEIGHTS, "tokenizer.json")},
        "calibration": asdict(manifest.calibration("torch")),
        "onnxruntime": version("onnxruntime"),
        "processor": _processor(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def _processor() -> str:
    """Name the processor and its instructions: int8 kernels, and their rounding, differ between them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        found = [line for line in lines if line.startswith(("model name", "flags", "Features"))][:2]
    except OSError:
        found = []
    return " ".join([platform.machine(), platform.processor(), *found])


def _cached_form(home: Path) -> str | None:
    """Return the form that the cache holds, complete and undamaged, or None."""
    try:
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
        form = str(record["form"])
        if form in FORMS and sha256_of(home / f"{form}.onnx") == record["sha256"]:
            return form
        log.warning("the compiled checkpoint in %s is damaged; it is made anew", home)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("the compiled checkpoint in %s cannot be read; it is made anew", home)
    return None


def _make_apart(folder: Path, manifest: Manifest) -> None:
    """Compile in a process of its own, so that PyTorch never enters this one: it would hold hundreds of megabytes.

    The manifest goes along by the standard input: where the checkpoint is a delta, `folder` is its merged form.
    """
    command, environment = own_program("model.compiled", str(folder))
    try:
        done = subprocess.run(
            command,
            env=environment,
            input=manifest.to_json(),
            capture_output=True,
            text=True,
            timeout=COMPILING_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackendError(f"the checkpoint cannot be compiled: {error}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason was given"]
        raise BackendError(f"the checkpoint cannot be compiled: {lines[-1]}")


def _make(folder: Path, manifest: Manifest, home: Path) -> None:
    try:
        from model.onnx_export import channel_reach, export_graph, first_token_only, write_graph
    except ImportError as error:
        raise BackendError(f"the checkpoint cannot be compiled without a library: {error}") from error

    encoder = TextEncoder.from_file(folder / "tokenizer.json", manifest.max_tokens, manifest.pad_id)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{home.name}.", dir=home.parent))
    except OSError as error:
        raise BackendError(f"the cache {home.parent} cannot be written: {error}") from error
    try:
        with tempfile.TemporaryDirectory(prefix="stance-") as work:
            plain, probes = Path(work) / PLAIN, [encoder.collate([encoder.encode(text)]) for text in PROBES]
            graph = export_graph(folder, Path(work))
            first_token_only(graph)
            reach = channel_reach(graph, probes)
            write_graph(graph, plain)
            del graph
            for form in FORMS:
                try:
                    _write_form(form, plain, reach, staging / f"{form}.onnx")
                    agreement = _measure(folder, staging / f"{form}.onnx", form, encoder, manifest)
                except OSError:
                    raise
                except Exception as error:  # another form may do
                    log.warning("the %s form of %s cannot be made: %s", form, manifest.checkpoint_id, error)
                    continue
                if agreement.good:
                    break
                log.warning(
                    "the %s form of %s does not agree with PyTorch: %s", form, manifest.checkpoint_id, agreement
                )
            else:
                raise BackendError(f"no compiled form of {folder} agrees with PyTorch")
        for file in staging.iterdir():
            if file.name != f"{form}.onnx":
                file.unlink()
        digest = sha256_of(staging / f"{form}.onnx")
        record = {"form": form, "sha256": digest, "checkpoint": manifest.checkpoint_id, **asdict(agreement)}
        write_text_atomic(staging / RECORD, json.dumps(record, indent=2) + "\n")
        _publish(staging, home)
    except OSError as error:
        raise BackendError(f"the compiled checkpoint cannot be written to {home}: {error}") from error
    except StanceError:
        raise
    except Exception as error:
        raise BackendError(f"the network in {folder} cannot be compiled: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write_form(form: str, plain: Path, reach: Mapping[str, Any], path: Path) -> None:
    """Make a form of the plain graph; nothing of it stays in memory, which has its peak here."""
    from model.onnx_export import leave_out_padding, quantise, read_graph, saturates, write_graph

    graph = read_graph(plain)
    if form == "int8":
        quantise(graph, reach, narrow=saturates())
    else:
        leave_out_padding(graph)
    write_graph(graph, path)


def _measure(folder: Path, graph: Path, form: str, encoder: TextEncoder, manifest: Manifest) -> Agreement:
    """Compare a form with PyTorch; neither stays in memory."""
    from model.onnx_backend import OnnxBackend
    from model.torch_backend import TorchBackend

    reference = TorchBackend(folder, manifest.labels.size, device="cpu")
    return measure_agreement(reference, OnnxBackend(graph, manifest.labels.size, form), encoder, manifest)


def _publish(staging: Path, home: Path) -> None:
    """Rename into place; a form that another process has put there meanwhile stays, a damaged folder makes way."""
    try:
        staging.rename(home)
    except OSError:
        if _cached_form(home):
            return
        old = home.with_name(f".{home.name}.{os.getpid()}.old")
        home.rename(old)
        staging.rename(home)
        shutil.rmtree(old, ignore_errors=True)


def _main() -> None:
    folder = Path(sys.argv[1])
    manifest = Manifest.from_json(sys.stdin.read(), folder)
    try:
        _make(folder, manifest, cache_folder() / "compiled" / _key(manifest))
    except StanceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main()
