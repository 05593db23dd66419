"""How often an epoch shows a row."""

from collections import Counter

import pytest

from training.fit import _ByLength

LENGTHS = [5 + n % 7 for n in range(60)]


def epochs(weights, count, seed=3):
    sampler = _ByLength(LENGTHS, weights, 8, seed)
    for epoch in range(count):
        sampler.set_epoch(epoch)
        yield list(sampler)


def test_rows_of_like_weight_come_once_each():
    for shown in epochs([1.0] * 60, 3):
        assert sorted(shown) == list(range(60))


def test_whole_weights_are_counts():
    weights = [float(1 + n % 3) for n in range(60)]
    for shown in epochs(weights, 3):
        assert Counter(shown) == dict(enumerate(weights))


def test_fractions_are_kept_on_average_and_every_epoch_draws_anew():
    weights = [0.25, 0.5, 1.5, 2.75] * 15
    counts, seen = Counter(), set()
    for shown in epochs(weights, 400):
        assert len(shown) == 75
        assert max(shown) < 60
        counts.update(shown)
        seen.add(tuple(shown))
    assert len(seen) == 400
    for row, weight in enumerate(weights):
        assert counts[row] / 400 == pytest.approx(weight, abs=0.12)


def test_an_epoch_is_the_same_for_the_same_seed():
    weights = [0.5, 1.0] * 30
    assert list(epochs(weights, 2)) == list(epochs(weights, 2))
    assert list(epochs(weights, 2)) != list(epochs(weights, 2, seed=4))


def test_the_length_is_what_comes():
    sampler = _ByLength(LENGTHS, [0.3] * 60, 8, 1)
    assert len(sampler) == len(list(sampler)) in (17, 18)
