"""Measures folder scoring: rate against the in-process ceiling, peak memory, and whether cost is linear.

    python benchmarks/folder.py --articles 2000 20000 --checkpoint DIR

Articles are recombined from the seed documents and the training corpus: about five statements each, a third of them
syndicated (their words stood in an earlier article). The ceiling is the classifier alone, given the distinct
statements of the run in one list, measured before and after it.
"""

import argparse
import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEAKERS = (
    *("Yury Ushakov", "Dmitry Peskov", "Sergey Ryabkov", "Maria Zakharova", "Kirill Dmitriev", "Marco Rubio"),
    *("Keith Kellogg", "Kaja Kallas", "Andriy Sybiha", "Radoslaw Sikorski", "Friedrich Merz", "Anna Berg"),
)
ROLES = ("the presidential aide", "the minister", "the envoy", "the spokesman", "the diplomat", "the lawmaker")
CEILING_TEXTS = 6000


def clauses() -> tuple[list[str], list[str]]:
    """Return first and second halves of the corpus's statements, cut at a comma in the middle or at a space."""
    first, second = [], []
    for path in (
        ROOT / "training/corpus/rewritten.csv",
        ROOT / "training/corpus/invented.csv",
        ROOT / "seeds/quotes.csv",
    ):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                words = re.sub(r"[“”\"«»]", "", row["text"]).strip(" ,.").split()
                if len(words) < 6:
                    continue
                middle = len(words) // 2
                first.append(" ".join(words[:middle]))
                second.append(" ".join(words[middle:]))
    return first, second


def reporting() -> list[str]:
    """Return paragraphs of the seed documents that quote nobody."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "seeds").glob("*.txt"))]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    return [line for line in lines if 120 < len(line) < 600 and not re.search(r"[“”\"«»]", line)]


def articles(count: int, seed: int = 0) -> Iterator[str]:
    """Yield articles; the n-th is the same whatever the count."""
    rng = random.Random(seed)
    first, second = clauses()
    paragraphs = reporting()
    said: list[str] = []
    for _ in range(count):
        parts = [f"Statement on the talks, {rng.choice(SPEAKERS)}", rng.choice(paragraphs)]
        for _ in range(rng.randint(4, 6)):
            if said and rng.random() < 1 / 3:
                statement = rng.choice(said[-20000:])
            else:
                statement = f"{rng.choice(first)} {rng.choice(second)}"
                statement = statement[0].upper() + statement[1:]
                said.append(statement)
            speaker = rng.choice(SPEAKERS)
            parts.append(
                rng.choice(
                    (
                        f"“{statement},” {speaker} said.",
                        f"{speaker} told reporters: “{statement}.”",
                        f"“{statement},” {rng.choice(ROLES)} {speaker} said on Monday.",
                    )
                )
            )
            if rng.random() < 0.4:
                parts.append(rng.choice(paragraphs))
        yield "\n\n".join(parts) + "\n"


def generate(folder: Path, count: int) -> None:
    """Write articles into subfolders of a thousand."""
    for number, article in enumerate(articles(count)):
        path = folder / f"{number // 1000:03}" / f"article-{number:07}.txt"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_text(article, encoding="utf-8")


CPU = """
import resource, sys, time, json, random
def cpu():
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(each.ru_utime + each.ru_stime for each in both)
"""

SCORE = (
    CPU
    + """
from pathlib import Path
from model.loading import open_classifier
from service.folder.engine import LocalEngine
from service.folder.runner import Task, score_folder
if __name__ == "__main__":
    folder, out, checkpoint, workers = sys.argv[1:]
    classifier = open_classifier(Path(checkpoint) if checkpoint else None)
    classifier.classify(["Warm.", "Warm it up with a longer text, too. " * 4] * 20)
    start, used = time.perf_counter(), cpu()
    with LocalEngine(classifier, int(workers) if workers else None) as engine:
        summary = score_folder(Task(folder, Path(out)), engine, classifier.labels, classifier.checkpoint_id)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "cpu_s": cpu() - used, "documents": summary.documents,
                      "rows": summary.statements, "duplicates": summary.duplicates,
                      "backend": classifier.backend.name}))
"""
)

CEILING = (
    CPU
    + """
from pathlib import Path
from model.loading import open_classifier
rows, checkpoint, most = sys.argv[1:]
texts = [row["text"] for row in map(json.loads, open(rows, encoding="utf-8")) if not row["duplicate_of"]]
texts = random.Random(0).sample(texts, min(int(most), len(texts)))
classifier = open_classifier(Path(checkpoint) if checkpoint else None)
classifier.classify(["Warm.", "Warm it up with a longer text, too. " * 4] * 20)
start, used = time.perf_counter(), cpu()
classifier.classify(texts)
seconds = time.perf_counter() - start
print(json.dumps({"texts_per_s": len(texts) / seconds, "cpu_ms": 1000 * (cpu() - used) / len(texts)}))
"""
)


def run(code: str, *arguments: str) -> tuple[dict, float]:
    """Run code in a process of its own; return what it printed and the peak memory of it and its children, in MB."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as script:
        script.write(code)
    process = subprocess.Popen(
        [sys.executable, script.name, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
    )
    peak = 0.0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.1):
            peak = max(peak, sum(memory_mb(pid) for pid in family(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    ended.set()
    watcher.join()
    Path(script.name).unlink()
    if process.returncode:
        raise SystemExit(process.returncode)
    return json.loads(output.splitlines()[-1]), peak


def environment() -> dict[str, str]:
    """Return an environment in which the packages are found without being installed."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    try:
        children = [int(c) for t in Path(f"/proc/{pid}/task").iterdir() for c in (t / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(each for child in children for each in family(child))]


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB; pages that processes share count for each."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
    except OSError:
        return 0.0


def main() -> None:
    """Generate, score, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, nargs="+", default=[2000, 20000])
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--workers", default="")
    parser.add_argument("--folder", type=Path, help="where to keep the articles and rows")
    given = parser.parse_args()
    base = given.folder or Path(tempfile.mkdtemp(prefix="stance-benchmark-"))
    ceiling = ""
    for count in given.articles:
        folder, out = base / f"articles-{count}", base / f"rows-{count}.jsonl"
        if not folder.exists():
            generate(folder, count)
        out.unlink(missing_ok=True)
        ceilings = [run(CEILING, ceiling, given.checkpoint, str(CEILING_TEXTS))[0]] if ceiling else []
        told, peak = run(SCORE, str(folder), str(out), given.checkpoint, given.workers)
        ceiling = str(out)
        ceilings.append(run(CEILING, ceiling, given.checkpoint, str(CEILING_TEXTS))[0])
        best = sum(each["texts_per_s"] for each in ceilings) / len(ceilings)
        cheapest = sum(each["cpu_ms"] for each in ceilings) / len(ceilings)
        scored, seconds = told["rows"] - told["duplicates"], told["seconds"]
        cost = 1000 * told["cpu_s"] / scored
        print(
            f"{count:,} articles: {told['rows']:,} statements, {told['duplicates'] / told['rows']:.0%} syndicated, "
            f"{seconds:.1f} s, backend {told['backend']}\n"
            f"  ceiling {' then '.join(format(each['texts_per_s'], '.0f') for each in ceilings)} texts/s\n"
            f"  rows {told['rows'] / seconds:.0f}/s = {told['rows'] / seconds / best:.0%} of the ceiling; "
            f"the network {scored / seconds:.0f}/s = {scored / seconds / best:.0%}; "
            f"{told['documents'] / seconds:.0f} documents/s\n"
            f"  processor time a distinct statement: {cost:.2f} ms, "
            f"of it the ceiling's {cheapest:.2f} = {cheapest / cost:.0%}; "
            f"a row: {1000 * told['cpu_s'] / told['rows']:.2f} ms\n"
            f"  peak memory {peak:.0f} MB, all processes",
            flush=True,
        )
    print(time.strftime("%F %T"))


if __name__ == "__main__":
    main()
