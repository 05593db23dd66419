import csv
from pathlib import Path

import pytest

from model.quotes import extract_quotes

SEEDS = Path(__file__).parents[3] / "seeds"
ROWS = list(csv.DictReader((SEEDS / "quotes.csv").read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=[f"{n:02d}" for n in range(len(ROWS))])
def test_gold_statement_is_found_with_kind_and_speaker(row):
    document = (SEEDS / row["document"]).read_bytes().decode()
    found = [s for s in extract_quotes(document) if s.text == row["text"]]
    assert [(s.kind, s.speaker) for s in found] == [(row["kind"], row["speaker"])]


def test_the_seeds_hold_nothing_else():
    documents = sorted({row["document"] for row in ROWS})
    found = sum(len(extract_quotes((SEEDS / name).read_bytes().decode())) for name in documents)
    assert found == len(ROWS)
