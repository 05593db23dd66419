"""Simple methods and checkpoints on one labelled set, as one table.

    python benchmarks/quality.py TEST.csv --train CSV... --checkpoint DIR... [--frozen minilm mpnet]

The simple methods learn from the `train` rows of the files given by `--train`: the commonest stance, TF-IDF with
logistic regression, and each frozen encoder with logistic regression. Sentiment is compared with VADER (Hutto and
Gilbert, 2014; `pip install vaderSentiment`), where it is installed, at its authors' thresholds of 0.05. Intervals are
95 % bootstrap ones over the rows.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from model.bases import resolve_base
from model.loading import open_classifier
from training.config import recipe_for
from training.data import read_labelled
from training.evaluate import bootstrap_interval, macro_f1
from training.network import text_encoder
from training.warm_start import mean_embeddings

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("csv", type=Path)
parser.add_argument("--train", type=Path, nargs="+", default=[])
parser.add_argument("--checkpoint", type=Path, nargs="*", default=[])
parser.add_argument("--frozen", nargs="*", default=["minilm"], help="encoders for logistic regression")
given = parser.parse_args()

test = read_labelled(given.csv)
train = [row for row in read_labelled(*given.train).rows if row.split in ("", "train")] if given.train else []
texts = [row.text for row in test.rows]


def line(name, answers, column, labels):
    """Print one row of the table; rows without a gold label do not count."""
    gold = [getattr(row, column) for row in test.rows]
    kept = [i for i, label in enumerate(gold) if label in labels]
    right, told = (np.array([labels.index(each[i]) for i in kept]) for each in (gold, answers))
    low, high = bootstrap_interval(right, told, len(labels))
    each_f1 = f1_score(right, told, labels=range(len(labels)), average=None, zero_division=0)
    score = macro_f1(right, told, len(labels))
    classes = " / ".join(f"{value:.2f}" for value in each_f1)
    print(f"| {name} | {score:.3f} ({low:.3f} to {high:.3f}) | {classes} | {(right == told).mean():.3f} |", flush=True)


stances = list(test.labels.stance)
print(f"{given.csv.name}, {len(test.rows)} rows; {len(train)} training rows\n")
print(f"| stance | macro-F1 (95 %) | {' / '.join(stances)} | accuracy |\n| --- | --- | --- | --- |")
if train:
    known = [row.stance for row in train]
    line("majority", [Counter(known).most_common(1)[0][0]] * len(texts), "stance", stances)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    simple = make_pipeline(words, LogisticRegression(C=10, max_iter=1000, class_weight="balanced"))
    line("TF-IDF, logistic regression", simple.fit([r.text for r in train], known).predict(texts), "stance", stances)
for name in given.frozen if train else []:
    from transformers import AutoModel, AutoTokenizer

    base = resolve_base(name)
    network = AutoModel.from_pretrained(base.source, use_safetensors=True).float()
    encoder = text_encoder(AutoTokenizer.from_pretrained(base.source), recipe_for(name).max_tokens)
    vectors = [mean_embeddings(network, encoder, part) for part in ([r.text for r in train], texts)]
    learned, asked = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in vectors)
    regression = LogisticRegression(C=10, max_iter=2000, class_weight="balanced").fit(learned, known)
    line(f"frozen {base.name}, logistic regression", regression.predict(asked), "stance", stances)
answers = {}
for folder in given.checkpoint:
    classifier = open_classifier(folder)
    predictions = classifier.classify(texts)
    answers[classifier.checkpoint_id] = predictions
    name = f"{classifier.checkpoint_id} ({classifier.backend.name})"
    line(name, [p.stance.label for p in predictions], "stance", stances)

sentiments = list(test.labels.sentiment)
if sentiments:
    print(f"\n| sentiment | macro-F1 (95 %) | {' / '.join(sentiments)} | accuracy |\n| --- | --- | --- | --- |")
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        print("VADER is not installed: pip install vaderSentiment")
    else:
        scores = [SentimentIntensityAnalyzer().polarity_scores(text)["compound"] for text in texts]
        told = ["positive" if s >= 0.05 else "negative" if s <= -0.05 else "neutral" for s in scores]
        line("VADER", told, "sentiment", sentiments)
    for name, predictions in answers.items():
        line(name, [p.sentiment.label for p in predictions], "sentiment", sentiments)
