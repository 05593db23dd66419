"""What keeps a request cheap changes nothing that a client sees."""

import asyncio
import json
import logging
import socket

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient
from pydantic import BaseModel

from service.app import _telemetry_is_wanted
from service.direct import DirectRoute
from service.logs import JsonFormatter
from service.metrics import Metrics
from service.server import JoinedWrites


class Recorder:
    def __init__(self):
        self.calls = []

    def write(self, data):
        self.calls.append(data)

    def close(self):
        self.calls.append("closed")

    def is_closing(self):
        return "closed" in self.calls


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


def test_a_head_is_sent_with_what_follows_it():
    async def run():
        inner = Recorder()
        transport = JoinedWrites(inner, asyncio.get_running_loop())
        transport.write(HEAD)
        assert inner.calls == []
        transport.write(b"body")
        assert inner.calls == [HEAD + b"body"]
        transport.write(b"more")
        await asyncio.sleep(0)
        assert inner.calls == [HEAD + b"body", b"more"]
        assert not transport.is_closing()

    asyncio.run(run())


def test_a_head_that_nothing_follows_is_sent_too():
    async def run():
        inner = Recorder()
        transport = JoinedWrites(inner, asyncio.get_running_loop())
        transport.write(HEAD)
        await asyncio.sleep(0)
        assert inner.calls == [HEAD]
        transport.write(HEAD)
        transport.close()
        await asyncio.sleep(0)
        assert inner.calls == [HEAD, HEAD, "closed"]

    asyncio.run(run())


def test_an_answer_arrives_in_one_piece_and_its_connection_goes_on(serve):
    server = serve()
    body = json.dumps({"text": "Talks continue."}).encode()
    head = (
        f"POST /classify HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(head.encode() + body)
            received = connection.recv(65536)
            head_of_answer, _, rest = received.partition(b"\r\n\r\n")
            assert head_of_answer.startswith(b"HTTP/1.1 200")
            assert json.loads(rest)["stance"]


def test_a_head_is_dropped_when_its_client_has_gone():
    async def run():
        inner = Recorder()
        transport = JoinedWrites(inner, asyncio.get_running_loop())
        transport.write(HEAD)
        inner.close()
        await asyncio.sleep(0)
        assert inner.calls == ["closed"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/vnd.news+json", 200),
        ("text/news+json", 415),
        ("text/json", 415),
        ("application/jsonp", 415),
        ("", 415),
    ],
)
@pytest.mark.parametrize("path", ["/classify", "/articles"])
def test_bodies_are_taken_by_their_media_type(client, path, media_type, status):
    answer = client.post(path, content=b'{"text": "Talks continue."}', headers={"Content-Type": media_type})
    assert answer.status_code == status, answer.text


class Body(BaseModel):
    text: str
    times: int = 1


def app_of(route_class):
    app = FastAPI()
    app.router.route_class = route_class

    @app.post("/echo")
    async def echo(request: Request, body: Body):
        return PlainTextResponse(body.text * body.times)

    return app


@pytest.mark.parametrize(
    "content",
    [
        b'{"text": "a", "times": 3}',
        b'{"text": "a", "times": "3"}',
        b'{"text": "\\ud800"}',
        b'{"text": 1}',
        b'{"times": 2}',
        b"[]",
        b"{",
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_direct_route_answers_as_a_usual_one(content):
    from fastapi.routing import APIRoute

    answers = []
    for route_class in (APIRoute, DirectRoute):
        with TestClient(app_of(route_class), raise_server_exceptions=False) as client:
            answer = client.post("/echo", content=content, headers={"Content-Type": "application/json"})
            answers.append((answer.status_code, answer.content))
    assert answers[0] == answers[1]


def test_a_log_line_may_hold_what_is_no_unicode():
    record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "broken \ud800", "path": "/ü"})
    assert json.loads(JsonFormatter().format(record))["message"] == "broken \ud800"
    record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "whole", "path": "/ü"})
    assert "/ü" in JsonFormatter().format(record)


def test_requests_are_counted_by_route_and_status():
    metrics = Metrics()
    metrics.request("/classify", 200, 0.003)
    metrics.request("/classify", 200, 0.004)
    metrics.request("/classify", 429, 0.001)
    shown = metrics.render().decode()
    assert 'stance_requests_total{route="/classify",status="200"} 2.0' in shown
    assert 'stance_requests_total{route="/classify",status="429"} 1.0' in shown
    assert 'stance_request_seconds_count{route="/classify"} 3.0' in shown


def test_telemetry_is_looked_for_only_where_it_was_set_up(monkeypatch):
    for name in ("OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert not _telemetry_is_wanted()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert _telemetry_is_wanted()
