"""Where the work is done. An engine extracts parcels and scores texts; the runner keeps order, duplicates and files.

`LocalEngine` reads and extracts in processes beside the one that runs the network. `service.folder.ray_engine` does
both on a Ray cluster. Rows are the same, since both get the same parcels and score the same texts together.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from types import TracebackType
from typing import Protocol, Self

from model.classifier import StanceClassifier
from service.folder.extraction import Extracted, extract, start_worker
from service.folder.html import Article
from service.folder.parcels import Item, Parcel
from service.folder.rows import pack

PARCELS_AHEAD = 2
"""Parcels for each process that wait, read and extracted, for the network: what keeps memory flat."""


class Engine(Protocol):
    """What the runner needs."""

    depth: int
    """How many parcels may be scored at once."""

    def extract(self, parcels: Iterable[Parcel], *, fragments: bool) -> Iterator[tuple[Parcel, list[Extracted]]]:
        """Yield parcels with what they hold, in their order."""
        ...

    def score(self, texts: Sequence[str]) -> Callable[[], list[bytes]]:
        """Start scoring the texts of one parcel; the function returned waits for their packed predictions."""
        ...


class LocalEngine:
    """This machine: the network in this process, reading and extraction in others beside it.

    Args:
        classifier: labels the texts.
        workers: processes that read and extract; 0 does all in this process.
    """

    depth = 0

    def __init__(self, classifier: StanceClassifier, workers: int | None = None) -> None:
        self._classifier = classifier
        self._workers = default_workers() if workers is None else workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def score(self, texts: Sequence[str]) -> Callable[[], list[bytes]]:
        """See `Engine.score`; done when it returns."""
        packed = [pack(prediction, self._classifier.labels) for prediction in self._classifier.classify(texts)]
        return lambda: packed

    def extract(self, parcels: Iterable[Parcel], *, fragments: bool) -> Iterator[tuple[Parcel, list[Extracted]]]:
        """See `Engine.extract`."""
        source = iter(parcels)
        first = list(islice(source, 2))
        if self._workers == 0 or len(first) < 2:  # a small folder is read before a process has started
            for parcel in chain(first, source):
                yield parcel, extract(parcel.items, fragments=fragments)
            return
        waiting: deque[tuple[Parcel, Future[list[Extracted]] | None]] = deque()
        for parcel in chain(first, source):
            waiting.append((parcel, self._submit(parcel.items, fragments)))
            if len(waiting) > self._workers * PARCELS_AHEAD:
                yield self._collect(*waiting.popleft(), fragments)
        while waiting:
            yield self._collect(*waiting.popleft(), fragments)

    def _submit(self, items: Sequence[Item], fragments: bool) -> Future[list[Extracted]] | None:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=multiprocessing.get_context("spawn"), initializer=start_worker
            )
        try:
            return self._pool.submit(extract, items, fragments=fragments)
        except BrokenProcessPool:
            return None

    def _collect(
        self, parcel: Parcel, future: Future[list[Extracted]] | None, fragments: bool
    ) -> tuple[Parcel, list[Extracted]]:
        try:
            if future is not None:
                return parcel, future.result()
        except BrokenProcessPool:
            pass
        return parcel, self._one_by_one(parcel.items, fragments)

    def _one_by_one(self, items: Sequence[Item], fragments: bool) -> list[Extracted]:
        """A process died, so a document of this parcel may have killed it: find which, and leave that one out."""
        found: list[Extracted] = []
        for item in items:
            self._close_if_broken()
            future = self._submit([item], fragments)
            try:
                if future is None:
                    raise BrokenProcessPool
                found += future.result()
            except BrokenProcessPool:
                found.append(Extracted(item.name, Article(""), problem="it crashed its reader"))
        self._close_if_broken()
        return found

    def _close_if_broken(self) -> None:
        if self._pool is not None:
            try:
                self._pool.submit(os.getpid).result()
            except BrokenProcessPool:
                self._close()

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def default_workers() -> int:
    """Return how many processes read and extract: one a core but the first, which is left to the network."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)
