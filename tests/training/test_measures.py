import numpy as np
import pytest
from sklearn.metrics import f1_score

from model.calibration import Calibration, expected_calibration_error, softmax
from model.labels import LabelSpace
from training.calibrate import fit_calibration, fit_temperature, fit_threshold
from training.evaluate import bootstrap_interval, macro_f1


def test_macro_f1_is_sklearns():
    generator = np.random.default_rng(3)
    gold, given = generator.integers(0, 4, 200), generator.integers(0, 4, 200)
    assert macro_f1(gold, given, 4) == pytest.approx(f1_score(gold, given, average="macro"))


def test_bootstrap_interval_holds_the_figure_and_shrinks_with_rows():
    generator = np.random.default_rng(3)
    gold = generator.integers(0, 4, 2000)
    given = np.where(generator.random(2000) < 0.7, gold, generator.integers(0, 4, 2000))
    low, high = bootstrap_interval(gold, given, 4, draws=300)
    assert low < macro_f1(gold, given, 4) < high
    few_low, few_high = bootstrap_interval(gold[:100], given[:100], 4, draws=300)
    assert few_high - few_low > 2 * (high - low)


def test_temperature_undoes_overconfidence():
    generator = np.random.default_rng(5)
    honest = generator.normal(size=(4000, 3))
    gold = np.array([generator.choice(3, p=row) for row in softmax(honest)])
    assert fit_temperature(honest * 3, gold) == pytest.approx(3, rel=0.1)
    assert fit_temperature(honest, gold) == pytest.approx(1, rel=0.1)


def test_temperature_ignores_unlabelled_rows():
    logits = np.array([[2.0, 0.0], [0.0, 2.0], [9.0, -9.0]])
    assert fit_temperature(logits, np.array([0, 1, -100])) == fit_temperature(logits[:2], np.array([0, 1]))


def test_threshold_keeps_its_promise_with_the_most_answers():
    confidence = np.linspace(1, 0, 100)
    correct = np.arange(100) < 50
    threshold = fit_threshold(confidence, correct, 0.8)
    kept = confidence >= threshold
    assert correct[kept].mean() >= 0.8
    assert kept.sum() == 62
    assert fit_threshold(confidence, ~np.zeros(100, bool), 0.8) == 0.0
    assert fit_threshold(confidence, np.zeros(100, bool), 0.8) == 1.0


def test_rows_that_count_double_are_like_rows_that_stand_twice():
    rng = np.random.default_rng(1)
    logits, gold = rng.normal(size=(60, 4)) * 3, rng.integers(0, 4, 60)
    weights = np.where(np.arange(60) < 20, 2.0, 1.0)
    twice = np.concatenate([np.arange(60), np.arange(20)])
    assert fit_temperature(logits, gold, weights) == pytest.approx(
        fit_temperature(logits[twice], gold[twice]), rel=1e-3
    )
    confidence, correct = rng.uniform(size=60), rng.uniform(size=60) < 0.6
    assert fit_threshold(confidence, correct, 0.6, weights) == fit_threshold(confidence[twice], correct[twice], 0.6)
    assert fit_threshold(confidence, correct, 0.6, np.ones(60)) == fit_threshold(confidence, correct, 0.6)


def test_expected_calibration_error_by_hand():
    confidence = np.array([0.9, 0.9, 0.3, 0.3])
    correct = np.array([True, False, False, False])
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.5 * 0.4 + 0.5 * 0.3)


@pytest.mark.parametrize("values", [{"stance_temperature": 0}, {"sentiment_temperature": -1}, {"threshold": 1.1}])
def test_calibration_refuses_nonsense(values):
    with pytest.raises(ValueError, match="must"):
        Calibration(**values)


def test_who_states_a_higher_accuracy_gets_fewer_answers():
    rng = np.random.default_rng(2)
    gold = rng.integers(0, 4, 400)
    logits = np.eye(4)[gold] * 2 + rng.normal(size=(400, 4)) * 1.2
    labels = LabelSpace(("a", "b", "c", "d"), ())
    none = np.full(400, -100)
    low, high = (fit_calibration(logits.astype(np.float32), gold, none, labels, s).threshold for s in (0.8, 0.95))
    assert 0 < low < high < 1
