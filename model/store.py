"""Which checkpoint is served, and which were before: a folder of checkpoints with one link to the current one.

    <store>/<checkpoint id>/     checkpoints, each as `model.checkpoint` writes them
    <store>/current              a symbolic link to one of them; switching it is one atomic rename
    <store>/history.jsonl        one line a switch: when, from which, to which, by what right, with which figures

A line is written before the switch, so a switch that was interrupted leaves a line that never came true: the link
alone says what is served. Lines from a checkpoint to itself, as earlier versions wrote them, count for nothing. The
store is `$STANCE_STORE` (or `$STANCE_HOME`, as earlier versions called it), else `stance` in the user's data folder.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model.checkpoint import MANIFEST, Manifest, read_manifest, verify_checkpoint
from model.errors import CheckpointError

SHIPPED = Path(__file__).parent / "checkpoints" / "anchorage-minilm"
"""The checkpoint that comes with the software; served until another is promoted."""
CURRENT, HISTORY = "current", "history.jsonl"


def default_store() -> Path:
    """Return the folder of promoted checkpoints."""
    if named := os.environ.get("STANCE_STORE") or os.environ.get("STANCE_HOME"):
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "stance"


def folder_of(name: Path | None) -> Path:
    """Return a checkpoint's folder: as given, by the name of one that ships (`anchorage-mpnet`), or the served one."""
    if name is None:
        return Store().current()
    shipped = SHIPPED.parent / name
    return shipped if len(name.parts) == 1 and not name.exists() and shipped.is_dir() else name


@dataclass(frozen=True, slots=True)
class Switch:
    """One line of the history.

    Args:
        at: ISO 8601, UTC.
        old: id of the checkpoint served before.
        new: id of the checkpoint served from then on.
        reason: `promoted`, `forced` or `rolled back`.
        figures: what the decision rested on.
    """

    at: str
    old: str
    new: str
    reason: str
    figures: Mapping[str, Any]


class Store:
    """The checkpoints of one installation.

    Args:
        root: see `default_store`.
        shipped: what is served where nothing was promoted.
    """

    def __init__(self, root: Path | None = None, shipped: Path = SHIPPED) -> None:
        self.root = root or default_store()
        self.shipped = shipped

    def current(self) -> Path:
        """Return the folder of the checkpoint that is served."""
        link = self.root / CURRENT
        return link.resolve() if link.exists() else self.shipped

    def serves(self, folder: Path) -> bool:
        """Tell whether a checkpoint is the one that is served, wherever it lies."""
        return _answers_alike(read_manifest(self.current()), read_manifest(folder))

    def checkpoints(self) -> list[tuple[Path, Manifest]]:
        """List the shipped checkpoint and those of the store, oldest first."""
        folders = [self.shipped, *(p for p in self.root.glob("*") if not p.is_symlink() and not p.name.startswith("."))]
        found = [(folder, read_manifest(folder)) for folder in folders if (folder / MANIFEST).is_file()]
        return sorted(found, key=lambda item: item[1].trained_at)

    def add(self, folder: Path) -> Path:
        """Copy a checkpoint into the store, verified; one that is there already is left as it is.

        Returns:
            Its folder in the store.

        Raises:
            CheckpointError: it is missing or damaged, the store holds another of its id, or cannot be written.
        """
        manifest = verify_checkpoint(folder)
        final = self.root / manifest.checkpoint_id
        if final.parent != self.root:
            raise CheckpointError(f"{folder} has the id {manifest.checkpoint_id!r}, which is no folder name")
        if folder.resolve() == self.shipped.resolve():
            return self.shipped
        if (final / MANIFEST).is_file() and _answers_alike(read_manifest(final), manifest):
            return final
        if final.exists():
            raise CheckpointError(
                f"the store {self.root} holds another {manifest.checkpoint_id} already, which answers otherwise than "
                f"{folder}: train it into a folder of another name, which its id begins with"
            )
        staging = self.root / f".adding-{os.getpid()}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder, staging)
            verify_checkpoint(staging)
            staging.rename(final)
        except OSError as error:
            raise CheckpointError(f"the store {self.root} cannot be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return final

    def switch(self, folder: Path, reason: str, figures: Mapping[str, Any]) -> Switch | None:
        """Serve a checkpoint of the store from now on; the old one stays where it is.

        Args:
            folder: what `add` returned.
            reason: for the history.
            figures: for the history.

        Returns:
            The line of the history, or None where that checkpoint is served already: then nothing is written.

        Raises:
            CheckpointError: the store cannot be written.
        """
        old, new = read_manifest(self.current()), read_manifest(folder)
        if _answers_alike(old, new):
            return None
        entry = Switch(
            datetime.now(UTC).isoformat(timespec="seconds"), old.checkpoint_id, new.checkpoint_id, reason, dict(figures)
        )
        link, part = self.root / CURRENT, self.root / f".{CURRENT}-{os.getpid()}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / HISTORY).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({name: getattr(entry, name) for name in Switch.__slots__}) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            part.unlink(missing_ok=True)
            part.symlink_to(folder.resolve(), target_is_directory=True)
            part.replace(link)
        except OSError as error:
            raise CheckpointError(f"the store {self.root} cannot be written: {error.strerror or error}") from error
        return entry

    def history(self) -> list[Switch]:
        """Return the switches, oldest first; a half-written last line is left out."""
        path = self.root / HISTORY
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        entries = []
        for line in lines:
            try:
                entries.append(Switch(**json.loads(line)))
            except (ValueError, TypeError):
                continue
        return entries

    def previous(self) -> Path:
        """Return the folder of the checkpoint that the current one replaced, whatever was rolled back since.

        Raises:
            CheckpointError: nothing was promoted, or the earlier one is gone.
        """
        served = read_manifest(self.current()).checkpoint_id
        by_id = {manifest.checkpoint_id: folder for folder, manifest in self.checkpoints()}
        before = _line_up_to(served, self.history())[:-1]
        if not before:
            raise CheckpointError(f"{served} replaced no other checkpoint: there is nothing to go back to")
        if before[-1] not in by_id:
            raise CheckpointError(f"the checkpoint {before[-1]} that was served before is gone")
        return by_id[before[-1]]


def _answers_alike(one: Manifest, other: Manifest) -> bool:
    """Whether two checkpoints of one id differ at most in their card and report: trained twice with the same rows."""

    def told(manifest: Manifest) -> object:
        files = {n: h for n, h in manifest.files.items() if n != "README.md" and not n.startswith("report/")}
        return manifest.checkpoint_id, manifest.labels, manifest.calibrations, files

    return told(one) == told(other)


def _line_up_to(served: str, history: Sequence[Switch]) -> list[str]:
    """Return the checkpoints that replaced each other, in order, up to the one that is served."""
    line: list[str] = []
    for entry in history:
        if entry.old != entry.new:
            line = _cut(line, entry.old)
            if entry.reason != "rolled back":
                line.append(entry.new)
    return _cut(line, served)


def _cut(line: Sequence[str], last: str) -> list[str]:
    """Leave out what stands behind a checkpoint: it was rolled back, or that switch never came true."""
    known = [index for index, each in enumerate(line) if each == last]
    return [*line[: known[-1] + 1]] if known else [last]
