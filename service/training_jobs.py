"""Retraining through the service: one training process at a time, beside the one that answers.

    <store>/training/<id>/      data.csv, job.json, progress.json, log.txt, and the checkpoint once it is done
    <store>/training/lock       held by the training process itself, which names its job in it

The id is a hash of the file and the settings: the same upload after an interruption goes on where that one stopped.
All state is on disk and in the lock, so every worker answers for every job, and so does a service that was restarted.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.checkpoint import MANIFEST, read_manifest, write_text_atomic
from model.errors import CheckpointError
from model.store import default_store

NICENESS = 10
"""The training yields to the requests."""


class TrainingRuns(Exception):  # noqa: N818
    """Another training is under way."""


@dataclass(frozen=True)
class Job:
    """One training.

    Args:
        job_id: its name, also of its folder.
        state: `running`, `done`, or `failed` (which an interruption is too).
        progress: stage, step, steps, loss, rows a second, seconds left; empty before the first step.
        problems: what is wrong with the file, or why it failed.
        checkpoint: id of the checkpoint, where it is done.
        metrics: its figures on the held-out rows.
        folder: where it all lies.
    """

    job_id: str
    state: str
    progress: Mapping[str, Any]
    problems: tuple[str, ...]
    checkpoint: str | None
    metrics: Mapping[str, Any]
    folder: Path

    def answer(self) -> dict[str, Any]:
        """Return what a client sees."""
        done = self.checkpoint is not None
        return {
            "id": self.job_id,
            "state": self.state,
            "progress": dict(self.progress),
            "problems": list(self.problems),
            "checkpoint": self.checkpoint,
            "metrics": dict(self.metrics),
            "report": f"/training/{self.job_id}/report" if done else None,
        }


class TrainingJobs:
    """Starts trainings and tells how they go.

    Args:
        store: folder of promoted checkpoints; None for the user's own.
    """

    def __init__(self, store: Path | None = None) -> None:
        self._store = (store or default_store()).absolute()
        self.root = self._store / "training"

    def start(self, content: bytes, suffix: str, options: Mapping[str, str]) -> Job:
        """Start a training, or return the one of the same file and settings that runs or is done.

        Args:
            content: the labelled file.
            suffix: `.csv` or `.xlsx`.
            options: command-line options without their dashes.

        Raises:
            TrainingRuns: another one is under way.
            OSError: the store cannot be written.
        """
        told = json.dumps([suffix, sorted(options.items())]).encode()
        job_id = hashlib.sha256(told + b"\n" + content).hexdigest()[:16]
        known = self.find(job_id)
        if known is not None and known.state != "failed":
            return known
        folder = self.root / job_id
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a+", encoding="utf-8") as lock:
            if not _lock_patiently(lock.fileno()):
                raise TrainingRuns(f"the training {self.running() or ''} is under way; wait for it".replace("  ", " "))
            folder.mkdir(exist_ok=True)
            (folder / f"data{suffix}").write_bytes(content)
            (folder / "progress.json").unlink(missing_ok=True)
            write_text_atomic(folder / "job.json", json.dumps({"options": dict(options)}) + "\n")
            lock.truncate(0)
            lock.write(job_id)
            lock.flush()
            self._spawn(folder, folder / f"data{suffix}", options, lock.fileno())
        found = self.find(job_id)
        assert found is not None
        return found

    def _spawn(self, folder: Path, data: Path, options: Mapping[str, str], lock: int) -> None:
        command = [sys.executable, "-m", "service.cli", "train", str(data), "--out", str(folder / "checkpoint")]
        command += ["--keep", "--progress", str(folder / "progress.json")]
        for name, value in options.items():
            command += [f"--{name}", value]
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "STANCE_STORE": str(self._store)},
                cwd=Path(__file__).parent.parent,
                start_new_session=True,  # a Ctrl-C at the service's terminal is not meant for it
                pass_fds=(lock,),  # it holds the lock as long as it lives, and no longer
            )
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        threading.Thread(target=process.wait, daemon=True).start()  # no zombie

    def running(self) -> str | None:
        """Return the id of the training that is under way, or None."""
        try:
            with (self.root / "lock").open("r+", encoding="utf-8") as lock:
                return None if _lock(lock.fileno(), shared=True) else lock.read().strip()
        except FileNotFoundError:
            return None

    def find(self, job_id: str) -> Job | None:
        """Return a training, or None. The id is compared with those that are there and never joined to a path."""
        folders = self.root.iterdir() if self.root.is_dir() else iter(())
        folder = next((f for f in folders if f.name == job_id and (f / "job.json").is_file()), None)
        if folder is None:
            return None
        progress: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            progress = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
        runs = self.running() == job_id  # asked first: what is done is done only once the process has ended
        if runs:
            return Job(job_id, "running", progress, (), None, {}, folder)
        if (folder / "checkpoint" / MANIFEST).is_file():
            with contextlib.suppress(CheckpointError):
                manifest = read_manifest(folder / "checkpoint")
                return Job(job_id, "done", progress, (), manifest.checkpoint_id, manifest.metrics, folder)
        return Job(job_id, "failed", progress, _problems(folder / "log.txt"), None, {}, folder)


def _problems(log: Path) -> tuple[str, ...]:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    errors = tuple(line.removeprefix("Error: ") for line in lines if line.startswith("Error: "))
    return errors or ("the training was interrupted: send the same file again, and it goes on", *lines[-1:])


def _lock_patiently(descriptor: int) -> bool:
    """Take the lock, past those who hold it for the moment in which they ask whether anybody does."""
    for _ in range(5):
        if _lock(descriptor):
            return True
        time.sleep(0.05)
    return False


def _lock(descriptor: int, *, shared: bool = False) -> bool:
    """Take the lock for this open file; False where another has it. It goes when the last copy of the file closes."""
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
