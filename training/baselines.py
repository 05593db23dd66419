"""What simple methods reach on the same split, and which training rows they take for mislabelled."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from model.bases import Base
from training.config import Recipe, is_large
from training.data import Row
from training.evaluate import macro_f1

MOST_EMBEDDED, MOST_EMBEDDED_LARGE = 8000, 2500
"""Rows that are embedded at most, and by a large encoder: the report must not take as long as the training."""
SUSPECT_FOLDS = 5
MOST_SUSPECTS = 50


@dataclass(frozen=True)
class Embedded:
    """Rows with their frozen embeddings.

    Args:
        rows: a seeded sample where they are many, in their order.
        vectors: float32 (rows, hidden), each of length 1: the mean over the tokens of the base's last layer.
    """

    rows: list[Row]
    vectors: NDArray[np.float32]


def embed_rows(base: Base, recipe: Recipe, rows: Sequence[Row]) -> Embedded:
    """Embed rows by the base as it came."""
    from transformers import AutoModel, AutoTokenizer

    from training.fewshot import mean_embeddings
    from training.network import text_encoder

    most = MOST_EMBEDDED_LARGE if is_large(recipe.base) else MOST_EMBEDDED
    picked = list(rows)
    if len(picked) > most:
        chosen = np.random.default_rng(recipe.seed).choice(len(picked), most, replace=False)
        picked = [picked[i] for i in sorted(chosen)]
    network = AutoModel.from_pretrained(base.source, use_safetensors=True)
    encoder = text_encoder(AutoTokenizer.from_pretrained(base.source), recipe.max_tokens)
    vectors = mean_embeddings(network.float(), encoder, [row.text for row in picked])
    return Embedded(picked, vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


def baselines(train: Embedded, held: Embedded, all_train: Sequence[Row], stances: Sequence[str]) -> dict[str, float]:
    """Return method -> macro-F1 on the held-out rows.

    Args:
        train: embedded training rows.
        held: embedded held-out rows.
        all_train: all training rows, for the methods that need no embedding.
        stances: the labels.
    """
    gold = _indices(held.rows, stances)
    words = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b"),
        LogisticRegression(C=10, max_iter=1000, class_weight="balanced"),
    )
    words.fit([row.text for row in all_train], _indices(all_train, stances))
    frozen = _regression().fit(train.vectors, _indices(train.rows, stances))
    commonest = Counter(row.stance for row in all_train).most_common(1)[0][0]
    given = {
        "majority": np.full(len(gold), stances.index(commonest)),
        "TF-IDF and logistic regression": words.predict([row.text for row in held.rows]),
        "frozen encoder and logistic regression": frozen.predict(held.vectors),
    }
    return {name: round(macro_f1(gold, np.asarray(g), len(stances)), 4) for name, g in given.items()}


def suspects(train: Embedded, stances: Sequence[str], seed: int, most: int = MOST_SUSPECTS) -> list[dict[str, Any]]:
    """Return training rows whose label is likely wrong, the likeliest first.

    Each row is judged by a logistic regression on frozen embeddings that has not seen it. It is suspected where another
    label reaches that label's own mean confidence, and its own label does not (confident learning; Northcutt et al.,
    2021).
    """
    gold = _indices(train.rows, stances)
    counts = np.bincount(gold, minlength=len(stances))
    folds = min(SUSPECT_FOLDS, int(counts[counts > 0].min()))
    if folds < 2 or (counts > 0).sum() < 2:
        return []
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    known = np.unique(gold)
    out = np.zeros((len(gold), len(stances)))
    out[:, known] = cross_val_predict(_regression(), train.vectors, gold, cv=splitter, method="predict_proba")
    own = out[np.arange(len(gold)), gold]
    usual = np.array([own[gold == i].mean() if (gold == i).any() else np.inf for i in range(len(stances))])
    reached = np.where(out >= usual, out, -1.0)
    reached[np.arange(len(gold)), gold] = -1.0
    other = reached.argmax(axis=1)
    doubtful = np.flatnonzero((reached.max(axis=1) > 0) & (own < usual[gold]))
    margin = out[np.arange(len(gold)), other] - own
    return [
        {
            "row": train.rows[i].number,
            "file": train.rows[i].file.rsplit("/", 1)[-1],
            "stance": train.rows[i].stance,
            "likelier": stances[other[i]],
            "margin": round(float(margin[i]), 3),
            "text": train.rows[i].text,
        }
        for i in doubtful[np.argsort(-margin[doubtful], kind="stable")][:most]
        if margin[i] > 0
    ]


def _regression() -> LogisticRegression:
    return LogisticRegression(C=10, max_iter=1000, class_weight="balanced")


def _indices(rows: Sequence[Row], stances: Sequence[str]) -> NDArray[np.int64]:
    return np.array([list(stances).index(row.stance) for row in rows], dtype=np.int64)
