import random

import pytest

from training.augment import EDITS, INSERTIONS, edited

TEXT = "They've told Kyiv it isn't over."


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_an_edit_keeps_the_words(edit):
    changed = edit(TEXT, random.Random(1))
    assert changed != TEXT or edit.__name__ == "closing"
    for insertion in INSERTIONS:
        changed = changed.replace(f"[{insertion}] ", "")
    plain = changed.replace("’", "'").replace("Kiev", "Kyiv").strip("“”\"‘«»'").rstrip(".,").lower()
    assert plain == TEXT.rstrip(".").lower()


def test_the_same_chance_gives_the_same_edits():
    first = [edited(TEXT, random.Random(seed)) for seed in range(20)]
    assert first == [edited(TEXT, random.Random(seed)) for seed in range(20)]
    assert len(set(first)) > 10


@pytest.mark.parametrize("text", ["", "No", "[no]", "'"])
def test_short_texts_survive(text):
    for seed in range(30):
        assert isinstance(edited(text, random.Random(seed)), str)
