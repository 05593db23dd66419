"""The batcher without a model: items are numbers, the cost of an item is given by hand, and a gate holds the worker."""

import asyncio
import contextlib
import threading
import time

import pytest

from service.batching import Closed, Limits, MicroBatcher, Overloaded, WorkerDied, WrongResultCount


class Recorder:
    """Doubles numbers, remembers every batch, and can be held until all is queued."""

    def __init__(self, held=False, fails=lambda batch: None):
        self.batches, self.fails = [], fails
        self.gate, self.entered = threading.Event(), threading.Event()
        if not held:
            self.gate.set()

    def __call__(self, items):
        self.entered.set()
        assert self.gate.wait(10)
        self.batches.append(list(items))
        if error := self.fails(items):
            raise error
        return [2 * item for item in items]


@contextlib.contextmanager
def batcher(run, cost=lambda item: 1, on_batch=None, **limits):
    made = MicroBatcher(run, cost, Limits(**limits), on_batch)
    try:
        yield made
    finally:
        if hasattr(run, "gate"):
            run.gate.set()
        made.close(10)


async def hold(made, run, *, bulk=False):
    """Occupy the worker with one item, so that everything after it queues up."""
    first = asyncio.create_task(made.submit([0], bulk=bulk))
    assert await asyncio.to_thread(run.entered.wait, 10)
    return first


def test_results_keep_the_order_of_the_items():
    run = Recorder()
    with batcher(run, cost=lambda item: 100 - item, max_items=4) as made:
        assert asyncio.run(made.submit(list(range(50)))) == [2 * n for n in range(50)]


def test_nothing_is_submitted_and_nothing_comes_back():
    run = Recorder()
    with batcher(run) as made:
        assert asyncio.run(made.submit([])) == []
    assert run.batches == []


def test_what_waits_becomes_one_batch_without_an_artificial_wait():
    run = Recorder(held=True)

    async def main(made):
        first = await hold(made, run)
        rest = [asyncio.create_task(made.submit([n])) for n in range(1, 9)]
        await asyncio.sleep(0)
        run.gate.set()
        return await asyncio.gather(first, *rest)

    with batcher(run, max_items=8) as made:
        assert asyncio.run(main(made)) == [[2 * n] for n in range(9)]
    assert run.batches == [[0], list(range(1, 9))]


def test_an_idle_worker_sleeps():
    with batcher(Recorder()) as made:
        asyncio.run(made.submit([1]))
        before = time.thread_time_ns(), time.process_time()
        time.sleep(0.3)
        assert time.process_time() - before[1] < 0.1


@pytest.mark.parametrize("costs", [[3, 40, 7, 7, 90, 12, 5, 64, 300], list(range(1, 60))])
def test_both_caps_hold_and_padding_is_small(costs):
    run = Recorder(held=True)

    async def main(made):
        first = await hold(made, run)
        rest = asyncio.create_task(made.submit(costs))
        await asyncio.sleep(0)
        run.gate.set()
        await asyncio.gather(first, rest)

    with batcher(run, cost=lambda item: item, max_items=5, max_padded_cost=128) as made:
        asyncio.run(main(made))
    assert sorted(item for batch in run.batches[1:] for item in batch) == sorted(costs)
    for batch in run.batches[1:]:
        assert len(batch) <= 5
        assert len(batch) == 1 or max(batch) * len(batch) <= 128
    assert [max(batch) for batch in run.batches[1:]] == sorted(max(batch) for batch in run.batches[1:])


def test_a_list_is_refused_whole_and_at_once():
    run = Recorder(held=True)

    async def main(made):
        first = await hold(made, run)
        held = made.admit([1, 2, 3, 4])
        with pytest.raises(Overloaded) as refused:
            made.admit([5, 6, 7, 8, 9, 10])
        assert refused.value.retry_after_s >= 1
        assert made.queued == 5
        fits = made.admit([5, 6, 7, 8, 9])
        run.gate.set()
        await asyncio.gather(first, held.future, fits.future)

    with batcher(run, max_queued=10) as made:
        asyncio.run(main(made))
        assert made.queued == 0
    assert sorted(item for batch in run.batches for item in batch) == list(range(10))


def test_interactive_items_overtake_bulk_ones_at_every_cut():
    run = Recorder(held=True)

    async def main(made):
        first = await hold(made, run, bulk=True)
        bulk = made.admit([10, 11, 12, 13], bulk=True)
        single = made.admit([1])
        run.gate.set()
        await asyncio.gather(first, bulk.future, single.future)

    with batcher(run, max_items=2) as made:
        asyncio.run(main(made))
    assert run.batches == [[0], [1], [10, 11], [12, 13]]


def test_bulk_items_have_their_turn_under_interactive_load():
    run = Recorder(held=True)

    async def main(made):
        first = await hold(made, run)
        calls = [made.admit([n]) for n in range(1, 10)]
        bulk = made.admit([100], bulk=True)
        run.gate.set()
        await asyncio.gather(first, bulk.future, *(call.future for call in calls))

    with batcher(run, max_items=1, interactive_run=3) as made:
        asyncio.run(main(made))
    assert run.batches.index([100]) == 3


def test_items_of_callers_that_have_gone_are_not_run():
    run = Recorder(held=True)

    async def main(made):
        first = await hold(made, run)
        gone = asyncio.create_task(made.submit([1, 2]))
        stays = asyncio.create_task(made.submit([3]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        run.gate.set()
        assert await stays == [6]
        await first

    with batcher(run, max_items=1) as made:
        asyncio.run(main(made))
        assert made.queued == 0
    assert run.batches == [[0], [3]]


def test_one_bad_item_fails_alone():
    run = Recorder(fails=lambda items: ValueError("poisoned") if 13 in items else None)
    with batcher(run, max_items=16) as made:
        results = asyncio.run(made.submit(list(range(16))))
    assert isinstance(results[13], ValueError)
    assert [r for i, r in enumerate(results) if i != 13] == [2 * n for n in range(16) if n != 13]
    assert len(run.batches) <= 9


def test_a_failing_backend_reaches_every_caller_and_the_worker_lives_on():
    run = Recorder(fails=lambda items: RuntimeError("down") if min(items) < 100 else None)

    async def main(made):
        answers = await asyncio.gather(*(made.submit([n, n + 1]) for n in range(0, 20, 2)))
        assert all(isinstance(result, RuntimeError) for answer in answers for result in answer)
        assert await made.submit([100]) == [200]

    with batcher(run) as made:
        asyncio.run(main(made))
        assert made.alive


def test_a_wrong_count_of_results_is_an_error_and_never_shifts_answers():
    with batcher(lambda items: list(items)[1:] if len(items) > 1 else []) as made:
        results = asyncio.run(made.submit([1, 2, 3]))
    assert [type(result) for result in results] == [WrongResultCount] * 3


def test_close_finishes_what_was_admitted_and_refuses_the_rest():
    run = Recorder(held=True)

    async def main(made):
        first = await hold(made, run)
        rest = made.admit([1, 2, 3])
        closing = asyncio.create_task(asyncio.to_thread(made.close, 10))
        await asyncio.sleep(0.05)
        with pytest.raises(Closed):
            made.admit([4])
        run.gate.set()
        assert await rest.future == [2, 4, 6]
        assert await first == [0]
        assert await closing

    with batcher(run, max_items=1) as made:
        asyncio.run(main(made))
    assert not made.alive


def test_close_gives_up_after_its_timeout():
    run = Recorder(held=True)

    async def main(made):
        first = await hold(made, run)
        assert not await asyncio.to_thread(made.close, 0.05)
        run.gate.set()
        await first

    with batcher(run) as made:
        asyncio.run(main(made))


def test_death_of_the_worker_is_told_to_everybody_who_waits():
    run = Recorder(held=True, fails=lambda items: SystemExit() if 0 in items else None)

    async def main(made):
        first = await hold(made, run)
        rest = [made.admit([1, 2]), made.admit([3], bulk=True)]
        run.gate.set()
        answers = await asyncio.wait_for(asyncio.gather(first, *(call.future for call in rest)), 10)
        assert [type(result) for answer in answers for result in answer] == [WorkerDied] * 4
        assert not made.alive
        with pytest.raises(WorkerDied):
            made.admit([4])

    with batcher(run) as made:
        asyncio.run(main(made))


def test_reports_count_items_cost_and_padding_and_may_fail():
    reports = []

    def report(batch):
        reports.append(batch)
        raise ValueError("broken metrics")

    with batcher(Recorder(), cost=lambda item: item, on_batch=report) as made:
        asyncio.run(made.submit([3, 5]))
        assert asyncio.run(made.submit([7])) == [14]
    assert [(r.items, r.cost, r.padded_cost, r.failed) for r in reports] == [(2, 8, 10, 0), (1, 7, 7, 0)]


def test_many_callers_get_their_own_answers():
    run = Recorder()

    async def main(made):
        async def caller(start):
            items = list(range(start, start + start % 5 + 1))
            assert await made.submit(items, bulk=start % 3 == 0) == [2 * n for n in items]

        await asyncio.gather(*(caller(start) for start in range(500)))

    with batcher(run, cost=lambda item: item % 37 + 1, max_items=7, max_padded_cost=100, max_queued=5000) as made:
        asyncio.run(main(made))
        assert made.queued == 0
