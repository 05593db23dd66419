import io
import sys
import zipfile

import pytest
from folder_support import lock_pdf, make_docx, make_pdf, rows_of, score

from model.errors import DocumentError
from model.quotes import extract_quotes
from service.folder import readers
from service.folder.archives import zip_members
from service.folder.office import unwrap
from service.folder.readers import READERS, Reader, read_document
from service.folder.tables import csv_rows, jsonl_rows

SAID = "“The talks will go on as agreed in the summer,” Anna Berg said."


@pytest.mark.parametrize("ending", [".md", ".markdown"])
def test_markdown_gives_its_text_with_title_and_date(ending):
    text = f'---\ntitle: "What they said"\ndate: 2025-11-03\n---\n\n# A heading\n\n{SAID}\n'
    article = read_document(text.replace("\n", "\r\n").encode(), ending)
    assert (article.text, article.title, article.date) == (f"A heading\n\n{SAID}\n", "What they said", "2025-11-03")
    assert read_document(f"# A *heading*\n\n{SAID}".encode(), ending).title == "A heading"


@pytest.mark.parametrize(
    "text",
    [
        '"No rye," said **Anna Berg**.',
        '"No rye," *Anna Berg* said.',
        '"No rye," said __Anna Berg__.',
        '"No *rye*," said [Anna Berg](https://rye.example/a_b "who").',
        '"No rye," according to [Anna Berg][1].\n\n[1]: https://rye.example',
        '> "No rye," said Anna Berg.',
        '* "No rye," said Anna Berg.\n* It rained.',
        '1. "No rye," said Anna Berg.',
        '> "No rye,"\n>\n> - Anna Berg',
        "&ldquo;No rye,&rdquo; said Anna Berg.",
    ],
)
def test_marks_of_markdown_change_neither_kind_nor_speaker(text):
    (statement,) = extract_quotes(read_document(text.encode(), ".md").text)
    assert (statement.text, statement.kind, statement.speaker) == ("No rye,", "full", "Anna Berg")


def test_markdown_that_opens_with_a_line_across_has_no_front_matter():
    text = f"---\n{SAID}\n\n---\n\nThe end.\n"
    assert read_document(text.encode(), ".md").text == f"{SAID}\n\nThe end.\n"


def test_what_stands_between_two_lines_across_is_kept_though_it_begins_like_a_field():
    text = f"---\nOslo: the harvest is over.\n{SAID}\n\n---\n\nThe end.\n"
    assert read_document(text.encode(), ".md").text == f"Oslo: the harvest is over.\n{SAID}\n\nThe end.\n"
    front = "---\ntags:\n  - rye\n- bread\n# note\n\ndc.title: x\n---\n"
    assert read_document(f"{front}{SAID}\n".encode(), ".md").text == f"{SAID}\n"


@pytest.mark.parametrize("tag", ["<br>", "<BR/>", "<br />"])
def test_a_line_break_as_a_tag_keeps_words_apart(tag):
    assert (
        read_document(f"“No rye,”{tag}said <b>Anna</b> Berg.\n".encode(), ".md").text == "“No rye,”\nsaid Anna Berg.\n"
    )


def test_markdown_is_the_same_where_it_is_parsed_in_pieces(monkeypatch):
    text = f"[1]: https://rye.example\n\n{SAID}\n\n*It* [rained][1].\n\n# Late\n\n" * 3
    whole = read_document(text.encode(), ".md")
    monkeypatch.setattr("service.folder.markdown._PIECE", 10)
    assert read_document(text.encode(), ".md") == whole
    assert whole.text.count("It rained.") == 3


def test_markdown_keeps_every_word_however_it_nests():
    text = (
        "".join("> " * depth + f"word{depth}\n\n" for depth in range(1, 40))
        + "    [indented *words*\n\n<b>bold</b> 5 * 3 a_b_c"
    )
    found = read_document(text.encode(), ".md").text
    assert all(f"word{depth}" in found.split() for depth in range(1, 40))
    assert found.endswith("[indented *words*\n\nbold 5 * 3 a_b_c\n")


def test_html_gives_the_article_with_title_and_date():
    page = (
        "<html><head><title>The talks</title><meta property='article:published_time' content='2025-11-03'></head><body>"
        f"<nav>Menu</nav><article><h1>The talks</h1><p>{SAID} {'It was said in the capital. ' * 20}</p></article>"
        "</body></html>"
    )
    article = read_document(page.encode(), ".html")
    assert SAID in article.text
    assert "Menu" not in article.text
    assert (article.title, article.date) == ("The talks", "2025-11-03")


def test_a_missing_library_for_html_costs_its_own_files_only(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.html").write_text("<html><body><p>A page.</p></body></html>")
    (tmp_path / "in" / "b.txt").write_text(SAID)
    summary = score(tmp_path / "in", tmp_path / "out.jsonl")
    assert [row["document"] for row in rows_of(tmp_path / "out.jsonl")] == ["b.txt"]
    (error,) = rows_of(tmp_path / "out.jsonl.errors.jsonl")
    assert summary.failed == 1
    assert error["document"] == "a.html"
    assert "pip install trafilatura lxml_html_clean" in error["error"]


def test_pdf_gives_text_with_broken_lines_joined():
    lines = [
        "The envoy spoke to the reporters who waited for a",
        "long time. “The talks will go on as agreed in the sum-",
    ]
    article = read_document(make_pdf([*lines, "mer,” Anna Berg said.", "A new paragraph."]), ".pdf")
    assert "in the summer,” Anna Berg said." in article.text
    assert (article.title, article.date) == ("A title", "2025-11-12")
    assert [s.speaker for s in extract_quotes(article.text)] == ["Anna Berg"]


def test_unwrap_keeps_paragraphs_apart():
    page = (
        "A line that is as long as the page is wide, and\nits end.\nA new paragraph that is as long as the page\nagain."
    )
    assert unwrap(page).count("\n\n") == 1


def test_docx_gives_paragraphs_title_and_date():
    article = read_document(make_docx(["First.", SAID]), ".docx")
    assert article.text.splitlines()[1] == SAID
    assert (article.title, article.date) == ("A title", "2025-11-12")


@pytest.mark.parametrize(
    ("raw", "ending", "reason"),
    [
        (b"%PDF-1.4 nothing", ".pdf", "broken"),
        (lock_pdf(make_pdf([SAID])), ".pdf", "password"),
        (make_pdf([]), ".pdf", "no text"),
        (b"PK nothing", ".docx", "broken"),
        (b"\xd0\xcf\x11\xe0" + b"0" * 100, ".docx", "password"),
        (make_docx([]), ".docx", "no text"),
        (b"<html></html>", ".html", "no article"),
        (b"---\ntitle: a\n---\n", ".md", "no text"),
        (b"x" * (readers.MAX_TEXT + 1), ".txt", "8 MB"),
    ],
)
def test_what_cannot_be_read_has_a_reason(raw, ending, reason):
    with pytest.raises(DocumentError, match=reason):
        read_document(raw, ending)


def test_a_reader_is_a_function_in_the_registry(monkeypatch):
    monkeypatch.setitem(READERS, ".up", Reader(lambda raw: readers.Article(raw.decode().upper()), 100))
    assert read_document(b"abc", ".up").text == "ABC"


def table(text, encoding="utf-8", **options):
    return list(csv_rows(io.BytesIO(text.encode(encoding)), **options))


def test_csv_rows_are_numbered_as_a_spreadsheet_does_and_tell_title_date_and_source():
    rows = table('id,Headline,Body,published,url\n1,T,"A, ""b""\nc",2025-11-03,https://news.example/x\n2,,,,\n')
    (first, article), (second, problem) = rows
    assert (first, article.text, article.title) == (2, 'A, "b"\nc', "T")
    assert (article.date, article.source) == ("2025-11-03", "news.example")
    assert second == 3
    assert "no text" in str(problem)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1251"])
def test_csv_with_semicolons_in_an_old_encoding(encoding):
    text = "Встреча пройдёт, как и было договорено, в ноябре"
    ((_, article),) = table(f"text;title\n{text};Заголовок\n", encoding)
    assert (article.text, article.title) == (text, "Заголовок")


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"'])
def test_csv_with_the_line_that_tells_a_spreadsheet_the_separator(first):
    rows = table(f"{first}\ntext;title\nOne, two, three;T\n;U\n")
    assert [number for number, _ in rows] == [2, 3]
    assert (rows[0][1].text, rows[0][1].title) == ("One, two, three", "T")
    assert "row 3" in str(rows[1][1])


def test_csv_without_a_text_column_says_which_it_has():
    with pytest.raises(DocumentError, match=r"quote, who.*--text-column"):
        table("quote,who\na,b\n")
    assert [article.text for _, article in table("quote,who\na,b\n", text_column="Quote")] == ["a"]


def test_an_endless_csv_row_costs_itself_alone(monkeypatch):
    monkeypatch.setattr("service.folder.tables.MAX_TEXT", 1000)
    rows = table('text,id\nshort,1\n"' + 'x ""y"" ' * 2000 + '",2\n' + "z" * 5000 + ",3\nlast,4\n")
    assert [number for number, _ in rows] == [2, 3, 4, 5]
    assert [isinstance(row, DocumentError) for _, row in rows] == [False, True, True, False]


def test_jsonl_lines_fail_one_by_one(monkeypatch):
    monkeypatch.setattr("service.folder.tables.MAX_TEXT", 1000)
    lines = [
        '{"text": "a", "title": "t"}',
        "{",
        "[1]",
        '{"other": 1}',
        '{"text": "' + "x" * 5000 + '"}',
        "",
        '{"text": "b"}',
    ]
    rows = list(jsonl_rows(io.BytesIO("\n".join(lines).encode())))
    assert [number for number, _ in rows] == [1, 2, 3, 4, 5, 7]
    assert [isinstance(row, DocumentError) for _, row in rows] == [False, True, True, True, True, False]


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", ".").replace("/.", "/"), content)
    return out


def test_zip_yields_documents_and_refuses_bombs_and_nests():
    members = dict(zip_members(zipped(a_txt=SAID, sub_zip=b"", bomb_txt=b"0" * 5_000_000, picture_jpg=b"")))
    assert members["a.txt"].decode() == SAID
    assert "zip within a zip" in str(members["sub.zip"])
    assert "zip bomb" in str(members["bomb.txt"])
    assert len(members) == 3


def test_zip_with_a_password_names_the_member():
    raw = bytearray(zipped(a_txt=SAID).getvalue())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    ((name, problem),) = zip_members(io.BytesIO(bytes(raw)))
    assert name == "a.txt"
    assert "password" in str(problem)


@pytest.mark.parametrize(("raw", "reason"), [(b"PK", "broken"), (zipped(a_jpg=b"").getvalue(), "no file")])
def test_zip_that_cannot_be_used(raw, reason):
    with pytest.raises(DocumentError, match=reason):
        list(zip_members(io.BytesIO(raw)))
