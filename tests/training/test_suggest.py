import csv
import json

import pytest

from model.errors import DataError
from training.data import read_labelled
from training.suggest import COLUMNS, suggest, write_suggestions


def scored(text, confidence, **more):
    rest = (1 - confidence) / 2
    scores = {"good": confidence, "bad": rest, "open": rest}
    first = {"document": "d.txt", "statement": 1, "speaker": "A, B", "text": text, "stance": "good"}
    return {**first, "confidence": confidence, **scores, "sentiment": "neutral", "sentiment_confidence": 0.9, **more}


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "results.jsonl"
    rows = [scored(f"Contact number {n} continues without any news {n}", 0.9) for n in range(40)]
    rows += [scored("The talks have run into the sand, the minister said", 0.4)]
    rows += [scored("The talks have run into the sand, the minister said!", 0.41)]
    rows += [scored("Twin of another", 0.35, duplicate_of="d.txt#3")]
    rows += [scored("A wholly different doubt about gas prices", 0.45)]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def test_uncertain_and_unlike_each_other_first(results):
    texts = [candidate.text for candidate in suggest(results, 3)]
    assert texts[0] == "The talks have run into the sand, the minister said"
    assert texts[1] == "A wholly different doubt about gas prices"
    assert texts[2].startswith("Contact number")
    assert not any("Twin" in text for text in texts)


def test_no_two_picks_are_the_same_statement(results):
    texts = [candidate.text for candidate in suggest(results, 100)]
    assert len(texts) == len(set(texts))
    assert "The talks have run into the sand, the minister said!" not in texts


def test_the_file_to_fill_in_is_a_labelled_csv_once_it_is_filled_in(results, tmp_path):
    out = tmp_path / "to_label.csv"
    write_suggestions(out, suggest(results, 8))
    rows = list(csv.DictReader(out.read_text(encoding="utf-8-sig").splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["stance"], rows[0]["context"]) == ("", "")
    assert (rows[0]["speaker"], rows[0]["given_stance"], rows[0]["confidence"]) == ("A, B", "good", "0.4")
    filled = out.read_text(encoding="utf-8-sig").splitlines()
    with out.open("w", encoding="utf-8-sig") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(
            [*line[:1], ("good", "bad")[n % 2], *line[2:]] for n, line in enumerate(csv.reader(filled[1:]))
        )
    assert len(read_labelled(out).rows) == 8


def test_csv_results_are_read_too(results, tmp_path):
    path = tmp_path / "results.csv"
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "duplicate_of"])
        writer.writeheader()
        writer.writerows(rows)
    assert [c.text for c in suggest(path, 2)] == [c.text for c in suggest(results, 2)]


@pytest.mark.parametrize(
    ("content", "part"),
    [("", "no scored statement"), ("{", "line 1: no JSON"), ('{"text": "x"}\n', "row 1"), ("[1]\n", "no JSON object")],
)
def test_what_is_no_result_is_named(tmp_path, content, part):
    path = tmp_path / "r.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=part):
        suggest(path, 5)
