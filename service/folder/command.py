"""`stance score`: picks the engine, spools standard input, and lets a signal end a run as cleanly as its last row."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from model.classifier import StanceClassifier
from model.errors import DocumentError
from service.folder.engine import LocalEngine
from service.folder.listing import ENDINGS
from service.folder.runner import Task, check, score_folder
from service.folder.tally import Progress, Summary


def score_path(
    task: Task,
    open_checkpoint: Callable[[], StanceClassifier],
    checkpoint: Path | None,
    *,
    engine: str = "local",
    workers: int | None = None,
    restart: bool = False,
    read_as: str = ".txt",
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Score what a task names on the engine that is asked for.

    Args:
        task: what is to be scored; its root may be `-`.
        open_checkpoint: opens the classifier, once it is clear that there is something to read.
        checkpoint: its folder, for machines that open it themselves; None for the one that is served.
        engine: `local` or `ray`.
        workers: processes that read (local), or workers in all (ray).
        restart: forget an interrupted run.
        read_as: ending that says what standard input is.
        on_progress: see `score_folder`.

    Raises:
        StanceError: see `score_folder`; or the run was stopped by a signal.
    """
    with _root(task, read_as) as rooted, stopped_cleanly(task.out):
        check(rooted)
        if engine == "ray":
            from service.folder.ray_engine import open_ray

            with open_ray(checkpoint, workers) as (cluster, labels, model_id, backend):
                return score_folder(
                    rooted, cluster, labels, model_id, backend=backend, restart=restart, on_progress=on_progress
                )
        classifier = open_checkpoint()
        with LocalEngine(classifier, workers) as local:
            return score_folder(
                rooted,
                local,
                classifier.labels,
                classifier.checkpoint_id,
                backend=classifier.backend.name,
                restart=restart,
                on_progress=on_progress,
            )


@contextmanager
def _root(task: Task, read_as: str) -> Iterator[Task]:
    """Put standard input into a file: it may be long, and is read more than once."""
    if task.root != "-":
        yield task
        return
    ending = "." + read_as.lower().lstrip(".")
    if ending not in ENDINGS:
        raise DocumentError(f"standard input cannot be read as {ending} ({', '.join(ENDINGS)})")
    with tempfile.TemporaryDirectory(prefix="stance-") as folder:
        copy = Path(folder, "stdin" + ending)
        with copy.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        yield replace(task, root=str(copy), shown_root="-")


@contextmanager
def stopped_cleanly(out: Path) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into one sentence; what is recorded stays."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt as error:
        raise DocumentError(f"stopped before {out} was complete: the same command goes on from here") from error
    finally:
        signal.signal(signal.SIGTERM, before)
