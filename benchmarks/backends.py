"""Compares the backends in one process: speed, memory of the whole, agreement, independence of the batch.

    python benchmarks/backends.py --checkpoint DIR --corpus CSV --rounds 20

Rounds are interleaved (every backend in every round, in another order each time), so that a disturbance of the machine
meets all of them; medians are printed, and ratios to PyTorch float32.
"""

import argparse
import csv
import platform
import random
import statistics
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from model.calibration import softmax
from model.classifier import StanceClassifier
from model.loading import open_classifier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--corpus", type=Path, default=Path("training/corpus/rewritten.csv"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--texts", type=int, default=1000, help="texts on which answers are compared")
    given = parser.parse_args()
    with given.corpus.open(encoding="utf-8", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    random.Random(13).shuffle(texts)
    classifiers = {
        name: open_classifier(given.checkpoint, backend=name, device="cpu") for name in ("torch", "compiled")
    }
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "onnxruntime", "tokenizers")))
    speed(classifiers, texts, given.rounds)
    agreement(classifiers, texts[: given.texts])


def speed(classifiers: dict[str, StanceClassifier], texts: list[str], rounds: int) -> None:
    rng = random.Random(7)
    rates: dict[str, dict[int, list[float]]] = {name: {8: [], 32: []} for name in classifiers}
    alone: dict[str, list[float]] = {name: [] for name in classifiers}
    for _ in range(rounds):
        drawn = {size: rng.sample(texts, size) for size in (8, 32)}
        singles = rng.sample(texts, 5)
        for name in rng.sample(list(classifiers), len(classifiers)):
            classifier = classifiers[name]
            for size, batch in drawn.items():
                started = time.perf_counter()
                classifier.classify(batch)
                rates[name][size].append(size / (time.perf_counter() - started))
            for text in singles:
                started = time.perf_counter()
                classifier.classify([text])
                alone[name].append(1000 * (time.perf_counter() - started))
    reference = statistics.median(rates["torch"][32])
    for name, classifier in classifiers.items():
        eight, many = (statistics.median(rates[name][size]) for size in (8, 32))
        print(
            f"{classifier.backend.name:<12} {eight:6.0f} texts/s by 8, {many:6.0f} by 32 "
            f"({many / reference:.2f} x torch), a lone text {statistics.median(alone[name]):.1f} ms"
        )


def agreement(classifiers: dict[str, StanceClassifier], texts: list[str]) -> None:
    torch, compiled = classifiers["torch"], classifiers["compiled"]
    items = [torch.prepare(text) for text in texts]
    part = torch.labels.stance_slice

    def probabilities(classifier: StanceClassifier, logits: np.ndarray) -> np.ndarray:
        return softmax(logits[:, part], classifier.calibration.stance_temperature)

    right = probabilities(torch, torch.logits(items))
    given = probabilities(torch, compiled.logits(items))
    single = probabilities(torch, np.concatenate([compiled.logits([item]) for item in items]))
    print(
        f"{len(texts)} texts: same stance on {np.mean(right.argmax(1) == given.argmax(1)):.2%}, probabilities "
        f"differ by at most {np.abs(right - given).max():.4f}; alone and in a batch by at most "
        f"{np.abs(single - given).max():.6f}"
    )


if __name__ == "__main__":
    main()
