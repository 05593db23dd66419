import json
import re

import numpy as np
import pytest

from model.records import LabelScores, Prediction
from training.baselines import Embedded, baselines, suspects
from training.data import Row
from training.evaluate import measure
from training.report import Background, class_intervals, write_report

LABELS = ("bad", "good", "open")


def predictions_for(rows, wrong=4):
    out = []
    for n, row in enumerate(rows):
        label = LABELS[(LABELS.index(row.stance) + (n % wrong == 0)) % 3]
        scores = {name: 0.8 if name == label else 0.1 for name in LABELS}
        out.append(Prediction(LabelScores(label, 0.8, scores), None, uncertain=False, truncated=False))
    return out


@pytest.fixture
def rows():
    return [Row("f.csv", n + 2, f"<b>statement</b> & {n}", LABELS[n % 3]) for n in range(90)]


def test_the_page_is_one_small_file_without_links_and_with_every_section(rows, tmp_path):
    from model.labels import LabelSpace

    given = predictions_for(rows)
    figures = measure(LabelSpace(LABELS, ()), rows, given)
    history = [
        {"step": 10, "loss": 1.0},
        {"step": 10, "epoch": 1, "validation_macro_f1": 0.5},
        {"step": 20, "loss": 0.5},
    ]
    doubt = {"row": 7, "stance": "bad", "likelier": "good", "margin": 0.4, "text": "doubtful"}
    known = Background(
        title="a-checkpoint",
        facts={"base": "tiny"},
        split={"train": {"bad": 3}},
        warnings=["only 3 rows"],
        baselines={"majority": 0.2},
        history=history,
        suspects=[doubt],
        cross_validation={"macro_f1": 0.6, "by_fold": [0.5, 0.7]},
    )
    write_report(tmp_path, "test", rows, figures, given, known)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(page) < 400_000
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "<b>statement" not in page
    for part in ("a-checkpoint", "only 3 rows", "majority", "doubtful", "most confident errors", "0.500, 0.700"):
        assert part in page
    assert page.count("data:image/png;base64,") == 4
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["learning_curve"] == {"loss": [[10, 1.0], [20, 0.5]], "validation_macro_f1": [[10, 0.5]]}
    assert report["suspected_label_errors"] == [doubt]
    assert len(report["confident_errors"]) == sum(r.stance != p.stance.label for r, p in zip(rows, given, strict=True))


def test_intervals_hold_the_figures(rows):
    from model.labels import LabelSpace

    given = predictions_for(rows)
    figures = measure(LabelSpace(LABELS, ()), rows, given)
    intervals = class_intervals(rows, given, LABELS)
    for label, each in figures.per_class.items():
        for name in ("precision", "recall", "f1"):
            low, high = intervals[label][name]
            assert 0 <= low < getattr(each, name) < high <= 1
            assert high - low < 0.4


def test_swapped_labels_are_suspected_and_simple_methods_measured():
    generator = np.random.default_rng(0)
    centres = np.eye(3, 8) * 4
    rows, vectors = [], []
    for n in range(120):
        label = n % 3
        rows.append(Row("d/f.csv", n + 2, f"word{label} common {n}", LABELS[label]))
        vectors.append(centres[label] + generator.normal(size=8) * 0.5)
    swapped = {5, 40, 77}
    marked = [Row(r.file, r.number, r.text, LABELS[(n + 1) % 3]) if n in swapped else r for n, r in enumerate(rows)]
    train = Embedded(marked, np.array(vectors, dtype=np.float32))
    found = suspects(train, LABELS, seed=0)
    assert {item["row"] - 2 for item in found} == swapped
    assert found[0]["file"] == "f.csv"
    scores = baselines(train, Embedded(rows[:60], train.vectors[:60]), marked, LABELS)
    assert scores["majority"] < 0.2
    assert scores["TF-IDF and logistic regression"] > 0.9
    assert scores["frozen encoder and logistic regression"] > 0.9
