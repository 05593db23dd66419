"""How fast quotes are extracted, and that time grows in step with length: `python benchmarks/quotes.py [MB ...]`.

The ordinary text is the five seed documents over and over; the hostile ones are what a broken scraper or a bad
neighbour might send. One core, no warm-up to speak of; every line is one document.
"""

import sys
import time
from pathlib import Path

from model.quotes import extract_quotes

SEEDS = Path(__file__).resolve().parents[1] / "seeds"


def ordinary(size_bytes: int) -> str:
    """Return news text of about a size."""
    text = "\n\n".join(p.read_text(encoding="utf-8") for p in sorted(SEEDS.glob("*.txt")))
    return text * (size_bytes // len(text.encode()) + 1)


def hostile() -> dict[str, str]:
    """Return documents made to be slow."""
    line = "Anna Berg said “we go on” and Carl Dahl, who left, called it “a mistake” before lunch in Oslo, "
    words = "the quick brown fox jumps over the lazy dog and goes on "
    return {
        "100,000 opening marks": "“word " * 100_000,
        "100,000 straight marks": '" ' * 100_000,
        "100,000 straight marks at words": '"a ' * 100_000,
        "100,000 nested marks": "“" * 50_000 + "x" + "”" * 50_000,
        "100,000 single marks": "‘a " * 100_000,
        "100,000 apostrophes": "'a 'b' " * 33_000,
        "100,000 unequal marks": "“a “b” " * 33_000,
        "one line of 5 MB with quotes": line * (5_000_000 // len(line)),
        "one line of 5 MB without a full stop": "“a” " + words * (5_000_000 // len(words)),
        "100,000 names": "\n".join(f"“Yes,” said Anna{n} Berg{n % 7}." for n in range(100_000)),
        "100,000 names in a row": "“Yes,” said " + "Anna Berg " * 100_000,
        "100,000 pronouns": "Anna Berg spoke. " + "“Yes,” she said.\n" * 100_000,
        "100,000 quotes in a paragraph": "“Yes,” she said. " * 100_000,
        "100,000 labels": "BERG: Yes.\nDAHL: No.\n" * 50_000,
        "100,000 open paragraphs": "“Yes\n\n" * 100_000,
        "100,000 headlines": "Berg Calls Oslo Plan ‘Great Mistake’\n" * 100_000,
        "1 MB of letters": "a" * 1_000_000,
        "1 MB of capitals": "A " * 500_000 + "“x”",
        "1 MB of commas": "“x” said " + ", " * 500_000,
        "1 MB of full stops": "“x” " + ". " * 500_000,
        "1 MB of spaces": "“x” " + " " * 1_000_000 + "y",
        "1 MB of empty lines": "“x”" + "\n" * 1_000_000,
    }


def measure(name: str, document: str) -> None:
    """Print how long a document takes."""
    size_mb = len(document.encode()) / 1e6
    began = time.perf_counter()
    found = len(extract_quotes(document))
    took_s = time.perf_counter() - began
    print(f"{name:40} {size_mb:7.2f} MB {took_s:7.2f} s {size_mb / took_s:7.2f} MB/s {found:8} statements", flush=True)


def main() -> None:
    """Measure ordinary text in the sizes asked for, then the hostile documents."""
    sizes_mb = [float(a) for a in sys.argv[1:]] or [0.1, 1, 10]
    for size_mb in sizes_mb:
        measure(f"news, {size_mb:g} MB", ordinary(int(size_mb * 1e6)))
    for name, document in hostile().items():
        measure(name, document)


if __name__ == "__main__":
    main()
