import csv

import pytest

from model.loading import open_classifier
from training.robustness import EDITS, flip_rates


def test_every_edit_changes_words_that_it_is_about():
    text = "They've told Kyiv it isn’t over."
    changed = {name: edit(text) for name, edit in EDITS.items()}
    assert changed["Kiev and Kyiv"] == "They've told Kiev it isn’t over."
    assert changed["bracketed insertion"] == "They [as mentioned]'ve told Kyiv it isn’t over."
    assert changed["closing comma"].endswith("over,")
    assert changed["straight apostrophes"] == "They've told Kyiv it isn't over."
    assert changed["curly apostrophes"] == "They’ve told Kyiv it isn’t over."
    assert changed["case of the first letter"].startswith("they")


@pytest.mark.slow
def test_the_shipped_checkpoint_flips_at_most_three_percent(root, seeds):
    with (seeds / "quotes.csv").open(encoding="utf-8", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    with (root / "training" / "corpus" / "rewritten.csv").open(encoding="utf-8", newline="") as stream:
        texts += [row["text"] for row in csv.DictReader(stream)][::8]
    rates = flip_rates(open_classifier(root / "model" / "checkpoints" / "anchorage-minilm", warm_up=False), texts)
    flipped, changed = map(sum, zip(*rates.values(), strict=True))
    assert changed > 2000
    assert flipped / changed <= 0.03, rates
    for name, (wrong, tried) in rates.items():
        assert wrong <= (0.08 if name == "bracketed insertion" else 0.05) * tried + 1, name
