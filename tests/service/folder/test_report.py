import re
from collections import Counter

import pytest
from folder_support import score, write_articles
from report_support import parse, row, write
from typer.testing import CliRunner

from model.errors import DocumentError
from service.cli import app
from service.folder.figures import gather
from service.folder.links import Links
from service.folder.report import named_columns, over_time, write_report

EVIL = "<script>alert(1)</script>\"'&<!--TOP-->"


def test_the_page_is_self_contained_and_shows_every_figure(tmp_path):
    folder = write_articles(tmp_path / "in", 12)
    score(folder, tmp_path / "rows.jsonl")
    figures = write_report(tmp_path / "rows.jsonl", tmp_path / "page" / "report.html", str(folder))
    page = parse(tmp_path / "page" / "report.html")
    assert (figures.summary.statements, figures.documents) == (24, 12)
    assert page.tags["svg"] >= 3
    assert not page.tags["script"] + page.tags["link"] + page.tags["img"]
    assert page.links
    assert all(link.startswith("../in/a00") for link in page.links)
    assert "<!--" not in (tmp_path / "page" / "report.html").read_text().replace("<!doctype", "")


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_the_other_formats_give_the_same_page(tmp_path, name):
    folder = write_articles(tmp_path / "in", 12)
    score(folder, tmp_path / "rows.jsonl")
    score(folder, tmp_path / name)
    for results, out in ((tmp_path / "rows.jsonl", "a.html"), (tmp_path / name, "b.html")):
        write_report(results, tmp_path / out)
    pages = [(tmp_path / out).read_text().replace(name, "rows.jsonl") for out in ("a.html", "b.html")]
    assert pages[0] == pages[1]


def test_documents_that_are_not_there_are_refused(tmp_path):
    rows = write(tmp_path / "rows.jsonl", [row(1)])
    with pytest.raises(DocumentError, match=r"there is no folder .*nodir: give the one that was scored"):
        write_report(rows, tmp_path / "report.html", str(tmp_path / "nodir"))
    assert not (tmp_path / "report.html").exists()


def test_nothing_of_a_row_becomes_markup(tmp_path):
    evil = dict.fromkeys(("document", "statement", "speaker", "speaker_mention", "text", "title", "model"), EVIL)
    rows = write(tmp_path / "rows.jsonl", [row(n, **evil, date=None) for n in range(8)])
    write_report(rows, tmp_path / "report.html", "https://archive.example/x")
    page = parse(tmp_path / "report.html")
    assert not page.tags["script"]
    assert EVIL in "".join(page.words)
    assert page.links
    assert all(link.startswith("https://archive.example/x/%3Cscript") for link in page.links)


def test_repeated_statements_come_first_and_uncertain_ones_last(tmp_path):
    rows = [row(n, stance="neutral", confidence=0.9) for n in range(4)]
    rows += [row(4, stance="neutral", confidence=0.6)]
    rows += [row(n, stance="neutral", duplicate_of="d4.txt#1") for n in range(5, 8)]
    rows += [row(8, stance="neutral", confidence=0.99, uncertain=True)]
    top = gather(write(tmp_path / "rows.jsonl", rows)).top["neutral"]
    assert [(shown.documents, shown.row["document"]) for shown in top[:2]] == [(4, "d4.txt"), (1, "d0.txt")]
    assert top[-1].row["document"] == "d8.txt"


def test_a_repeated_statement_counts_its_documents_and_has_their_earliest_day(tmp_path):
    again = {"stance": "neutral", "duplicate_of": "d0.txt#1"}
    rows = [row(0, stance="neutral", date="2025-11-05"), row(0, **again, statement="d0.txt#2", date="2025-11-05")]
    rows += [row(1, **again, date="2025-10-02"), row(1, **again, statement="d1.txt#2", date="2025-10-02")]
    rows += [row(2, **again, date=None), row(3, **again, date="2025-10-30")]
    (shown,) = gather(write(tmp_path / "rows.jsonl", rows)).top["neutral"]
    assert (shown.row["statement"], shown.documents, shown.date) == ("d0.txt#1", 4, "2025-10-02")


def test_another_label_set_gets_its_own_colours(tmp_path):
    rows = [row(n, stance="for") for n in range(3)]
    rows = [
        {**dict(list(each.items())[:11]), "for": 0.7, "against": 0.3, **dict(list(each.items())[15:])} for each in rows
    ]
    write_report(write(tmp_path / "rows.jsonl", rows), tmp_path / "report.html")
    assert {"for", "against"} <= set(parse(tmp_path / "report.html").words)


def test_no_rows_still_make_a_page(tmp_path):
    (tmp_path / "rows.jsonl").write_text("")
    write_report(tmp_path / "rows.jsonl", tmp_path / "report.html")
    page = parse(tmp_path / "report.html")
    assert "this file holds no statement" in page.text
    assert not page.tags["svg"] + page.tags["section"]


def test_one_statement_is_written_in_the_singular(tmp_path):
    write(tmp_path / "rows.jsonl", [row(0)])
    told = CliRunner().invoke(app, ["report", str(tmp_path / "rows.jsonl"), "--out", str(tmp_path / "report.html")])
    page = parse(tmp_path / "report.html")
    assert told.output.strip().endswith(": 1 statement of 1 document")
    assert "rows.jsonl · 2025-08-03 · checkpoint m-1" in page.text
    assert "1statement1of them distinct1document that quotes1speaker0%uncertain" in page.text
    assert "No statement is marked uncertain." in page.text


def test_many_are_written_in_the_plural_and_dates_stay_whole(tmp_path):
    write(tmp_path / "rows.jsonl", [row(n, uncertain=n == 1) for n in range(4)])
    assert write_report(tmp_path / "rows.jsonl", tmp_path / "report.html").told == "4 statements of 4 documents"
    page = parse(tmp_path / "report.html")
    assert "rows.jsonl · 2025-08-03 to 2025-11-03 ·" in page.text
    assert page.tags["time"] == 2 + 4
    assert "1 of 4 statements (25%) is marked uncertain (hatched)." in page.text


def test_a_pronoun_is_no_name(tmp_path):
    rows = [row(0), row(1, speaker=None, speaker_mention="he"), row(2, speaker=None)]
    write_report(write(tmp_path / "rows.jsonl", rows), tmp_path / "report.html")
    page = parse(tmp_path / "report.html")
    assert page.bold == ["Anna Berg"]
    assert "speaker unknown (“he”)" in page.text


def test_a_workbook_is_refused(tmp_path):
    (tmp_path / "rows.xlsx").write_bytes(b"")
    with pytest.raises(DocumentError, match="workbook"):
        write_report(tmp_path / "rows.xlsx", tmp_path / "report.html")


@pytest.mark.parametrize("content", ['{"text": "a"}\n', "no json\n", "[1]\n"])
def test_a_file_that_holds_no_rows_is_refused(tmp_path, content):
    (tmp_path / "rows.jsonl").write_text(content)
    with pytest.raises(DocumentError, match=r"rows\.jsonl"):
        write_report(tmp_path / "rows.jsonl", tmp_path / "report.html")


@pytest.mark.parametrize(
    ("days", "unit", "columns"),
    [
        (("2025-11-03", "2025-11-05"), "day", 3),
        (("2025-08-15", "2025-11-05"), "week", 13),
        (("2025-01-31", "2026-03-01"), "month", 15),
        (("1995-01-31", "2026-03-01"), "year", 32),
        (("not a day",), "month", 0),
    ],
)
def test_time_is_cut_into_a_readable_number_of_columns(days, unit, columns):
    buckets, found = over_time({day: Counter(neutral=1) for day in days})
    assert (found, len(buckets)) == (unit, columns)
    assert sum(counts.total() for _, counts in buckets) == (len(days) if columns else 0)


@pytest.mark.parametrize(
    ("days", "names", "below"),
    [
        (("2025-11-03", "2025-11-04"), ["3 Nov", "4 Nov"], "day (2025)"),
        (("2025-12-31", "2026-01-01"), ["31 Dec 2025", "1 Jan 2026"], "day"),
        (("2025-08-04", "2025-09-08"), ["4 Aug", "8 Sep"], "week from Monday (2025)"),
        (("2025-12-15", "2026-01-30"), ["15 Dec 2025", "26 Jan 2026"], "week from Monday"),
        (("2025-01-31", "2026-03-01"), ["Jan 2025", "Mar 2026"], "month"),
        (("1995-01-31", "2026-03-01"), ["1995", "2026"], "year"),
    ],
)
def test_the_year_is_told_once_or_with_each_name(days, names, below):
    columns, axis = named_columns(*over_time({day: Counter(neutral=1) for day in days}))
    assert ([columns[0][0], columns[-1][0]], axis) == (names, below)


def test_links_reach_files_rows_and_members(tmp_path):
    for name in ("in/a b.txt", "in/c.csv", "in/f.zip"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    links = Links(str(tmp_path / "in"), tmp_path / "report.html")
    assert links.to("a b.txt", "The talks, go on") == "in/a%20b.txt#:~:text=The%20talks%2C%20go%20on"
    assert links.to("c.csv:12") == "in/c.csv"
    assert links.to("f.zip/g/h.txt") == "in/f.zip"
    assert links.to("gone.txt") is None
    assert not re.search("script:", links.to("javascript:alert(1)") or "")


def test_a_file_of_the_same_name_elsewhere_is_not_linked(tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text("not what was scored")
    monkeypatch.chdir(tmp_path)
    rows = write(tmp_path / "rows.jsonl", [row(0, document="README.md"), row(1)])
    write_report(rows, tmp_path / "report.html")
    assert parse(tmp_path / "report.html").links == []
