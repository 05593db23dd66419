"""A micro-batcher: many callers, one worker thread, no artificial wait.

    submit -> [interactive | bulk] -> worker takes all that waits, sorts by cost, cuts -> run(batch) -> caller

Knows nothing of texts or models. What it promises:

- A submission is admitted whole or refused whole (`Overloaded`), at once; the queue never grows past its limit.
- The worker never waits for more: what stands in the queue when it is free is taken.
- A batch holds at most `max_items`, and its padded cost (dearest item x count) stays under `max_padded_cost`.
- Interactive items overtake bulk ones, at every cut; but after `interactive_run` batches in a row, a waiting bulk
  batch has its turn, so that neither kind can starve the other.
- Within one kind nobody is overtaken for ever: what waits is sorted once, and finished before later arrivals.
- Items of callers that have gone are dropped unrun.
- When `run` fails on a batch, its halves are run again, down to single items, so that one bad item does not harm its
  neighbours.
- `close` refuses new work, finishes what was admitted, and ends the thread. Should the thread ever die otherwise,
  everybody who waits is told (`WorkerDied`), and `alive` is False from then on.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


class WorkerDied(Exception):  # noqa: N818
    """The worker thread has ended unexpectedly: nothing will be answered any more."""


class WrongResultCount(Exception):  # noqa: N818
    """`run` gave back another number of results than it got items."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a batch and the queue may hold.

    Args:
        max_items: most items in a batch.
        max_padded_cost: most cost in a batch, each item counted as the dearest; a dearer item runs alone.
        max_queued: most items waiting or running.
        interactive_run: most interactive batches in a row while a bulk batch waits.
    """

    max_items: int = 16
    max_padded_cost: int = 512
    max_queued: int = 2048
    interactive_run: int = 8


@dataclass(slots=True, eq=False)
class Call(Generic[Result]):
    """One submission.

    Args:
        future: the results in order, an exception in place of each item that failed.
        waited_s: time until the last of its batches started.
        ran_s: time for which its batches ran.
    """

    future: "asyncio.Future[list[Result | Exception]]"
    results: list[Result | Exception]
    missing: int
    loop: asyncio.AbstractEventLoop
    waited_s: float = 0.0
    ran_s: float = 0.0


@dataclass(slots=True, eq=False)
class _Job(Generic[Item, Result]):
    item: Item
    cost: int
    call: Call[Result]
    position: int
    submitted_s: float


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one batch was, for the metrics.

    Args:
        items: items that were run.
        cost: their cost, added up.
        padded_cost: dearest item x count.
        waited_s: longest wait of an item.
        ran_s: time of the run.
        failed: items that failed.
    """

    items: int
    cost: int
    padded_cost: int
    waited_s: float
    ran_s: float
    failed: int


class _Lane(Generic[Item, Result]):
    """Items of one kind: those that wait, and batches already cut from them."""

    def __init__(self) -> None:
        self.waiting: list[_Job[Item, Result]] = []
        self.cut: deque[list[_Job[Item, Result]]] = deque()

    def __bool__(self) -> bool:
        return bool(self.waiting or self.cut)

    def take(self, limits: Limits) -> list[_Job[Item, Result]]:
        if not self.cut:
            self.cut.extend(_cut_batches(self.waiting, limits))
            self.waiting = []
        return self.cut.popleft()

    def jobs(self) -> list[_Job[Item, Result]]:
        return [job for batch in self.cut for job in batch] + self.waiting


class MicroBatcher(Generic[Item, Result]):
    """See the module's text.

    Args:
        run: called in the worker thread with the items of a batch; returns their results in the same order.
        cost: cost of an item (tokens), at least 1.
        limits: see `Limits`.
        on_batch: called in the worker thread after each batch; what it raises is logged.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result]],
        cost: Callable[[Item], int],
        limits: Limits,
        on_batch: Callable[[BatchReport], None] | None = None,
    ) -> None:
        self._run, self._cost, self._limits, self._on_batch = run, cost, limits, on_batch
        self._interactive: _Lane[Item, Result] = _Lane()
        self._bulk: _Lane[Item, Result] = _Lane()
        self._in_a_row = 0
        self._running: list[_Job[Item, Result]] = []
        self._wake = threading.Condition()
        self._closing = self._dead = False
        self._queued = 0
        self._seconds_per_item = 0.005
        self._thread = threading.Thread(target=self._work, name="batch-worker", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Items admitted and not yet answered."""
        return self._queued

    @property
    def full(self) -> bool:
        """Whether not even one item would be admitted."""
        return self._queued >= self._limits.max_queued

    @property
    def retry_after_s(self) -> float:
        """When it is worth trying again, by the present rate of work."""
        return max(1.0, self._queued * self._seconds_per_item)

    @property
    def alive(self) -> bool:
        """Whether the worker thread is running."""
        return self._thread.is_alive() and not self._dead

    def admit(self, items: Sequence[Item], *, bulk: bool = False) -> Call[Result]:
        """Admit items at once, from a running event loop; their results come through the call's future.

        Raises:
            Overloaded: the queue has no room for all of them.
            Closed: the batcher is closing.
            WorkerDied: nothing will be answered any more.
        """
        loop = asyncio.get_running_loop()
        call: Call[Result] = Call(loop.create_future(), [_PENDING] * len(items), len(items), loop)
        if not items:
            call.future.set_result([])
            return call
        now = time.monotonic()
        jobs = [_Job(item, max(1, self._cost(item)), call, position, now) for position, item in enumerate(items)]
        with self._wake:
            if self._dead:
                raise WorkerDied("the worker has stopped")
            if self._closing:
                raise Closed("the service is shutting down")
            if self._queued + len(jobs) > self._limits.max_queued:
                raise Overloaded(self.retry_after_s)
            self._queued += len(jobs)
            (self._bulk if bulk else self._interactive).waiting.extend(jobs)
            self._wake.notify()
        return call

    async def submit(self, items: Sequence[Item], *, bulk: bool = False) -> list[Result | Exception]:
        """Admit items and wait for all their results, in order; an item that failed has its exception there.

        Raises:
            Overloaded, Closed, WorkerDied: see `admit`.
        """
        return await self.admit(items, bulk=bulk).future

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
        try:
            while (batch := self._next()) is not None:
                self._process(batch)
        except BaseException as error:
            log.critical("the worker has stopped: %s", type(error).__name__, exc_info=error)
        finally:
            with self._wake:
                self._dead = not self._closing or bool(self._running or self._interactive or self._bulk)
                lost = [*self._running, *self._interactive.jobs(), *self._bulk.jobs()]
                self._queued = 0
            death = WorkerDied("the worker has stopped")
            self._answer(lost, [death] * len(lost))

    def _process(self, batch: list[_Job[Item, Result]]) -> None:
        self._running = live = [job for job in batch if not job.call.future.cancelled()]
        if live:
            started = time.monotonic()
            results = self._attempt(live)
            took = time.monotonic() - started
            for call in {id(job.call): job.call for job in live}.values():
                call.ran_s += took
            for job in live:
                job.call.waited_s = started - job.submitted_s
            self._seconds_per_item += 0.1 * (took / len(live) - self._seconds_per_item)
        with self._wake:
            self._queued -= len(batch)  # before the answers: whoever has one may count on the room
        if live:
            self._running = []
            self._answer(live, results)
            self._report(live, results, started, took)

    def _next(self) -> list[_Job[Item, Result]] | None:
        """Wait for work and return the next batch, or None when closed and empty."""
        with self._wake:
            while not (self._interactive or self._bulk):
                if self._closing:
                    return None
                self._wake.wait()
            if self._interactive and not (self._bulk and self._in_a_row >= self._limits.interactive_run):
                self._in_a_row += 1
                return self._interactive.take(self._limits)
            self._in_a_row = 0
            return self._bulk.take(self._limits)

    def _attempt(self, jobs: list[_Job[Item, Result]]) -> list[Result | Exception]:
        try:
            results = list(self._run([job.item for job in jobs]))
            if len(results) != len(jobs):
                raise WrongResultCount(f"{len(results)} results came back for {len(jobs)} items")
        except Exception as error:
            if len(jobs) == 1:
                log.warning("an item failed: %s", type(error).__name__)
                return [error]
            middle = len(jobs) // 2
            return self._attempt(jobs[:middle]) + self._attempt(jobs[middle:])
        return list(results)

    def _report(
        self, jobs: list[_Job[Item, Result]], results: list[Result | Exception], started_s: float, took_s: float
    ) -> None:
        if self._on_batch is None:
            return
        costs = [job.cost for job in jobs]
        waited = started_s - min(job.submitted_s for job in jobs)
        failed = sum(isinstance(result, Exception) for result in results)
        try:
            self._on_batch(BatchReport(len(jobs), sum(costs), max(costs) * len(jobs), waited, took_s, failed))
        except Exception:
            log.exception("the metrics of a batch could not be kept")

    def _answer(self, jobs: list[_Job[Item, Result]], results: Sequence[Result | Exception]) -> None:
        """Hand results to their callers: one wake-up of an event loop for all calls that are complete."""
        done: dict[asyncio.AbstractEventLoop, list[Call[Result]]] = {}
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


def _cut_batches(jobs: list[_Job[Item, Result]], limits: Limits) -> list[list[_Job[Item, Result]]]:
    """Sort by cost and cut where a cap is reached."""
    batches: list[list[_Job[Item, Result]]] = []
    for job in sorted(jobs, key=lambda job: job.cost):
        last = batches[-1] if batches else None
        if last is None or len(last) >= limits.max_items or job.cost * (len(last) + 1) > limits.max_padded_cost:
            batches.append([job])
        else:
            last.append(job)
    return batches


def _settle(calls: list[Call[Result]]) -> None:
    for call in calls:
        if not call.future.done():
            call.future.set_result(call.results)
