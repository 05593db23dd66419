import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from folder_support import LABELS, score, write_articles

from model.errors import DocumentError
from service.folder.links import Links
from service.folder.report import gather, over_time, write_report
from service.folder.rows import fields
from service.folder.svg import nice_step

EVIL = "<script>alert(1)</script>\"'&<!--TOP-->"


class Page(HTMLParser):
    """Notes every tag, attribute and open element."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.links, self.words = Counter(), [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        if tag not in ("meta", "rect", "line"):
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def parse(path):
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert not page.open
    return page


def row(number, **given):
    values = {
        "document": f"d{number}.txt",
        "statement": f"d{number}.txt#1",
        "speaker": "Anna Berg",
        "kind": "full",
        "text": f"Statement number {number}.",
        "stance": LABELS.stance[number % 4],
        "confidence": 0.5 + number % 50 / 100,
        "uncertain": False,
        "date": f"2025-{8 + number % 4:02}-03",
        "model": "m-1",
    }
    return {**dict.fromkeys(fields(LABELS)), **values, **given}


def write(path, rows):
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


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
    assert [(count, shown["document"]) for count, shown in top[:2]] == [(4, "d4.txt"), (1, "d0.txt")]
    assert top[-1][1]["document"] == "d8.txt"


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
    assert "No statement has a date." in "".join(parse(tmp_path / "report.html").words)


@pytest.mark.parametrize("content", ['{"text": "a"}\n', "no json\n", "[1]\n"])
def test_a_file_that_holds_no_rows_is_refused(tmp_path, content):
    (tmp_path / "rows.jsonl").write_text(content)
    with pytest.raises(DocumentError, match=r"rows\.jsonl"):
        write_report(tmp_path / "rows.jsonl", tmp_path / "report.html")


@pytest.mark.parametrize(
    ("days", "unit", "columns"),
    [
        (("2025-11-03", "2025-11-05"), "day", 3),
        (("2025-08-15", "2025-11-05"), "week from", 13),
        (("2025-01-31", "2026-03-01"), "month", 15),
        (("1995-01-31", "2026-03-01"), "year", 32),
        (("not a day",), "month", 0),
    ],
)
def test_time_is_cut_into_a_readable_number_of_columns(days, unit, columns):
    buckets, found = over_time({day: Counter(neutral=1) for day in days})
    assert (found, len(buckets)) == (unit, columns)
    assert sum(counts.total() for _, counts in buckets) == (len(days) if columns else 0)


@pytest.mark.parametrize(("most", "step"), [(1, 1), (4, 1), (5, 2), (166, 50), (300, 100), (9000, 5000)])
def test_nice_step(most, step):
    assert nice_step(most) == step


def test_links_reach_files_rows_and_members(tmp_path):
    for name in ("in/a b.txt", "in/c.csv", "in/f.zip"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    links = Links(str(tmp_path / "in"), tmp_path / "rows.jsonl", tmp_path / "report.html")
    assert links.to("a b.txt", "The talks, go on") == "in/a%20b.txt#:~:text=The%20talks%2C%20go%20on"
    assert links.to("c.csv:12") == "in/c.csv"
    assert links.to("f.zip/g/h.txt") == "in/f.zip"
    assert links.to("gone.txt") is None
    assert not re.search("script:", links.to("javascript:alert(1)") or "")
