import io
import json
import os
import zipfile
from collections import Counter

import pytest
from folder_support import FakeEngine, article, lock_pdf, make_docx, make_pdf, rows_of, score, write_articles

from model.errors import DocumentError
from service.folder import parcels
from service.folder.engine import LocalEngine
from service.folder.listing import Selection, list_files

SAID = "“The talks will go on as agreed in the summer,” Anna Berg said."


def test_the_same_words_are_scored_once_and_point_to_the_first(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("“We keep to the understandings,” Anna Berg said.")
    (folder / "b.txt").write_text("The minister said: “We keep to the  understandings.”\n\n" + SAID)
    (folder / "c.txt").write_text("“We keep to the understandings?” asked Anna Berg.")
    fake = FakeEngine()
    summary = score(folder, tmp_path / "out.jsonl", fake)
    rows = rows_of(tmp_path / "out.jsonl")
    assert [(row["statement"], row["duplicate_of"]) for row in rows] == [
        ("a.txt#1", None),
        ("b.txt#1", "a.txt#1"),
        ("b.txt#2", None),
        ("c.txt#1", None),
    ]
    same = ("stance", "confidence", "supportive", "sentiment", "sentiment_confidence", "uncertain", "truncated")
    assert [rows[0][key] for key in same] == [rows[1][key] for key in same]
    assert (fake.texts, summary.duplicates) == (3, 1)


@pytest.mark.parametrize("depth", [0, 1, 5])
def test_rows_do_not_depend_on_how_many_parcels_are_in_flight(monkeypatch, tmp_path, depth):
    monkeypatch.setattr(parcels, "MAX_DOCUMENTS", 3)
    folder = write_articles(tmp_path / "in", 20)
    fake = FakeEngine(depth)
    score(folder, tmp_path / "deep.jsonl", fake)
    score(folder, tmp_path / "flat.jsonl", FakeEngine())
    assert (tmp_path / "deep.jsonl").read_bytes() == (tmp_path / "flat.jsonl").read_bytes()
    assert fake.texts == 20 + 3


def test_every_format_gives_documents_with_what_it_knows(tmp_path, tiny_classifier):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.pdf").write_bytes(
        make_pdf(
            [
                "\N{LEFT DOUBLE QUOTATION MARK}We go on as agreed,\x94 Anna Berg said.".replace(
                    "\x94", "\N{RIGHT DOUBLE QUOTATION MARK}"
                )
            ]
        )
    )
    (folder / "b.docx").write_bytes(make_docx([SAID]))
    (folder / "c.csv").write_text(f'text,date,source\n"{SAID}",2025-11-03,A paper\n', encoding="utf-8")
    (folder / "d.jsonl").write_text(json.dumps({"text": SAID, "title": "T"}) + "\n")
    (folder / "sub" / "e.md").write_text(SAID)
    with zipfile.ZipFile(folder / "f.zip", "w") as archive:
        archive.writestr("in/g.txt", SAID)
        archive.writestr("h.csv", f'text\n"{SAID}"\n')
    with LocalEngine(tiny_classifier, 1) as local:
        score(folder, tmp_path / "out.jsonl", local, model_id="tiny")
    rows = {row["document"]: row for row in rows_of(tmp_path / "out.jsonl")}
    assert list(rows) == ["a.pdf", "b.docx", "c.csv:2", "d.jsonl:1", "f.zip/in/g.txt", "f.zip/h.csv:2", "sub/e.md"]
    assert {row["duplicate_of"] for row in list(rows.values())[2:]} == {"b.docx#1"}
    assert (rows["a.pdf"]["title"], rows["a.pdf"]["date"]) == ("A title", "2025-11-12")
    assert (rows["c.csv:2"]["date"], rows["c.csv:2"]["source"]) == ("2025-11-03", "A paper")
    assert rows["d.jsonl:1"]["title"] == "T"


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_files_are_named_with_their_reason_and_the_others_scored(monkeypatch, tmp_path, tiny_classifier, workers):
    monkeypatch.setattr(parcels, "MAX_DOCUMENTS", 5)
    folder = write_articles(tmp_path / "in", 12)
    bad = {
        "empty.txt": b"",
        "binary.txt": bytes(range(256)) * 40,
        "long-line.txt": b"x" * 50_000_000,
        "long-line.jsonl": b'{"text": "' + b"x" * 50_000_000 + b'"}\n' + json.dumps({"text": SAID}).encode() + b"\n",
        "broken.pdf": make_pdf([SAID.replace("“", "").replace("”", "")])[:200],
        "password.pdf": lock_pdf(make_pdf(["x"])),
        "encoding.txt": "«Переговоры идут», — сказал он. ".encode() * 3 + b"\xff\xfe" + "Да.".encode(),
        "page.html": b"<html><body></body></html>",
        "letter.docx": b"PK\x03\x04 broken",
        "columns.csv": b"a,b\n1,2\n",
        "broken.zip": b"PK broken",
    }
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.txt", b"0" * 7_000_000)
        archive.writestr("good.txt", article(77))
    (folder / "bomb.zip").write_bytes(bomb.getvalue())
    (folder / "loop.txt").symlink_to("loop.txt")
    (folder / "up").symlink_to(folder)
    (folder / "gone.txt").symlink_to("nowhere.txt")
    (folder / "unreadable.txt").symlink_to("/proc/self/mem")  # fails when read, for root as well
    os.mkfifo(folder / "pipe.txt")  # would block whoever opens it
    (folder / "vanishes.txt").write_text(SAID)

    class Vanishing(LocalEngine):
        def extract(self, parcels, *, fragments):
            (folder / "vanishes.txt").unlink()  # listed by now
            return super().extract(parcels, fragments=fragments)

    with Vanishing(tiny_classifier, workers) as local:
        summary = score(folder, tmp_path / "out.jsonl", local)
    errors = rows_of(tmp_path / "out.jsonl.errors.jsonl")
    found = {error["document"]: error["error"] for error in errors}
    expected = {
        "empty.txt": "empty",
        "binary.txt": "binary",
        "long-line.txt": "50 MB; one document may have 8 MB",
        "long-line.jsonl:1": "line 1 has over 8 MB",
        "broken.pdf": "broken",
        "password.pdf": "password",
        "encoding.txt": "broken bytes",
        "page.html": "no article",
        "letter.docx": "broken",
        "columns.csv": "no column text",
        "broken.zip": "broken",
        "bomb.zip/bomb.txt": "zip bomb",
        "loop.txt": "symbolic links",
        "up": "a loop, not followed",
        "gone.txt": "No such file",
        "unreadable.txt": "cannot be read",
        "pipe.txt": "no regular file",
        "vanishes.txt": "vanished",
    }
    assert {name: expected[name] in reason for name, reason in found.items()} == dict.fromkeys(expected, True), found
    assert summary.failed == len(expected)
    scored = Counter(row["document"] for row in rows_of(tmp_path / "out.jsonl"))
    good = [*(f"a{n:04}.txt" for n in range(12)), "bomb.zip/good.txt", "long-line.jsonl:2"]
    assert sorted(scored) == sorted(good)


def test_a_document_that_kills_its_reader_costs_itself_alone(monkeypatch, tmp_path, tiny_classifier):
    monkeypatch.setattr(parcels, "MAX_DOCUMENTS", 4)
    folder = write_articles(tmp_path / "in", 12)
    (folder / "a0007.txt").write_text("crash")
    with LocalEngine(tiny_classifier, 1) as local:
        real = local._submit

        def submit(items, fragments):
            if any(item.name == "a0007.txt" for item in items):
                real([], fragments)
                return local._pool.submit(os._exit, 9)
            return real(items, fragments)

        monkeypatch.setattr(local, "_submit", submit)
        summary = score(folder, tmp_path / "out.jsonl", local)
    assert summary.failures == {"a0007.txt": "it crashed its reader"}
    assert summary.documents == 11


def test_a_statement_without_end_is_cut_not_fatal(tmp_path, tiny_classifier):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("“" + "The talks go on and on. " * 2000 + "” Anna Berg said.", encoding="utf-8")
    (folder / "b.jsonl").write_text(json.dumps({"text": "“Half a \ud83d pair,” he said.", "title": "\udc00"}) + "\n")
    with LocalEngine(tiny_classifier, 0) as local:
        summary = score(folder, tmp_path / "out.jsonl", local)
    rows = rows_of(tmp_path / "out.jsonl")
    assert rows[0]["truncated"]
    assert not summary.failed


def test_what_the_run_writes_is_not_read(tmp_path):
    write_articles(tmp_path, 3)
    first = score(tmp_path, tmp_path / "out.jsonl")
    assert score(tmp_path, tmp_path / "out.jsonl").documents == first.documents == 3


def test_progress_ends_at_all_files(monkeypatch, tmp_path):
    monkeypatch.setattr(parcels, "MAX_DOCUMENTS", 4)
    seen = []
    folder = write_articles(tmp_path / "in", 10)
    (folder / "a0003.txt").write_bytes(b"")
    score(folder, tmp_path / "out.jsonl", on_progress=lambda p: seen.append((p.files_done, p.files, p.summary.failed)))
    assert seen == [(4, 10, 1), (8, 10, 1), (10, 10, 1)]


def names(folder, **options):
    return sorted(found.name for found in list_files(str(folder), Selection(**options)))


def test_globs_choose_files(tmp_path):
    for name in ("a.txt", "b.md", "sub/c.txt", "sub/d.html", ".hidden/e.txt", "notes.log", "sub/.f.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert names(tmp_path) == ["a.txt", "b.md", "sub/c.txt", "sub/d.html"]
    assert names(tmp_path, include=["*.txt"]) == ["a.txt", "sub/c.txt"]
    assert names(tmp_path, include=["sub/*"], exclude=["*.html"]) == ["sub/c.txt"]
    assert names(tmp_path, include=["*.log"]) == ["notes.log"]
    left_out = Counter()
    list(list_files(str(tmp_path), Selection(), left_out))
    assert left_out == {".log": 1}


def test_urls_are_listed_and_read(tmp_path):
    import fsspec

    files = fsspec.filesystem("memory")
    for number in range(3):
        files.pipe(f"/articles/sub/a{number}.txt", article(number).encode())
    summary = score("memory://articles", tmp_path / "out.jsonl")
    assert (summary.documents, summary.statements) == (3, 6)
    assert rows_of(tmp_path / "out.jsonl")[0]["document"] == "sub/a0.txt"


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(DocumentError, match="nowhere"):
        list(list_files(str(tmp_path / "nowhere"), Selection()))
