"""The page's routes over HTTP, with the tiny classifier."""

import base64
import re

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import Settings

CORRECTION = {"text": "The talks go on.", "label": "accusatory", "who": "Ada", "model_label": "neutral"}


@pytest.fixture(scope="module")
def client(tiny_classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    settings = Settings(corrections=folder / "corrections.sqlite3")
    with TestClient(create_app(settings, tiny_classifier)) as client:
        for _ in range(100):
            if client.get("/readyz").status_code == 200:
                break
        yield client


def test_the_page_loads_nothing_from_elsewhere(client, root):
    page = client.get("/")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for path in (root / "service" / "web").rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|\bstyle=|<style|innerHTML|insertAdjacentHTML|\beval\(", text), path
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(named) >= 5
    for path in named:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff")
        assert "content-security-policy" in answer.headers


def test_every_module_and_font_that_is_named_is_there(client, root):
    for path in (root / "service" / "web" / "js").glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', path.read_text(encoding="utf-8")):
            assert client.get(f"/static/js/{name}").status_code == 200
    for name in re.findall(r'url\("([^"]+)"\)', (root / "service/web/css/base.css").read_text(encoding="utf-8")):
        assert client.get(name).status_code == 200


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/js/../../app.py", "/static/"])
def test_nothing_else_is_served(client, path):
    assert client.get(path).status_code == 404


def test_a_file_comes_back_as_text(client):
    content = base64.b64encode("“Yes,” he said.".encode()).decode()
    answer = client.post("/files", json={"name": "a.txt", "content": content})
    assert answer.json() == {
        "documents": [
            {"name": "a.txt", "text": "“Yes,” he said.", "title": None, "date": None, "source": None, "problem": None}
        ]
    }
    assert client.post("/files", json={"name": "a.txt", "content": "%%%"}).status_code == 422


def test_an_explanation_weighs_every_word(client):
    text = "There is a pause in the talks."
    label = client.post("/classify", json={"text": text}).json()
    answer = client.post("/explain", json={"text": text}).json()
    assert (answer["label"], answer["confidence"]) == (label["stance"], pytest.approx(label["confidence"], abs=1e-3))
    assert "".join(piece["text"] for piece in answer["pieces"]) == text
    assert len(answer["pieces"]) == 7
    assert any(abs(piece["weight"]) > 1e-4 for piece in answer["pieces"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": ""}, 422),
        ({"text": "x " * 30_000}, 413),
        ({"text": "x", "label": "enthusiastic"}, 422),
        ({"text": "x"}, 200),
    ],
)
def test_explanations_of_odd_texts(client, body, status):
    assert client.post("/explain", json=body).status_code == status


def test_a_correction_is_stored_listed_and_taken_back(client):
    stored = client.post("/corrections", json=CORRECTION)
    assert stored.status_code == 201
    listed = client.get("/corrections").json()["corrections"]
    assert listed == [stored.json()]
    assert "accusatory" in client.get("/corrections/labelled.csv").text
    number = stored.json()["id"]
    assert client.delete(f"/corrections/{number}?who=Ben").json()["label"] is None
    assert client.delete(f"/corrections/{number}").status_code == 404
    assert client.get("/corrections").json()["corrections"] == []
    trail = client.get("/corrections?trail=true").json()["corrections"]
    assert [(line["who"], line["label"]) for line in trail] == [("Ben", None), ("Ada", "accusatory")]


@pytest.mark.parametrize(
    ("change", "status"),
    [({"label": "enthusiastic"}, 422), ({"text": "  "}, 422), ({"model_confidence": 2}, 422), ({"extra": 1}, 422)],
)
def test_corrections_that_make_no_sense_are_refused(client, change, status):
    assert client.post("/corrections", json={**CORRECTION, **change}).status_code == status


def test_the_corpus_gives_way_to_a_correction_of_its_words(client, root, tmp_path):
    from training.data import read_labelled

    corpus = read_labelled(root / "training" / "corpus" / "rewritten.csv").rows
    row = next(row for row in corpus if row.stance == "neutral")
    client.post("/corrections", json={**CORRECTION, "text": row.text, "label": "pessimistic"})
    (tmp_path / "all.csv").write_text(client.get("/corrections/labelled.csv?corpus=true").text, encoding="utf-8")
    rows = read_labelled(tmp_path / "all.csv").rows
    assert len(rows) == client.get("/corrections").json()["corpus_rows"]
    assert [other.stance for other in rows if other.text == row.text] == ["pessimistic"]
    frozen = read_labelled(root / "training" / "corpus" / "frozen.csv").rows
    assert {row.text for row in rows if row.split == "test"} == {row.text for row in frozen}
    assert any(row.secondary for row in rows)


def test_the_corpus_that_is_counted_is_told_apart_from_that_of_the_model(client):
    told = client.get("/openapi.json").json()["components"]["schemas"]["CorrectionsAnswer"]["properties"]
    assert "part of the corpus" in told["corpus_rows"]["description"]
    assert "`/model`" in told["corpus_rows"]["description"]


def test_the_page_retrains_on_the_files_of_make_train(root):
    from service.page_routes import CORPUS

    (listed,) = re.findall(r"^CORPUS .*training/corpus/,(.*)\)$", (root / "Makefile").read_text(), re.MULTILINE)
    assert [path.name for path in CORPUS] == listed.split()


@pytest.mark.parametrize("name", ["csv", "xlsx", "jsonl"])
def test_exports_are_downloads(client, name):
    answer = client.post("/export", json={"format": name, "columns": ["text"], "rows": [{"text": "=1"}]})
    assert answer.headers["content-disposition"] == f'attachment; filename="statements.{name}"'
    assert answer.content


def test_an_export_with_a_column_twice_is_refused_rather_than_losing_one(client):
    body = {"format": "csv", "columns": ["text", "stance", "text"], "rows": [{"text": 0.07, "stance": "for"}]}
    answer = client.post("/export", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "columns")
    assert "a column stands twice" in answer.json()["detail"]


def test_a_fragments_sentence_is_told(client):
    text = "The minister called the talks “exhausted” on Monday, and then he left the capital for the summit."
    (statement,) = client.post("/articles", json={"text": text}).json()["statements"]
    assert statement["kind"] == "fragment"
    assert "called the talks" in statement["context"]
