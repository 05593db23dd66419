import pytest

from model.errors import LabelMismatchError
from model.labels import SENTIMENTS, STANCES, LabelSpace, names_taken


def test_id2label_round_trips_though_neutral_stands_in_both_groups():
    labels = LabelSpace()
    assert len(set(labels.id2label.values())) == labels.size == len(STANCES) + len(SENTIMENTS)
    assert LabelSpace.from_id2label({str(i): name for i, name in labels.id2label.items()}) == labels


def test_slices_cover_the_head():
    labels = LabelSpace(("yes", "no"), ())
    assert (labels.stance_slice, labels.sentiment_slice) == (slice(0, 2), slice(2, 2))


def test_names_of_other_columns_and_of_sentiments_are_taken():
    assert names_taken(("against", "kind", "Text", "sentiment:calm", "for")) == ["kind", "sentiment:calm"]
    assert names_taken(STANCES) == []


@pytest.mark.parametrize("stance", [("one",), ("a", "a"), ("a", " ")])
def test_impossible_groups(stance):
    with pytest.raises(ValueError, match=r"labels|group"):
        LabelSpace(stance)


@pytest.mark.parametrize("ids", [{0: "a", 2: "b"}, {0: "sentiment:x", 1: "sentiment:y", 2: "a", 3: "b"}, {0: "a"}])
def test_unusable_id2label(ids):
    with pytest.raises(LabelMismatchError):
        LabelSpace.from_id2label(ids)
