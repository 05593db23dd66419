import csv

import pytest
from folder_support import LABELS, FakeEngine, rows_of, score

from model.errors import CheckpointError
from model.labels import TAKEN, LabelSpace
from service.folder.rows import fields
from service.folder.runner import Task, score_folder
from service.folder.writers import CELL, CUT, csv_cell, read_rows, sheet_text

TEXT = (
    "=HYPERLINK said nothing.\n\n“=1+1 is what the talks come to, they \x07say,” Anna Berg said.\n\n"
    "“The talks go on,” the minister told reporters.\n"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "=cmd.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path / "in"


def test_every_other_column_is_a_name_that_no_stance_may_have():
    names = fields(LABELS)
    of_the_page = {"corrected_stance", "corrected_by", "corrected_at"}
    assert {*names} - {*LABELS.stance} | of_the_page == {*TAKEN}
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "xlsx", "parquet"])
def test_a_checkpoint_whose_label_is_named_like_a_column_is_refused(tmp_path, folder, ending):
    task = Task(str(folder), tmp_path / f"out.{ending}", ending)
    labels = LabelSpace(("against", "kind", "text"), ())
    with pytest.raises(CheckpointError, match=r"old-1 has labels .* columns of the rows \('kind', 'text'\)"):
        score_folder(task, FakeEngine(), labels, "old-1")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "\ufeff=1"])
def test_no_csv_cell_is_a_formula(value):
    assert csv_cell(value) == "'" + value


@pytest.mark.parametrize(("value", "cell"), [("a=1", "a=1"), (None, ""), (True, "true"), (0.5, 0.5), (-1, -1)])
def test_other_cells_stay_as_they_are(value, cell):
    assert csv_cell(value) == cell


def test_csv_holds_the_rows_of_jsonl(tmp_path, folder):
    score(folder, tmp_path / "out.jsonl")
    score(folder, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream))
    assert tuple(cells[0]) == fields(LABELS)
    assert cells[0]["text"].startswith("'=1+1")
    assert cells[0]["document"] == "'=cmd.txt"
    counted = ("text", "document", "stance", "speaker", "confidence", "uncertain", "date", "duplicate_of")
    rows = rows_of(tmp_path / "out.jsonl")
    again = list(read_rows(tmp_path / "out.csv"))
    assert [[row[key] for key in counted] for row in again] == [[row[key] for key in counted] for row in rows]
    assert cells[0]["spans"] == f"{rows[0]['start']}:{rows[0]['end']}"


def test_xlsx_holds_texts_as_texts(tmp_path, folder):
    from openpyxl import load_workbook

    score(folder, tmp_path / "out.jsonl")
    score(folder, tmp_path / "out.xlsx")
    sheet = load_workbook(tmp_path / "out.xlsx")["statements"]
    header, *lines = sheet.iter_rows()
    assert tuple(cell.value for cell in header) == fields(LABELS)
    first = dict(zip(fields(LABELS), lines[0], strict=True))
    assert first["text"].data_type == "s"
    assert first["text"].value == rows_of(tmp_path / "out.jsonl")[0]["text"].replace("\x07", "\ufffd")
    assert isinstance(first["confidence"].value, float)
    assert first["uncertain"].value is False
    assert len(lines) == 2


@pytest.mark.parametrize(("length", "whole"), [(CELL, True), (CELL + 1, False)])
def test_a_text_that_no_cell_can_hold_says_that_it_was_cut(length, whole):
    text = sheet_text("x" * length)
    assert len(text) == CELL
    assert (text == "x" * CELL) is whole
    assert text.endswith(CUT) is not whole


def test_long_results_go_on_over_sheets(monkeypatch, tmp_path, folder):
    from openpyxl import load_workbook

    monkeypatch.setattr("service.folder.writers.SHEET_ROWS", 2)
    score(folder, tmp_path / "out.xlsx")
    assert load_workbook(tmp_path / "out.xlsx").sheetnames == ["statements", "statements 2"]


def test_parquet_is_typed_and_reads_back(tmp_path, folder):
    from pyarrow import parquet

    score(folder, tmp_path / "out.jsonl")
    score(folder, tmp_path / "out.parquet")
    table = parquet.read_table(tmp_path / "out.parquet")
    assert tuple(table.column_names) == fields(LABELS)
    assert table.to_pylist() == rows_of(tmp_path / "out.jsonl")
    types = {name: str(table.schema.field(name).type) for name in ("start", "confidence", "uncertain", "date")}
    assert types == {"start": "int64", "confidence": "double", "uncertain": "bool", "date": "string"}


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx", "out.parquet", "out.jsonl"])
def test_a_folder_without_statements_gives_an_empty_table(tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("Nobody spoke.")
    summary = score(tmp_path / "in", tmp_path / name)
    assert (summary.documents, summary.empty, summary.statements) == (1, 1, 0)
    assert (tmp_path / name).exists()
