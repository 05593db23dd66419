import numpy as np
import pytest

from model.encoding import plan_batches
from model.errors import EmptyTextError, TextTooLongError


def test_scores_sum_to_one_and_follow_label_order(tiny_classifier):
    (prediction,) = tiny_classifier.classify(["Talks continue on the Anchorage basis."])
    assert list(prediction.stance.scores) == list(tiny_classifier.labels.stance)
    assert sum(prediction.stance.scores.values()) == pytest.approx(1)
    assert prediction.stance.confidence == max(prediction.stance.scores.values())
    assert sum(prediction.sentiment.scores.values()) == pytest.approx(1)


def test_a_text_scores_the_same_alone_and_in_company(tiny_classifier):
    texts = ["No.", "The momentum of the summit is gone.", "word " * 50, "Kyiv is aware of this."]
    together = tiny_classifier.logits([tiny_classifier.prepare(text) for text in texts])
    for text, row in zip(texts, together, strict=True):
        alone = tiny_classifier.logits([tiny_classifier.prepare(text)])[0]
        np.testing.assert_allclose(alone, row, atol=1e-4)


def test_order_of_answers_is_order_of_texts(tiny_classifier):
    texts = [f"Statement number {n} " + "and more " * (n % 7) for n in range(40)]
    forward = tiny_classifier.classify(texts)
    backward = tiny_classifier.classify(texts[::-1])[::-1]
    assert len({p.stance.confidence for p in forward}) > 5
    for one, other in zip(forward, backward, strict=True):
        assert one.stance.confidence == pytest.approx(other.stance.confidence, abs=1e-5)


def test_long_text_is_marked_truncated(tiny_classifier):
    short, long = tiny_classifier.classify(["A pause.", "a pause in the talks " * 60])
    assert not short.truncated
    assert long.truncated
    assert len(tiny_classifier.prepare("a pause in the talks " * 60)) == tiny_classifier.encoder.max_tokens


def test_uncertain_follows_the_threshold(tiny_classifier):
    for prediction in tiny_classifier.classify(["One.", "Two words here.", "A longer statement about the talks."]):
        assert prediction.uncertain == (prediction.stance.confidence < tiny_classifier.calibration.threshold)


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_empty_text_is_refused(tiny_classifier, text):
    with pytest.raises(EmptyTextError, match="empty"):
        tiny_classifier.classify([text])


def test_text_over_the_limit_is_refused(tiny_classifier):
    with pytest.raises(TextTooLongError, match="20,001"):
        tiny_classifier.classify(["x" * 20_001])


def test_plan_keeps_both_caps_and_every_text():
    lengths = [5, 90, 7, 7, 300, 12, 5, 64]
    plan = plan_batches(lengths, max_items=3, max_padded_tokens=128)
    assert sorted(index for batch in plan for index in batch) == list(range(len(lengths)))
    for batch in plan:
        assert len(batch) <= 3
        assert len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= 128
