import csv
import json
import zipfile

import pytest
from folder_support import rows_of, score
from typer.testing import CliRunner

from model.errors import DocumentError
from service.cli import app
from service.folder.contexts import contexts_of

SENTENCE = "The minister called the round “a slow walk {n}” on Monday, and then he left the capital."
SAID = "“The talks will go on as agreed in the summer,” Anna Berg said."


def text(number):
    return f"{SAID}\n\n{SENTENCE.format(n=number)}\n"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a[1].txt").write_text(text(1), encoding="utf-8")
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["text"], [text(2)], [text(3)]])
    with zipfile.ZipFile(folder / "march.zip", "w") as archive:
        archive.writestr("b.txt", text(4))
    (folder / "unread.txt").write_text("Nobody is quoted here.")
    return folder


def cells(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def fragments(rows):
    return [row for row in rows if row["kind"] == "fragment"]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_each_fragment_gets_its_sentence_from_every_kind_of_file(tmp_path, folder, ending):
    out = tmp_path / f"rows.{ending}"
    score(folder, out)
    rows = rows_of(out) if ending == "jsonl" else cells(out)
    found = contexts_of(rows, str(folder))
    assert found == {row["statement"]: SENTENCE.format(n=row["text"][-1]) for row in fragments(rows)}
    assert {row["document"] for row in fragments(rows)} == {
        "sub/a[1].txt",
        "table.csv:2",
        "table.csv:3",
        "march.zip/b.txt",
    }


def test_a_document_that_has_changed_gives_no_sentence(tmp_path, folder):
    score(folder, tmp_path / "rows.jsonl")
    rows = rows_of(tmp_path / "rows.jsonl")
    (folder / "sub" / "a[1].txt").write_text(text(9), encoding="utf-8")
    assert len(contexts_of(rows, str(folder))) == 3
    with pytest.raises(DocumentError, match="there is no file or folder"):
        contexts_of(rows, str(folder / "none"))


def test_suggestions_hold_the_sentence_of_a_fragment_or_say_how_to_get_it(tmp_path, folder):
    rows, out = tmp_path / "rows.jsonl", tmp_path / "to_label.csv"
    score(folder, rows)
    result = CliRunner().invoke(app, ["suggest", str(rows), "--out", str(out)])
    assert "are fragments without a context: the sentence around them comes with --documents" in result.stderr
    told = ["suggest", str(rows), "--out", str(out), "--overwrite", "--documents", str(folder)]
    result = CliRunner().invoke(app, told)
    assert (result.exit_code, result.stderr) == (0, "")
    kinds = {row["statement"]: row["kind"] for row in map(json.loads, rows.read_text(encoding="utf-8").splitlines())}
    for row in cells(out):
        fragment = kinds[row["statement"]] == "fragment"
        assert row["context"] == (SENTENCE.format(n=row["text"][-1]) if fragment else "")
