"""What is put together anew is made of what was there, is new, and comes out the same for the same seed."""

import re

import pytest

from training.recombine import CLAUSE, COUNTERPARTS, recombined

TEXTS = [
    "Moscow keeps to what was agreed, but Kyiv does not. They will talk again. Nobody knows when.",
    "The talks are dead; Putin never meant them.",
    "We believe in the understandings. It is a good start.",
    "Nothing here joins anything.",
]


def test_the_same_seed_gives_the_same_statements():
    assert recombined(TEXTS, 30, 1) == recombined(TEXTS, 30, 1)
    assert recombined(TEXTS, 30, 1) != recombined(TEXTS, 30, 2)


def test_statements_are_new_and_different():
    found = recombined(TEXTS, 40, 3)
    assert len(found) == len(set(found)) == 40
    assert not set(found) & set(TEXTS)
    assert all(text.strip() == text and text for text in found)


def test_words_come_from_the_texts_or_are_counterparts():
    words = set(re.findall(r"\w+", " ".join([*TEXTS, *(word for group in COUNTERPARTS for word in group)]).lower()))
    for text in recombined(TEXTS, 60, 5):
        assert set(re.findall(r"\w+", text.lower())) <= words, text


def test_every_way_is_taken():
    found = recombined(TEXTS, 80, 7)
    assert any("talks are dead" in text and "good start" in text for text in found), "two statements joined"
    assert any(text.startswith("Kyiv does not.") and "Moscow" not in text for text in found), "a clause alone"
    assert "We believe in the understandings." in found or "It is a good start." in found, "a sentence left out"
    assert any("never meant" not in text and re.search("meant (them|us)", text) for text in found), "words swapped"


@pytest.mark.parametrize("texts", [[], ["One."], ["No joint in here"]])
def test_few_texts_give_few_statements_and_never_hang(texts):
    assert len(recombined(texts, 50, 1)) < 5


def test_none_are_made_where_none_are_wanted():
    assert recombined(TEXTS, 0, 1) == []


def test_clauses_are_cut_at_conjunctions_only():
    joints = [found.group() for found in CLAUSE.finditer("He came, but late; we, not they, waited")]
    assert joints == [", but", ";", ", not"]
