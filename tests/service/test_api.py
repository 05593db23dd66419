"""What the service answers, over a real socket."""

import json
import logging
import re

import pytest

from service.engine import ResultCache
from service.keys import new_key
from service.logs import JsonFormatter
from service.settings import Settings

LONG = "x" * 20_001


def problem(answer, status, code):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    return body


def test_classify_answers_labels_and_confidences(client, tiny_classifier):
    answer = client.post("/classify", json={"text": "Talks continue."}).json()
    (expected,) = tiny_classifier.classify(["Talks continue."])
    assert answer["stance"] == expected.stance.label
    assert answer["confidence"] == pytest.approx(expected.stance.confidence, abs=1e-6)
    assert sum(answer["scores"].values()) == pytest.approx(1)
    assert answer["sentiment"]["label"] == expected.sentiment.label
    assert answer["model"] == tiny_classifier.checkpoint_id


def test_batch_keeps_order_and_an_item_that_fails_carries_its_own_error(client):
    texts = ["One statement.", "", "Two statements, and a longer one.", LONG, "One statement."]
    results = client.post("/classify/batch", json={"texts": texts}).json()["results"]
    assert [result.get("error", {}).get("code") for result in results] == [
        None,
        "empty_text",
        None,
        "text_too_long",
        None,
    ]
    assert results[0] == results[4] != results[2]
    alone = client.post("/classify", json={"text": texts[2]}).json()
    assert alone["scores"] == pytest.approx(results[2]["scores"], abs=1e-3)


def test_article_spans_and_segments_are_exact(client, seeds):
    text = "🙂 " + sorted(seeds.glob("*.txt"))[0].read_text(encoding="utf-8")
    answer = client.post("/articles", json={"text": text}).json()
    assert answer["statements"]
    assert "".join(segment["text"] for segment in answer["segments"]) == text
    for statement in answer["statements"]:
        assert " ".join(text[span["start"] : span["end"]] for span in statement["spans"])


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/classify", {"text": ""}, 422, "empty_text"),
        ("/classify", {"text": LONG}, 413, "text_too_long"),
        ("/classify", {"text": 5}, 422, "invalid_request"),
        ("/classify", {}, 422, "invalid_request"),
        ("/classify", {"text": "a", "more": 1}, 422, "invalid_request"),
        ("/classify/batch", {"texts": []}, 422, "invalid_request"),
        ("/classify/batch", {"texts": ["a"] * 257}, 422, "invalid_request"),
        ("/articles", {}, 422, "invalid_request"),
        ("/articles", {"text": "a", "html": "b"}, 422, "invalid_request"),
        ("/nowhere", {}, 404, "not_found"),
        ("/model", {}, 405, "method_not_allowed"),
    ],
)
def test_mistakes_are_named(client, path, body, status, code):
    assert problem(client.post(path, json=body), status, code)["detail"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/classify", {"text": " "}, "text"),
        ("/classify", {"text": LONG}, "text"),
        ("/classify", {"text": 5}, "text"),
        ("/articles", {"html": "<p>hi</p>"}, "html"),
        ("/articles", {"text": "“" + "x" * 1_000_001}, "text"),
    ],
)
def test_the_field_that_cannot_be_used_is_named(client, path, body, field):
    assert client.post(path, json=body).json()["field"] == field


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed"),
        (b'{"text": "a"}', "text/plain", 415, "unsupported_media_type"),
        (b'{"text": "a\\ud800"}', "application/json", 422, "invalid_input"),
        (b'{"te\\ud800xt": "a"}', "application/json", 422, "invalid_request"),
        (b'{"text": "\xff"}', "application/json", 400, "malformed"),
        (b" " * 8_000_001, "application/json", 413, "too_large"),
    ],
)
def test_broken_bodies_are_refused(client, content, media_type, status, code):
    answer = client.post("/classify", content=content, headers={"Content-Type": media_type})
    problem(answer, status, code)


def test_chunked_body_over_the_limit_is_refused(client):
    chunks = (b" " * 100_000 for _ in range(100))
    answer = client.post("/classify", content=chunks, headers={"Content-Type": "application/json"})
    problem(answer, 413, "too_large")


def test_answers_carry_id_timings_and_security_headers(client):
    answer = client.post("/classify", json={"text": "A new text."}, headers={"X-Request-ID": "mine-7"})
    assert answer.headers["x-request-id"] == "mine-7"
    assert re.findall(r"(\w+);dur=[\d.]+", answer.headers["server-timing"]) == ["prepare", "queue", "run", "total"]
    for name, part in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("content-security-policy", "default-src 'self'"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ]:
        assert part in answer.headers[name]
    assert not [name for name in answer.headers if name.startswith("access-control") or name == "server"]
    odd = client.get("/healthz", headers={"X-Request-ID": "a b\tc"})
    assert re.fullmatch(r"[0-9a-f]{16}", odd.headers["x-request-id"])
    assert "x-request-id" in client.get("/nowhere").headers


def test_cross_origin_calls_are_not_allowed(client):
    answer = client.options("/classify", headers={"Origin": "http://other", "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 405


def test_card_health_and_docs(client, tiny_classifier):
    card = client.get("/model").json()
    assert card["model"] == tiny_classifier.checkpoint_id
    assert card["labels"]["stance"] == list(tiny_classifier.labels.stance)
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/docs").status_code == 200


def test_metrics_count_requests_batches_labels_and_cache(serve):
    with serve().client() as client:
        for text in ["A statement.", "A statement.", "Another statement, longer than the first."]:
            assert client.post("/classify", json={"text": text}).status_code == 200
        client.post("/classify", json={"text": ""})
        found = client.get("/metrics").text
    for line in [
        'stance_requests_total{route="/classify",status="200"} 3.0',
        'stance_requests_total{route="/classify",status="422"} 1.0',
        "stance_cache_hits_total 1.0",
        "stance_cache_misses_total 2.0",
        "stance_batch_texts_count 2.0",
        "stance_queue_texts 0.0",
        'stance_rejected_total{code="invalid_request"} 1.0',
        'stance_stage_seconds_count{stage="run"} 2.0',
    ]:
        assert line in found
    assert re.search(r'stance_model_info\{backend="controlled",model="tiny-test"\} 1.0', found)
    assert re.search(r'stance_labels_total\{stance="\w+"\}', found)


def test_repeated_texts_are_run_once_unless_the_cache_is_off(serve):
    same = {"texts": ["The same words."] * 6}
    cached, plain = serve(), serve(cache_entries=0)
    for server, expected in ((cached, [1]), (plain, [1, 1])):
        with server.client() as client:
            first = client.post("/classify/batch", json=same).json()["results"]
            assert client.post("/classify/batch", json=same).json()["results"] == first == [first[0]] * 6
        assert server.backend.batches == expected


def test_cache_forgets_what_was_unused_for_longest(tiny_classifier):
    cache = ResultCache(2)
    (prediction,) = tiny_classifier.classify(["A text."])
    cache.put(b"1", prediction)
    cache.put(b"2", prediction)
    assert cache.get(b"1")
    cache.put(b"3", prediction)
    assert len(cache) == 2
    assert cache.get(b"2") is None
    assert cache.get(b"1")


def test_keys_open_the_service_and_nothing_else_does(serve, tmp_path):
    key, digest = new_key()
    admin, admin_digest = new_key()
    file = tmp_path / "keys"
    file.write_text(f"# the newsroom\nsha256:{digest}  # web\n", encoding="utf-8")
    server = serve(api_keys_file=file, admin_keys=admin_digest)
    body = {"text": "A text."}
    with server.client() as client:
        assert problem(client.post("/classify", json=body), 401, "unauthorized")["detail"]
        for wrong in (digest, key[:-1], "", "é"):
            headers = [(b"x-api-key", wrong.encode("latin-1"))]
            problem(client.post("/classify", json=body, headers=headers), 401, "unauthorized")
        for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}, {"X-API-Key": admin}):
            assert client.post("/classify", json=body, headers=headers).status_code == 200
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
            assert client.get(path).status_code == 200
        assert client.get("/model").status_code == 401
        problem(client.post("/admin/checkpoint", json={"name": "x"}, headers={"X-API-Key": key}), 401, "unauthorized")
        headers = {"X-API-Key": admin}
        problem(client.post("/admin/checkpoint", json={"name": "../x"}, headers=headers), 404, "not_found")


def test_admin_is_closed_without_an_admin_key(client):
    problem(client.post("/admin/checkpoint", json={"name": "x"}), 403, "forbidden")


@pytest.mark.parametrize("content", ["secret-key-in-plain-text", "abc"])
def test_keys_in_plain_text_are_refused(serve, tmp_path, content):
    from model.errors import DataError

    file = tmp_path / "keys"
    file.write_text(f"\n{content}\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2") as refused:
        serve(api_keys_file=file)
    assert content not in str(refused.value).replace(str(file), "")


def test_log_lines_are_json_and_hold_no_text(serve, caplog):
    server = serve(access_log=True)
    with caplog.at_level(logging.INFO), server.client() as client:
        client.post("/classify", json={"text": "A confidential statement."}, headers={"X-Request-ID": "r1"})
        client.post("/classify/batch", json={"texts": ["A confidential statement.", ""]})
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "service.access"]
    assert lines[0]["request_id"] == "r1"
    assert lines[0]["path"] == "/classify"
    assert lines[0]["status"] == 200
    assert {"ms", "prepare_ms", "queue_ms", "run_ms"} <= lines[0].keys()
    assert "confidential" not in "".join(map(json.dumps, lines)) + caplog.text


def test_every_error_of_the_tree_has_a_status():
    from model.errors import StanceError
    from service.http_errors import STATUS

    def walk(cls):
        yield cls
        for sub in cls.__subclasses__():
            yield from walk(sub)

    assert {cls for cls in walk(StanceError) if cls.__module__ == "model.errors"} == set(STATUS)


def test_mistake_in_the_settings_is_one_sentence(monkeypatch):
    from typer.testing import CliRunner

    from service.cli import app

    monkeypatch.setenv("STANCE_MAX_BODY_BYTES", "many")
    result = CliRunner().invoke(app, ["serve"])
    assert result.exit_code == 2
    assert "STANCE_MAX_BODY_BYTES" in result.output


def test_key_command_gives_a_key_and_its_hash():
    from typer.testing import CliRunner

    from service.cli import app
    from service.keys import KeyRing, hash_of

    words = CliRunner().invoke(app, ["key"]).stdout.split()
    assert hash_of(words[1]) == words[3]
    assert KeyRing.load(words[3], None).opens(words[1])
    assert not KeyRing.load(words[3], None).opens(words[3])


def test_the_service_takes_a_shipped_checkpoint_by_its_name(root):
    folder = root / "model" / "checkpoints" / "anchorage-mpnet"
    assert Settings(checkpoint="anchorage-mpnet").checkpoint == folder
    assert Settings(checkpoint=folder).checkpoint == folder
    assert Settings().checkpoint is None
