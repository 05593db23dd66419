import numpy as np
import pytest

from model.backend import Batch
from model.calibration import Calibration
from model.classifier import StanceClassifier
from model.errors import DataError
from model.labels import LabelSpace
from training.compare import compare
from training.data import Row


class Scripted:
    """A backend that answers by the second token of a text: a lookup table for the tests."""

    name = "scripted"

    def __init__(self, answers, width):
        self.answers, self.width = answers, width

    def logits(self, batch: Batch):
        out = np.zeros((len(batch), self.width), dtype=np.float32)
        for row, token in enumerate(batch.input_ids[:, 1]):
            out[row, self.answers[int(token)]] = 3
        return out


@pytest.fixture
def classifier(tiny_classifier):
    labels = LabelSpace(("no", "yes"), ())
    words = ("the", "of", "and", "in")
    tokens = [tiny_classifier.prepare(word).ids[1] for word in words]

    def make(answers, stances=labels):
        backend = Scripted(dict(zip(tokens, answers, strict=True)), stances.size)
        return StanceClassifier(tiny_classifier.encoder, backend, stances, Calibration(), "scripted")

    return make


ROWS = [
    Row("f.csv", n + 2, f"{('the', 'of', 'and', 'in')[n % 4]} statement", "yes" if n % 4 < 2 else "no")
    for n in range(80)
]


def test_better_worse_and_which_statements_change(classifier):
    perfect, flawed = classifier([1, 1, 0, 0]), classifier([1, 0, 0, 1])
    better = compare(flawed, perfect, ROWS)
    assert better.new.macro_f1 == 1.0
    assert better.difference > 0.4
    assert better.interval[0] > 0.3
    assert better.acceptable
    assert len(better.changes) == 40
    assert {change.verdict for change in better.changes} == {"fixed"}
    worse = compare(perfect, flawed, ROWS)
    assert not worse.acceptable
    assert {change.verdict for change in worse.changes} == {"broken"}
    assert worse.changes[0].row == "f.csv, row 3"


def test_the_same_checkpoint_is_acceptable_and_changes_nothing(classifier):
    same = compare(classifier([1, 0, 0, 1]), classifier([1, 0, 0, 1]), ROWS)
    assert same.difference == 0
    assert same.interval == (0, 0)
    assert same.acceptable
    assert not same.changes


def test_other_labels_cannot_be_compared(classifier):
    with pytest.raises(DataError, match="cannot be compared"):
        compare(classifier([1, 0, 0, 1]), classifier([1, 0, 0, 1], LabelSpace(("no", "maybe"), ())), ROWS)
