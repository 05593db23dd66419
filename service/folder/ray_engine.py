"""The same job on Ray: reading and extraction by Ray Data, scoring by a pool of actors, order and files by the driver.

Duplicates are found between the two, in the order of the documents, by the driver alone: that is why scoring is not a
second stage of the same dataset, and why the rows equal those of `LocalEngine`. The driver writes some ten thousand
rows a second, so it is not what limits a cluster of a few dozen machines.

The checkpoint travels through Ray's object store. Documents do not: every node must see them, by a shared path or by an
fsspec URL, and must have this package installed.
"""

import itertools
import os
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model.checkpoint import verify_checkpoint
from model.errors import BackendError, StanceError
from model.labels import LabelSpace
from model.store import folder_of
from service.folder.extraction import Extracted, extract
from service.folder.parcels import Parcel
from service.folder.rows import pack

SCORER_CPUS, READER_CPUS = 0.75, 0.25
"""Shares of a core: a scorer and a reader fit on each, and readers never wait for a core that no scorer leaves."""
WINDOW_PARCELS = 4096
WINDOW_BYTES = 256 << 20
PARCELS_PER_SCORER = 2


@contextmanager
def open_ray(checkpoint: Path | None, workers: int | None = None) -> Iterator[tuple["RayEngine", LabelSpace, str, str]]:
    """Connect to a cluster (`RAY_ADDRESS`), or start Ray on this machine, and load the checkpoint on its workers.

    Args:
        checkpoint: its folder, or None for the one that is served.
        workers: scorers; one for each core of the cluster by default.

    Yields:
        The engine, the checkpoint's labels, its id, and the name of the backend that runs it.

    Raises:
        StanceError: Ray is not installed, or cannot be reached.
    """
    try:
        import ray
    except ImportError as error:
        raise StanceError("--engine ray needs the extra: pip install 'stance[ray]'") from error
    folder = folder_of(checkpoint)
    manifest = verify_checkpoint(folder)
    files = {name: (folder / name).read_bytes() for name in (*manifest.files, "manifest.json")}
    address = os.environ.get("RAY_ADDRESS")
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    try:
        if address:
            ray.init(address=address, **quiet)
        else:
            ray.init(num_cpus=workers, include_dashboard=False, **quiet)
    except Exception as error:
        raise StanceError(f"Ray cannot be reached: {error}") from error
    try:
        scorers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        engine = RayEngine(ray, files, scorers)
        yield engine, manifest.labels, manifest.checkpoint_id, engine.backend
    finally:
        ray.shutdown()


class RayEngine:
    """Extraction and scoring on a Ray cluster; see `service.folder.engine.Engine`.

    Args:
        ray: the module, connected.
        files: the checkpoint: name -> bytes.
        scorers: how many actors score.
    """

    def __init__(self, ray: Any, files: Mapping[str, bytes], scorers: int) -> None:
        self._ray = ray
        shared = ray.put(dict(files))
        actor = ray.remote(num_cpus=SCORER_CPUS, max_restarts=3, max_task_retries=3)(_Scorer)
        self._scorers = [actor.remote(shared) for _ in range(scorers)]
        self._turn = itertools.cycle(self._scorers)
        self.depth = PARCELS_PER_SCORER * scorers
        self.backend: str = self._wait(self._scorers[0].backend.remote())

    def score(self, texts: Sequence[str]) -> Callable[[], list[bytes]]:
        """See `Engine.score`; returns at once."""
        reference = next(self._turn).score.remote(list(texts))
        return lambda: self._wait(reference)

    def extract(self, parcels: Iterable[Parcel], *, fragments: bool) -> Iterator[tuple[Parcel, list[Extracted]]]:
        """See `Engine.extract`: one Ray Data pipeline for each window of parcels, its output in order."""
        data = self._ray.data
        context = data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        for window in _windows(parcels):
            rows = [{"parcel": pickle.dumps(parcel), "fragments": fragments} for parcel in window]
            found = data.from_items(rows, override_num_blocks=len(rows)).map(_extract_row, num_cpus=READER_CPUS)
            try:
                for parcel, row in zip(window, found.iter_rows(), strict=True):
                    yield parcel, pickle.loads(row["extracted"])  # our own worker's
            except self._ray.exceptions.RayError as error:
                raise StanceError(f"Ray failed: {error}; the same command goes on from here") from error

    def _wait(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            raise BackendError(f"a Ray scorer failed: {error}; the same command goes on from here") from error


class _Scorer:
    """An actor: one classifier."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        from model.loading import open_classifier

        with tempfile.TemporaryDirectory(prefix="stance-") as name:
            for file, content in files.items():
                path = Path(name, "checkpoint", file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self._classifier = open_classifier(Path(name, "checkpoint"), warm_up=False)

    def backend(self) -> str:
        return self._classifier.backend.name

    def score(self, texts: Sequence[str]) -> list[bytes]:
        return [pack(prediction, self._classifier.labels) for prediction in self._classifier.classify(texts)]


def _extract_row(row: dict[str, Any]) -> dict[str, Any]:
    parcel: Parcel = pickle.loads(row["parcel"])  # the driver's own
    return {"extracted": pickle.dumps(extract(parcel.items, fragments=bool(row["fragments"])))}


def _windows(parcels: Iterable[Parcel]) -> Iterator[list[Parcel]]:
    """Cut parcels into lists that fit the driver's memory, however long the folder."""
    window: list[Parcel] = []
    weight = 0
    for parcel in parcels:
        window.append(parcel)
        weight += sum(item.weight for item in parcel.items)
        if len(window) >= WINDOW_PARCELS or weight >= WINDOW_BYTES:
            yield window
            window, weight = [], 0
    if window:
        yield window
