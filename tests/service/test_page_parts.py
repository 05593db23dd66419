"""Explanations, exports and uploads, without HTTP."""

import asyncio
import csv
import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.records import LabelScores, Prediction
from service.explain import MAX_PIECES, pieces_of, weight, without_each
from service.exports import EXPORTS
from service.uploads import MAX_DOCUMENTS, UploadReader

HOSTILE = ['=HYPERLINK("http://x")', "+1", "-1", "@x", "\tx", "plain", "a\x00b", "\ud800"]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400))
def test_pieces_joined_are_the_text(text):
    pieces = pieces_of(text)
    assert "".join(pieces) == (text if text.strip() else "")
    assert len(pieces) <= MAX_PIECES
    assert len(without_each(pieces)) in (0, len(pieces))


def test_long_texts_are_cut_into_stretches():
    text = " ".join(map(str, range(1000)))
    pieces = pieces_of(text)
    assert len(pieces) <= MAX_PIECES
    assert without_each(pieces)[0] == text[len(pieces[0]) :]


def test_a_word_that_holds_the_label_up_weighs_more_than_zero():
    def given_scores(p):
        return Prediction(LabelScores("a", p, {"a": p, "b": 1 - p}))

    assert weight(given_scores(0.9), given_scores(0.6), "a") > 0 > weight(given_scores(0.9), given_scores(0.6), "b")
    assert weight(given_scores(1.0), given_scores(1.0), "a") == 0


def rows():
    spans = [{"start": 1, "end": 2}, {"start": 3, "end": 9}]
    return [{"text": text, "spans": spans, "sure": True, "none": None, "odd": {"a": [1]}} for text in HOSTILE]


NAMES = ["text", "spans", "sure", "none", "odd", "=missing"]


def test_csv_holds_no_formula():
    text = EXPORTS["csv"][1](rows(), NAMES).decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    assert [len(row) for row in table] == [6] * 9
    assert not [cell for row in table for cell in row if cell[:1] in ("=", "+", "-", "@", "\t")]
    assert table[6] == ["plain", "1:2 3:9", "true", "", '{"a": [1]}', ""]


def test_xlsx_holds_no_formula():
    from openpyxl import load_workbook

    sheet = load_workbook(io.BytesIO(EXPORTS["xlsx"][1](rows(), NAMES))).active
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "b", "n"}
    assert sheet["A2"].value == HOSTILE[0]
    assert (sheet.freeze_panes, sheet["B2"].value, sheet["C2"].value) == ("A2", "1:2 3:9", True)


def test_jsonl_keeps_values_as_they_are():
    lines = EXPORTS["jsonl"][1](rows(), NAMES).decode().splitlines()
    assert json.loads(lines[5]) == {**rows()[5], "=missing": None}


def read(name, raw, timeout_s=60.0):
    return asyncio.run(UploadReader(timeout_s).read(name, raw))


def zip_of(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_a_text_is_read_as_it_stands():
    (found,) = read("folder/sub/a.txt", "“Yes,” he said.\r\n".encode())
    assert (found.name, found.text, found.problem) == ("folder/sub/a.txt", "“Yes,” he said.\r\n", None)


def test_a_table_holds_a_document_a_row():
    found = read("a.csv", b"title,date,text\nOne,2026-01-02,First text\nTwo,2026-01-03,Second text\n")
    assert [(item.title, item.date, item.text) for item in found] == [
        ("One", "2026-01-02", "First text"),
        ("Two", "2026-01-03", "Second text"),
    ]


def test_long_markdown_is_read_apart_and_ends_in_time():
    (found,) = read("a.md", b"[" * 2_000_000, timeout_s=3.0)
    assert found.problem == "it took over 3 s to read"
    (found,) = read("a.md", b"# Two\n\n" + b"*text*\n\n" * 40_000)
    assert (found.title, found.text.count("text")) == ("Two", 40_000)


def test_a_zip_is_read_apart_and_named_by_its_members():
    found = read("in/a.zip", zip_of({"x/one.txt": "One text", "two.md": "# Two\n\ntext", "../../up.txt": "climbs out"}))
    assert [item.name for item in found] == ["in/a.zip/x/one.txt", "in/a.zip/two.md"]
    assert found[1].title == "Two"


def test_a_zip_is_read_where_the_user_has_modules_of_the_same_names(tmp_path, monkeypatch):
    for name in ("model.py", "service.py"):
        (tmp_path / name).write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    (found,) = read("a.zip", zip_of({"one.txt": "One text"}))
    assert (found.text, found.problem) == ("One text", None)


def test_a_file_of_too_many_documents_is_cut_and_says_so():
    found = read("a.csv", b"text\n" + b"words\n" * (MAX_DOCUMENTS + 5))
    assert len(found) == MAX_DOCUMENTS + 1
    assert "the rest was left out" in found[-1].problem


@pytest.mark.parametrize(
    ("name", "raw", "part"),
    [
        ("a.exe", b"x", ".exe cannot be read"),
        ("a", b"x", "without an ending"),
        ("a.txt", b"", "empty"),
        ("a.txt", b"\x00\x01\x02" * 40, "binary"),
        ("a.pdf", b"%PDF-1.4 broken", "PDF is broken"),
        ("a.docx", b"PK\x03\x04broken", ""),
        ("a.zip", b"no zip", "zip is broken"),
        ("a\x00/../../b.zip", b"no zip", "zip is broken"),
    ],
)
def test_what_cannot_be_read_says_why(name, raw, part):
    (found,) = read(name, raw)
    assert found.text is None
    assert part in found.problem
    assert found.name == name


def test_a_file_that_takes_too_long_is_given_up():
    (found,) = read("a.zip", zip_of({"one.txt": "One"}), timeout_s=0.001)
    assert "it took over" in found.problem
