"""The checkpoint folder on disk: what it holds, how it is written, and how it is verified when read.

    config.json, model.safetensors, tokenizer.json, tokenizer_config.json   a standard Hugging Face folder
    README.md        the model card
    report/          the evaluation report
    manifest.json    written last: its existence means that the folder is complete

`manifest.json` lists the SHA-256 of every other file. A folder is assembled under a temporary name beside its final
one and renamed into place, so no reader ever sees half a checkpoint.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from model.calibration import Calibration
from model.errors import CheckpointDamagedError, CheckpointError, CheckpointMissingError, LabelMismatchError
from model.labels import LabelSpace

MANIFEST = "manifest.json"
SCHEMA = 1
NEEDED = ("config.json", "tokenizer.json")
DELTA = "delta.safetensors"
WEIGHTS = ("model.safetensors", DELTA)
"""Either the whole network, or what differs from the base (see `model.delta`)."""


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says.

    Args:
        checkpoint_id: names the checkpoint in answers, rows and the history.
        target: what the stance is toward, in words.
        labels: the label groups, in the order of the logits.
        max_tokens: the longest sequence the network reads.
        pad_id: the token that fills a batch.
        calibrations: backend family (`torch`, `onnx-int8`, ...) -> what was fitted for it; `torch` is always there.
        base: `name` and `sha256` of the encoder that training started from.
        corpus: `name`, `sha256` and `rows` of the labelled CSV.
        training: seed and recipe: everything needed to repeat the run.
        metrics: the figures of the report, flat.
        versions: library -> version.
        trained_at: ISO 8601, UTC.
        files: relative path -> SHA-256, of every file but the manifest itself.
        schema: version of this layout.
    """

    checkpoint_id: str
    target: str
    labels: LabelSpace
    max_tokens: int
    pad_id: int
    calibrations: Mapping[str, Calibration]
    base: Mapping[str, Any] = field(default_factory=dict)
    corpus: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    trained_at: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    schema: int = SCHEMA

    def calibration(self, family: str) -> Calibration:
        """Return what was fitted for a backend family, or for torch where nothing was."""
        return self.calibrations.get(family, self.calibrations["torch"])

    def to_json(self) -> str:
        """Write the manifest as stable, readable JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: Path) -> "Manifest":
        """Read a manifest.

        Raises:
            CheckpointDamagedError: it is no JSON, lacks a field, or a field holds what it cannot.
        """
        try:
            data = json.loads(text)
            if data["schema"] != SCHEMA:
                raise ValueError(f"its schema is {data['schema']}, this version reads {SCHEMA}")
            data["labels"] = LabelSpace(tuple(data["labels"]["stance"]), tuple(data["labels"]["sentiment"]))
            data["calibrations"] = {name: Calibration(**values) for name, values in data["calibrations"].items()}
            if "torch" not in data["calibrations"]:
                raise ValueError("it holds no calibration for torch")
            return cls(**data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointDamagedError(f"{where} cannot be read as a manifest: {error}") from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cache_folder() -> Path:
    """Return where compiled checkpoints and assembled bases are kept: `$STANCE_CACHE`, else the user's cache."""
    root = os.environ.get("STANCE_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stance"
    return Path(root)


def read_manifest(folder: Path) -> Manifest:
    """Read a checkpoint's manifest without verifying the other files.

    Raises:
        CheckpointMissingError: no such folder, or no manifest in it.
        CheckpointDamagedError: the manifest cannot be read.
    """
    if not folder.is_dir():
        raise CheckpointMissingError(f"there is no checkpoint folder {folder}")
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CheckpointMissingError(
            f"{folder} holds no {MANIFEST}: it is not a checkpoint, or its writing was interrupted"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointDamagedError(f"{folder / MANIFEST} cannot be read: {error}") from error
    return Manifest.from_json(text, folder / MANIFEST)


def verify_checkpoint(folder: Path) -> Manifest:
    """Read a checkpoint's manifest and check every file against it.

    Raises:
        CheckpointMissingError: the folder, the manifest or a file is gone.
        CheckpointDamagedError: a file differs from its SHA-256, or cannot be read.
        LabelMismatchError: `config.json` and the manifest list the labels in different order.
    """
    manifest = read_manifest(folder)
    root = folder.resolve()
    weights = next((name for name in WEIGHTS if name in manifest.files or (root / name).is_file()), WEIGHTS[0])
    for name, expected in {**dict.fromkeys((*NEEDED, weights), ""), **manifest.files}.items():
        path = root / name
        if not path.resolve().is_relative_to(root):
            raise CheckpointDamagedError(f"{folder / MANIFEST} names a file outside the checkpoint: {name}")
        if not path.is_file():
            raise CheckpointMissingError(f"{folder} lacks {name}, which its manifest lists")
        if not expected:
            raise CheckpointDamagedError(f"{folder / MANIFEST} gives no SHA-256 for {name}")
        if sha256_of(path) != expected:
            raise CheckpointDamagedError(f"{folder / name} is damaged: its SHA-256 is not the one in the manifest")
    try:
        id2label = json.loads((folder / "config.json").read_text(encoding="utf-8"))["id2label"]
    except (ValueError, KeyError) as error:
        raise CheckpointDamagedError(f"{folder / 'config.json'} holds no id2label") from error
    if LabelSpace.from_id2label(id2label) != manifest.labels:
        raise LabelMismatchError(f"the labels in {folder / 'config.json'} stand in another order than in the manifest")
    return manifest


def write_text_atomic(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never half."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def seal(folder: Path, manifest: Manifest) -> Manifest:
    """Hash every file of an assembled folder and write its manifest, last.

    Returns:
        The manifest as written, with `files` filled in.
    """
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    sealed = Manifest(**{**vars(manifest), "files": {name: sha256_of(folder / name) for name in names}})
    write_text_atomic(folder / MANIFEST, sealed.to_json())
    return sealed


def publish(staging: Path, final: Path, *, overwrite: bool = False) -> None:
    """Move a sealed folder to its final name.

    Raises:
        CheckpointError: `final` exists and is not to be replaced, or is something other than a checkpoint.
    """
    if final.exists():
        if not overwrite:
            raise CheckpointError(f"{final} exists already: choose another --out or remove it")
        if not (final / MANIFEST).is_file():
            raise CheckpointError(f"{final} exists and is no checkpoint: choose another --out")
        old = final.with_name(f".{final.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
        staging.rename(final)
        shutil.rmtree(old)
    else:
        staging.rename(final)
