"""A micro-batcher: many callers, one worker thread, no artificial wait.

    submit -> [interactive | bulk] -> worker takes all that waits, sorts by cost, cuts -> run(batch) -> caller

Knows nothing of texts or models. What it promises:

- A submission is admitted whole or refused whole (`Overloaded`), at once; the queue never grows past its limit.
- The worker never waits for more: what stands in the queue when it is free is taken.
- A batch holds at most `max_items`, and its padded cost (dearest item x count) stays under `max_padded_cost`.
- Interactive items overtake bulk ones, at every cut.
- Items of callers that have gone are dropped unrun.
- When `run` fails on a batch, its items are run one by one, so that one bad item does not harm its neighbours.
- `close` refuses new work, finishes what was admitted, and ends the thread.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

log = logging.getLogger(__name__)

_PENDING = Exception("not answered yet")


class Overloaded(Exception):  # noqa: N818 - what the caller is told, not a failure of ours
    """The queue is full: try again later.

    Args:
        retry_after_s: when it is worth trying, by the present rate of work.
    """

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"the queue is full; try again in {retry_after_s:.0f} s")


class Closed(Exception):  # noqa: N818
    """The batcher takes no more work."""


class WrongResultCount(Exception):  # noqa: N818
    """`run` gave back another number of results than it got items."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a batch and the queue may hold.

    Args:
        max_items: most items in a batch.
        max_padded_cost: most cost in a batch, each item counted as the dearest; a dearer item runs alone.
        max_queued: most items waiting or running.
    """

    max_items: int = 16
    max_padded_cost: int = 512
    max_queued: int = 2048


@dataclass(slots=True)
class _Call(Generic[Result]):
    """One submission: results are filled in as its items finish."""

    future: "asyncio.Future[list[Result | Exception]]"
    results: list[Result | Exception]
    missing: int
    loop: asyncio.AbstractEventLoop


@dataclass(slots=True)
class _Job(Generic[Item, Result]):
    item: Item
    cost: int
    call: _Call[Result]
    position: int
    submitted_s: float = field(default_factory=time.monotonic)


class MicroBatcher(Generic[Item, Result]):
    """See the module's text.

    Args:
        run: called in the worker thread with the items of a batch; returns their results in the same order.
        cost: cost of an item (tokens), at least 1.
        limits: see `Limits`.
        on_batch: called in the worker thread after each batch with items, padded cost, longest wait and run time in s.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result]],
        cost: Callable[[Item], int],
        limits: Limits,
        on_batch: Callable[[int, int, float, float], None] | None = None,
    ) -> None:
        self._run, self._cost, self._limits, self._on_batch = run, cost, limits, on_batch
        self._waiting: tuple[deque[_Job[Item, Result]], deque[_Job[Item, Result]]] = (deque(), deque())
        self._cut: tuple[deque[list[_Job[Item, Result]]], deque[list[_Job[Item, Result]]]] = (deque(), deque())
        self._wake = threading.Condition()
        self._closing = False
        self._queued = 0
        self._seconds_per_item = 0.005
        self._thread = threading.Thread(target=self._work, name="batch-worker", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Items admitted and not yet answered."""
        return self._queued

    @property
    def alive(self) -> bool:
        """Whether the worker thread is running."""
        return self._thread.is_alive()

    async def submit(self, items: Sequence[Item], *, bulk: bool = False) -> list[Result | Exception]:
        """Admit items and wait for all their results, in order; an item that failed has its exception there.

        Raises:
            Overloaded: the queue has no room for all of them.
            Closed: the batcher is closing.
        """
        if not items:
            return []
        loop = asyncio.get_running_loop()
        call: _Call[Result] = _Call(loop.create_future(), [_PENDING] * len(items), len(items), loop)
        jobs = [_Job(item, max(1, self._cost(item)), call, position) for position, item in enumerate(items)]
        with self._wake:
            if self._closing or not self._thread.is_alive():
                raise Closed("the service is shutting down")
            if self._queued + len(jobs) > self._limits.max_queued:
                raise Overloaded(max(1.0, self._queued * self._seconds_per_item))
            self._queued += len(jobs)
            self._waiting[bulk].extend(jobs)
            self._wake.notify()
        return await call.future

    def close(self, timeout_s: float = 20.0) -> bool:
        """Refuse new work, finish what was admitted, end the thread.

        Returns:
            Whether all of it was finished in time.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            live = [job for job in batch if not job.call.future.cancelled()]
            if live:
                started = time.monotonic()
                self._answer(live, self._attempt(live))
                took = time.monotonic() - started
                self._seconds_per_item += 0.1 * (took / len(live) - self._seconds_per_item)
                if self._on_batch:
                    waited = started - min(job.submitted_s for job in live)
                    self._on_batch(len(live), max(job.cost for job in live) * len(live), waited, took)
            with self._wake:
                self._queued -= len(batch)

    def _next(self) -> list[_Job[Item, Result]] | None:
        """Wait for work and return the next batch: interactive before bulk, or None when closed and empty."""
        with self._wake:
            while True:
                for waiting, cut in zip(self._waiting, self._cut, strict=True):
                    if waiting and not cut:
                        cut.extend(self._cut_batches(list(waiting)))
                        waiting.clear()
                    if cut:
                        return cut.popleft()
                if self._closing:
                    return None
                self._wake.wait()

    def _cut_batches(self, jobs: list[_Job[Item, Result]]) -> list[list[_Job[Item, Result]]]:
        batches: list[list[_Job[Item, Result]]] = []
        for job in sorted(jobs, key=lambda job: job.cost):
            last = batches[-1] if batches else None
            if (
                last is None
                or len(last) >= self._limits.max_items
                or job.cost * (len(last) + 1) > self._limits.max_padded_cost
            ):
                batches.append([job])
            else:
                last.append(job)
        return batches

    def _attempt(self, jobs: list[_Job[Item, Result]]) -> list[Result | Exception]:
        try:
            results = list(self._run([job.item for job in jobs]))
            if len(results) != len(jobs):
                raise WrongResultCount(f"{len(results)} results came back for {len(jobs)} items")
        except Exception as error:
            if len(jobs) == 1:
                log.warning("an item failed: %s", type(error).__name__)
                return [error]
            return [result for job in jobs for result in self._attempt([job])]
        return list(results)

    def _answer(self, jobs: list[_Job[Item, Result]], results: list[Result | Exception]) -> None:
        """Hand results to their callers: one wake-up of an event loop for all calls that are complete."""
        done: dict[asyncio.AbstractEventLoop, list[_Call[Result]]] = {}
        for job, result in zip(jobs, results, strict=True):
            job.call.results[job.position] = result
            job.call.missing -= 1
            if not job.call.missing:
                done.setdefault(job.call.loop, []).append(job.call)
        for loop, calls in done.items():
            try:
                loop.call_soon_threadsafe(_settle, calls)
            except RuntimeError:  # the caller's loop has been closed: nobody waits any more
                log.info("%d answers found no caller", len(calls))


def _settle(calls: list[_Call[Result]]) -> None:
    for call in calls:
        if not call.future.done():
            call.future.set_result(call.results)
