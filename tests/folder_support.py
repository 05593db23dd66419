"""What the tests of folder scoring share: small documents in every format, and an engine without a network."""

import hashlib
import io
import json
import sys
import time
from pathlib import Path

from model.errors import DocumentError
from model.labels import LabelSpace
from model.records import LabelScores, Prediction
from service.folder.engine import LocalEngine
from service.folder.extraction import extract
from service.folder.rows import pack
from service.folder.runner import Task, score_folder

LABELS = LabelSpace()


def article(number: int, shared: int = 0) -> str:
    """Two statements; the second is the same in all articles with one `shared`."""
    return (
        f"A report on the talks.\n\n“Meeting number {number} will take place as agreed,” Anna Berg said.\n\n"
        f"“We keep to text {shared} of the understandings,” the minister told reporters.\n"
    )


def write_articles(folder: Path, count: int, shared: int = 3) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"a{number:04}.txt").write_text(article(number, number % shared), encoding="utf-8")
    return folder


def fake_predictions(texts):
    """Scores that depend on every text of the batch, so that a run whose batches differ cannot have the same rows."""
    digest = hashlib.sha256("\0".join(texts).encode()).digest()
    predictions = []
    for text in texts:
        raw = [1 + byte for byte in hashlib.sha256(digest + text.encode()).digest()[: LABELS.size]]
        stance, tone = raw[LABELS.stance_slice], raw[LABELS.sentiment_slice]
        predictions.append(Prediction(scores(LABELS.stance, stance), scores(LABELS.sentiment, tone)))
    return predictions


class FakeClassifier:
    """A classifier without a network."""

    labels = LABELS

    def classify(self, texts):
        time.sleep(0.1)
        return fake_predictions(texts)


class FakeEngine:
    """An engine in this process, on fake predictions."""

    def __init__(self, depth=0, before=lambda parcel: None):
        self.depth = depth
        self.texts = 0
        self._before = before

    def extract(self, parcels, *, fragments):
        for parcel in parcels:
            self._before(parcel)
            yield parcel, extract(parcel.items, fragments=fragments)

    def score(self, texts):
        self.texts += len(texts)
        results = [pack(prediction, LABELS) for prediction in fake_predictions(texts)]
        return lambda: results


def scores(labels, numbers):
    shares = {label: number / sum(numbers) for label, number in zip(labels, numbers, strict=True)}
    best = max(shares, key=shares.__getitem__)
    return LabelScores(best, shares[best], shares)


def score(folder, out, engine=None, **options):
    kept = {key: options.pop(key) for key in ("restart", "on_progress", "backend") if key in options}
    model_id = options.pop("model_id", "fake-1")
    name = out.suffix.lstrip(".")
    task = Task(str(folder), out, name if name in ("csv", "xlsx", "parquet") else "jsonl", **options)
    return score_folder(task, engine or FakeEngine(), LABELS, model_id, **kept)


def rows_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def make_pdf(lines: list[str], title: str = "A title") -> bytes:
    """A one-page PDF, written by hand: Latin-1 text in Helvetica."""
    shown = " T* ".join("(" + line.replace("(", r"\(").replace(")", r"\)") + ") Tj" for line in lines)
    stream = f"BT /F1 11 Tf 14 TL 40 800 Td {shown} ET".encode("cp1252")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources "
        b"<< /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        f"<< /Title ({title}) /CreationDate (D:20251112093000Z) >>".encode(),
    ]
    out, offsets = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    at = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(b"trailer << /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, at))
    return out.getvalue()


def lock_pdf(raw: bytes, password: str = "secret") -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(raw)))
    writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def make_docx(paragraphs: list[str], title: str = "A title") -> bytes:
    from datetime import datetime

    from docx import Document

    document = Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.core_properties.title = title
    document.core_properties.created = datetime(2025, 11, 12, 9, 30)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


SAID_TABLE = "text,date\n" + "".join(
    f'"“Row {n} of the table is as agreed,” she said.",2025-11-03\n' for n in range(300)
)


if __name__ == "__main__":  # a process to kill
    from service.console import print_summary
    from service.folder.command import stopped_cleanly

    target = Path(sys.argv[2])
    try:
        with stopped_cleanly(target), LocalEngine(FakeClassifier(), 2) as local:
            summary = score(Path(sys.argv[1]), target, local)
    except DocumentError as error:
        sys.exit(str(error))
    print_summary(summary, target)
    sys.exit(bool(summary.failed))
