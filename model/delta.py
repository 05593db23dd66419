"""A checkpoint as a small difference to its base encoder: what was learned, in low rank, merged at load.

    delta.safetensors   for each tensor that differs from the base:
        <name>.left, <name>.right   float16 (rows, rank) and (rank, columns): base + left @ right is the tensor
        <name>                      float16, the whole tensor: small ones, and those that the base lacks (the head)
    its metadata, as JSON under one key, since the order of several keys in the file is left to chance:
        same        names of the tensors that are the base's own
        diagonal    of those that the base lacks: name -> shape and the one value on the diagonal of nothing else (the
                    layer that pools, see `training.pooling`)

A fine-tuned matrix differs from its base by nearly low rank (Aghajanyan et al., 2021; Hu et al., 2022), so the best
approximation of the difference, a truncated singular value decomposition (Eckart and Young, 1936), keeps what counts
in a few megabytes. The base is found by its name and checked by its SHA-256; the merged folder is kept in the cache.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from model.bases import resolve_base
from model.checkpoint import DELTA, Manifest, cache_folder, sha256_of
from model.errors import CheckpointDamagedError

WEIGHTS = "model.safetensors"
LEFT, RIGHT = ".left", ".right"
TOLD, PROOF = "delta", "sha256"

Arrays = Mapping[str, NDArray[Any]]


def factorise(base: Arrays, tuned: Arrays, rank: int) -> tuple[dict[str, NDArray[np.float16]], list[str]]:
    """Split what was learned from what the base knows.

    Args:
        base: tensors of the base, under the names of the tuned network.
        tuned: tensors of the tuned network, float32.
        rank: singular values kept of each matrix's difference.

    Returns:
        The tensors of `delta.safetensors`, and the names of those that are the base's own. Tensors that the base lacks
        and that `diagonal_of` describes are in neither.
    """
    parts: dict[str, NDArray[np.float16]] = {}
    same = []
    for name, value in tuned.items():
        known = base.get(name)
        if known is None or known.shape != value.shape:
            if diagonal_of(value) is None:
                parts[name] = value.astype(np.float16)
            continue
        difference = value.astype(np.float32) - known.astype(np.float32)
        if np.array_equal(value.astype(np.float16), known.astype(np.float16)):  # as it will be merged
            same.append(name)
        elif value.ndim == 2 and min(value.shape) > 2 * rank:
            left, strengths, right = np.linalg.svd(difference, full_matrices=False)
            root = np.sqrt(strengths[:rank])
            parts[name + LEFT] = (left[:, :rank] * root).astype(np.float16)
            parts[name + RIGHT] = (root[:, None] * right[:rank]).astype(np.float16)
        else:
            parts[name] = value.astype(np.float16)
    return parts, same


def diagonal_of(value: NDArray[Any]) -> float | None:
    """Return the one value on the diagonal of a matrix that holds nothing else, or None; 0.0 for one of zeros."""
    if value.ndim != 2:
        return None
    first = float(value[0, 0])
    return first if np.array_equal(value, np.eye(*value.shape, dtype=value.dtype) * value[0, 0]) else None


def combine(
    base: Arrays, parts: Arrays, same: list[str], diagonal: Mapping[str, Sequence[Any]] | None = None
) -> dict[str, NDArray[np.float16]]:
    """Undo `factorise`: the tensors of the network, float16; `diagonal` holds name -> (shape, value)."""
    merged = {name: base[name].astype(np.float16) for name in same}
    for name, (shape, number) in (diagonal or {}).items():
        merged[name] = (np.eye(*shape, dtype=np.float32) * np.float32(number)).astype(np.float16)
    for name, value in parts.items():
        if name.endswith(RIGHT):
            continue
        if name.endswith(LEFT):
            own = name.removesuffix(LEFT)
            learned = value.astype(np.float32) @ parts[own + RIGHT].astype(np.float32)
            merged[own] = (base[own].astype(np.float32) + learned).astype(np.float16)
        else:
            merged[name] = value.astype(np.float16)
    return merged


def write_delta(folder: Path, base_weights: Path, tuned: Arrays, rank: int) -> None:
    """Write `delta.safetensors`.

    Args:
        folder: the checkpoint folder.
        base_weights: the base's `model.safetensors`.
        tuned: tensors of the fine-tuned network, float32.
        rank: see `factorise`.
    """
    base = _under_names_of(tuned, load_file(base_weights))
    parts, same = factorise(base, tuned, rank)
    rest = tuned.keys() - set(same) - {name.removesuffix(LEFT).removesuffix(RIGHT) for name in parts}
    diagonal = {name: (tuned[name].shape, diagonal_of(tuned[name])) for name in sorted(rest)}
    told = {"same": same, "diagonal": diagonal, "rank": rank}
    save_file(dict(parts), folder / DELTA, metadata={TOLD: json.dumps(told)})
    (folder / DELTA).chmod(0o644)  # it is written for its owner alone; other files of a checkpoint are not


def merge_into(folder: Path, base_weights: Path, out: Path) -> None:
    """Write the full `model.safetensors` of a delta checkpoint.

    Args:
        folder: a checkpoint folder with `delta.safetensors`.
        base_weights: the base's `model.safetensors`.
        out: an existing folder.

    Raises:
        CheckpointDamagedError: the delta does not fit the base.
    """
    try:
        with safe_open(folder / DELTA, framework="numpy") as stream:
            found = stream.metadata()
            told = (
                json.loads(found[TOLD])
                if TOLD in found
                else {name: json.loads(found[name]) for name in found.keys() - {"format"}}
            )
            same, diagonal = told["same"], told.get("diagonal", {})  # older files have a key for each, or no diagonal
        parts = load_file(folder / DELTA)
        wanted = [*same, *(name.removesuffix(LEFT).removesuffix(RIGHT) for name in parts)]
        base = _under_names_of(dict.fromkeys(wanted), load_file(base_weights))
        save_file(combine(base, parts, same, diagonal), out / WEIGHTS, metadata={"format": "pt"})
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise CheckpointDamagedError(f"{folder / DELTA} does not fit its base: {error}") from error


def with_weights(folder: Path, manifest: Manifest) -> Path:
    """Return a folder with the full weights: the checkpoint itself, or its merged form in the cache.

    Raises:
        BaseError: the base is not installed, or not the one that the checkpoint was trained from.
        CheckpointDamagedError: the delta does not fit its base.
    """
    if not (folder / DELTA).is_file():
        return folder
    merged = cache_folder() / "merged" / identity_of(manifest)[:16]
    if _is_proven(merged):
        return merged
    base = resolve_base(str(manifest.training.get("base") or manifest.base["name"]))
    if base.sha256 != manifest.base["sha256"]:
        raise CheckpointDamagedError(f"{folder} belongs to another {base.name}: its SHA-256 is {base.sha256}")
    merged.parent.mkdir(parents=True, exist_ok=True)
    with _alone(merged.with_name(f".{merged.name}.lock")):
        if _is_proven(merged):  # another process was faster
            return merged
        staging = merged.with_name(f".{merged.name}-{os.getpid()}")
        staging.mkdir(parents=True)
        try:
            merge_into(folder, Path(base.source) / WEIGHTS, staging)
            for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
                shutil.copyfile(folder / name, staging / name)
            (staging / PROOF).write_text(sha256_of(staging / WEIGHTS))
            shutil.rmtree(merged, ignore_errors=True)
            staging.rename(merged)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return merged


def identity_of(manifest: Manifest) -> str:
    """Return what tells one delta checkpoint's weights from another's, the same on every machine: a SHA-256."""
    return hashlib.sha256(f"{manifest.files[DELTA]} {manifest.base['sha256']}".encode()).hexdigest()


def _is_proven(merged: Path) -> bool:
    proof = merged / PROOF
    return proof.is_file() and (merged / WEIGHTS).is_file() and proof.read_text() == sha256_of(merged / WEIGHTS)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time in, where the system has locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _under_names_of(wanted: Mapping[str, Any], base: Arrays) -> dict[str, NDArray[Any]]:
    """Rename a bare encoder's tensors ("encoder...") as the network with a head calls them ("bert.encoder...")."""
    found = {}
    for name in wanted:
        for candidate in (name, name.split(".", 1)[-1]):
            if candidate in base:
                found[name] = base[candidate]
                break
    return found
