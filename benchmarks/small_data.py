"""What few rows a label give: this project's recipe against a frozen encoder and TF-IDF, on the same draws.

    python benchmarks/small_data.py LABELLED.csv [--base minilm] [--rows 8 32 64] [--draws 5] [--recipe auto]

The file needs a `split` column with `train` and `test` rows. Each draw takes so many rows of every label from the
training rows (seeded); every method learns from those alone and is measured on all test rows. The recipe's network is
the one that `stance train` would write; its calibration, which changes no label, is left out.
"""

import argparse
import random
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from model.bases import resolve_base
from training.baselines import embed_rows
from training.config import recipe_for
from training.data import read_labelled
from training.evaluate import macro_f1
from training.learn import Lesson, learn
from training.progress import ignore_progress

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("csv", type=Path)
parser.add_argument("--base", default="minilm")
parser.add_argument("--rows", type=int, nargs="+", default=[8, 32, 64], help="rows a label")
parser.add_argument("--draws", type=int, default=5)
parser.add_argument("--recipe", default="auto")
parser.add_argument("--head-strength", type=float, help="inverse regularisation of both logistic regressions")
parser.add_argument("--epochs", type=int)
parser.add_argument("--learning-rate", type=float)
parser.add_argument("--on", default="test", choices=["test", "validation"], help="rows to measure on")
given = parser.parse_args()

data = read_labelled(given.csv)
base, stances = resolve_base(given.base), data.labels.stance
pool = [row for row in data.rows if row.split in ("", "train")]
test = [row for row in data.rows if row.split == given.on]
gold = np.array([stances.index(row.stance) for row in test])
plain = recipe_for(given.base, "frozen")
embedded = embed_rows(base, plain, pool)
pool, vectors = embedded.rows, {r.where: vector for r, vector in zip(embedded.rows, embedded.vectors, strict=True)}
held = embed_rows(base, plain, test).vectors


def score(answers: Any) -> float:
    """Macro-F1 on the test rows."""
    return macro_f1(gold, np.asarray(answers), len(stances))


print(f"{given.csv.name}: {len(pool)} rows to draw from, {len(test)} to measure on; base {base.name}")
for count in given.rows:
    scores = defaultdict(list)
    for draw in range(given.draws):
        generator = random.Random(1000 * count + draw)
        rows = [row for s in stances for row in generator.sample([r for r in pool if r.stance == s], count)]
        generator.shuffle(rows)
        labels = [stances.index(row.stance) for row in rows]
        words = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10))
        scores["TF-IDF"].append(score(words.fit([r.text for r in rows], labels).predict([r.text for r in test])))
        known = np.stack([vectors[row.where] for row in rows])
        for strength in (1.0, 10.0):
            frozen = LogisticRegression(C=strength, max_iter=2000).fit(known, labels)
            scores[f"frozen encoder, C={strength:g}"].append(score(frozen.predict(held)))
        settings = {"epochs": given.epochs, "learning_rate": given.learning_rate, "head_strength": given.head_strength}
        recipe = recipe_for(given.base, given.recipe, rows_a_label=count, seed=draw, **settings)
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as work:
            lesson = Lesson(base, data.labels, recipe, data.name, Path(work))
            network, tokenizer, _ = learn(lesson, rows, ignore_progress)
        from training.fit import network_logits
        from training.network import text_encoder

        logits = network_logits(network, text_encoder(tokenizer, recipe.max_tokens), [row.text for row in test])
        scores[f"recipe {recipe.method}"].append(score(logits[:, data.labels.stance_slice].argmax(axis=1)))
        scores["seconds"].append(time.monotonic() - start)
    for name, values in scores.items():
        each = " ".join(f"{value:.3f}" for value in values)
        print(f"{count:>4} a label  {name:<24} {np.mean(values):.3f}  ({each})", flush=True)
