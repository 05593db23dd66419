"""The report beside a checkpoint: `report.json` for machines, `report.html` for people, one file without links."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.checkpoint import write_text_atomic
from model.records import Prediction
from training.data import Row
from training.evaluate import Evaluation, confident_errors

DRAWS = 1000
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1f2933;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid #d9e2ec}
table{border-collapse:collapse;margin:.6rem 0}
th,td{padding:.25rem .7rem;text-align:left;border-bottom:1px solid #e6ebf0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}img{max-width:48%;height:auto}.note{color:#52606d}
"""


@dataclass(frozen=True)
class Background:
    """What a training run knows besides the figures.

    Args:
        title: the checkpoint.
        facts: what it is in words: name -> value.
        split: split -> stance -> rows.
        warnings: of the file.
        baselines: method -> macro-F1 on the same rows.
        history: the training history, see `training.fit.fit`.
        suspects: training rows whose label is likely wrong.
        cross_validation: figures by fold, where there were folds.
    """

    title: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    split: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    baselines: Mapping[str, float] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    suspects: Sequence[Mapping[str, Any]] = ()
    cross_validation: Mapping[str, Any] | None = None

    def curve(self) -> dict[str, list[list[float]]]:
        """Return the learning curve: [step, loss] and [step, validation macro-F1]."""
        return {
            "loss": [[e["step"], round(e["loss"], 4)] for e in self.history if "loss" in e],
            "validation_macro_f1": [
                [e["step"], e["validation_macro_f1"]] for e in self.history if "validation_macro_f1" in e
            ],
        }


def write_report(
    folder: Path,
    name: str,
    rows: Sequence[Row],
    evaluation: Evaluation,
    predictions: Sequence[Prediction],
    background: Background | None = None,
) -> None:
    """Write `report.html`, `report.json`, `errors.json` and the plots into a folder.

    Args:
        folder: made where it does not exist.
        name: what the rows are, for titles (`validation`, a file name, ...).
        rows: the labelled rows.
        evaluation: their figures.
        predictions: in the order of the rows.
        background: what the training knows; None for an evaluation alone.
    """
    from training.plots import plot_confusion, plot_learning, plot_reliability, plot_risk_coverage

    known = background or Background()
    folder.mkdir(parents=True, exist_ok=True)
    intervals = class_intervals(rows, predictions, evaluation.labels)
    errors = confident_errors(rows, predictions)
    confidence = np.array([p.stance.confidence for p in predictions])
    correct = np.array([p.stance.label == r.stance for r, p in zip(rows, predictions, strict=True)])
    plot_confusion(folder / "confusion.png", name, evaluation)
    plot_reliability(folder / "reliability.png", name, confidence, correct)
    plot_risk_coverage(folder / "risk_coverage.png", name, confidence, correct)
    plots = ["confusion.png", "reliability.png", "risk_coverage.png"]
    if known.curve()["loss"]:
        plot_learning(folder / "learning.png", known.curve())
        plots.append("learning.png")
    content = {
        "set": name,
        **asdict(evaluation),
        "intervals": intervals,
        "data": {"split": known.split, "warnings": list(known.warnings), **_lengths(rows)},
        "baselines": known.baselines,
        "learning_curve": known.curve(),
        "cross_validation": known.cross_validation,
        "confident_errors": errors,
        "suspected_label_errors": list(known.suspects),
    }
    write_text_atomic(folder / "report.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    write_text_atomic(folder / "errors.json", json.dumps(errors, indent=2, ensure_ascii=False) + "\n")
    pictures = [(plot, (folder / plot).read_bytes()) for plot in plots]
    page = _page(name, evaluation, intervals, errors, known, pictures, _lengths(rows))
    write_text_atomic(folder / "report.html", page)


def class_intervals(
    rows: Sequence[Row], predictions: Sequence[Prediction], labels: Sequence[str], seed: int = 0
) -> dict[str, dict[str, tuple[float, float]]]:
    """Return stance -> `precision`, `recall`, `f1` -> 95 % percentile interval over resampled rows."""
    index = {label: i for i, label in enumerate(labels)}
    size = len(labels)
    cells = np.array([index[r.stance] * size + index[p.stance.label] for r, p in zip(rows, predictions, strict=True)])
    generator = np.random.default_rng(seed)
    tables = np.stack(
        [
            np.bincount(cells[generator.integers(0, len(cells), len(cells))], minlength=size * size).reshape(size, size)
            for _ in range(DRAWS)
        ]
    )  # (draws, gold, given)
    hits = np.diagonal(tables, axis1=1, axis2=2)
    gold, given = tables.sum(axis=2), tables.sum(axis=1)
    draws: dict[str, NDArray[np.float64]] = {
        "precision": hits / np.maximum(given, 1),
        "recall": hits / np.maximum(gold, 1),
        "f1": 2 * hits / np.maximum(gold + given, 1),
    }
    return {
        label: {
            name: (round(float(low), 4), round(float(high), 4))
            for name, values in draws.items()
            for low, high in [np.percentile(values[:, i], [2.5, 97.5])]
        }
        for label, i in index.items()
    }


def _lengths(rows: Sequence[Row]) -> dict[str, Any]:
    words = sorted(len(row.text.split()) for row in rows)
    return {"measured_rows": len(rows), "median_words": words[len(words) // 2], "longest_words": words[-1]}


def _table(header: Sequence[str], body: Sequence[Sequence[Any]]) -> str:
    def cell(value: Any, tag: str) -> str:
        number = isinstance(value, int | float)
        shown = f"{value:.3f}" if isinstance(value, float) else escape(str(value))
        return f"<{tag}{' class=n' if number else ''}>{shown}</{tag}>"

    lines = ["<tr>" + "".join(cell(value, "td") for value in row) + "</tr>" for row in body]
    return "<table><tr>" + "".join(cell(h, "th") for h in header) + "</tr>" + "".join(lines) + "</table>"


def _page(
    name: str,
    evaluation: Evaluation,
    intervals: Mapping[str, Mapping[str, tuple[float, float]]],
    errors: Sequence[Mapping[str, Any]],
    known: Background,
    pictures: Sequence[tuple[str, bytes]],
    lengths: Mapping[str, Any],
) -> str:
    low, high = evaluation.macro_f1_interval
    figures = [
        ["macro-F1", f"{evaluation.macro_f1:.3f} (95 % bootstrap interval {low:.3f} to {high:.3f})"],
        ["accuracy", f"{evaluation.accuracy:.3f}; stance or secondary {evaluation.secondary_accuracy:.3f}"],
        ["expected calibration error", f"{evaluation.ece:.3f} (15 bins)"],
        ["not uncertain", f"{evaluation.coverage:.0%} of the rows, {evaluation.covered_accuracy:.0%} of them right"],
    ]
    if evaluation.sentiment_macro_f1 is not None:
        tone = f"{evaluation.sentiment_macro_f1:.3f} on {evaluation.sentiment_rows} rows"
        figures.append(["sentiment macro-F1", tone])
    if known.cross_validation:
        each = ", ".join(f"{score:.3f}" for score in known.cross_validation["by_fold"])
        figures.append(["cross-validation macro-F1", f"{known.cross_validation['macro_f1']:.3f} (by fold: {each})"])
    classes = [
        [
            label,
            *(_with_interval(getattr(each, kind), intervals[label][kind]) for kind in ("precision", "recall", "f1")),
            each.support,
        ]
        for label, each in evaluation.per_class.items()
    ]
    title = known.title or name
    parts = [f"<h1>{escape(title)}</h1>"]
    if known.facts:
        parts.append(_table(["", ""], list(known.facts.items())))
    parts += [f"<h2>Figures on the {evaluation.rows} {escape(name)} rows</h2>", _table(["", ""], figures)]
    parts.append(_table(["stance", "precision", "recall", "F1", "rows"], classes))
    parts.append("<p class=note>In brackets: 95 % bootstrap intervals over rows.</p>")
    if known.baselines:
        ours = [["this checkpoint", float(evaluation.macro_f1)]]
        parts += ["<h2>Simple methods on the same split</h2>"]
        parts.append(_table(["method", "macro-F1"], [*map(list, known.baselines.items()), *ours]))
    parts.append("<h2>Confusion, reliability, risk and coverage, learning</h2>")
    for plot, raw in pictures:
        source = base64.b64encode(raw).decode("ascii")
        parts.append(f'<img alt="{escape(plot.removesuffix(".png"))}" src="data:image/png;base64,{source}">')
    parts.append("<h2>Data</h2>")
    if known.split:
        stances = sorted({stance for counts in known.split.values() for stance in counts})
        counted = [[split, sum(c.values()), *(c.get(s, 0) for s in stances)] for split, c in known.split.items()]
        parts.append(_table(["split", "rows", *stances], counted))
    parts.append(
        f"<p>Measured rows: {lengths['median_words']} words in the median, {lengths['longest_words']} at most.</p>"
    )
    if known.warnings:
        parts.append("<ul>" + "".join(f"<li>{escape(w)}</li>" for w in list(known.warnings)[:30]) + "</ul>")
    wrong = [[e["row"], e["stance"], e["given"], e["confidence"], e["text"]] for e in errors]
    parts += [f"<h2>The {len(errors)} most confident errors</h2>"]
    parts.append(_table(["row", "labelled", "given", "confidence", "text"], wrong))
    if known.suspects:
        doubted = [[s["row"], s["stance"], s["likelier"], s["margin"], s["text"]] for s in known.suspects]
        parts.append("<h2>Training rows whose label may be wrong</h2>")
        parts.append(
            "<p class=note>By logistic regression on the base's embeddings, out of fold: it knows less than a careful "
            "reader. Look at them; do not change them unread.</p>"
        )
        parts.append(_table(["row", "labelled", "likelier", "margin", "text"], doubted))
    body = "\n".join(parts)
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"


def facts_of(labels: Sequence[str], recipe: Mapping[str, Any], base: str, corpus: str, rows: int) -> dict[str, str]:
    """Return what a reader asks first of a checkpoint, in words."""
    return {
        "stances": ", ".join(labels),
        "base": base,
        "corpus": f"{corpus}, {rows} rows",
        "recipe": f"{recipe['method']}, {recipe['epochs']} epochs, seed {recipe['seed']}",
    }
