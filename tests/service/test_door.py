"""What is refused at the door looks as if the app had refused it, and the app never hears of it."""

import contextlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from service_support import post, read_all, request_of, wait_for

from service import keys, limits

CHANGING = {"date", "x-request-id", "server-timing"}


@contextlib.contextmanager
def full(server, **options):
    """A server whose queue is full."""
    server.backend.gate.clear()
    with server.client(**options) as client, ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(post, client, f"Statement {n}.") for n in range(8)]
        wait_for(lambda: server.host.queued == 8)
        yield client
        server.backend.gate.set()
        assert [answer.result().status_code for answer in waiting] == [200] * 8
        assert post(client, "Afterwards.").status_code == 200


@pytest.fixture
def heard(monkeypatch):
    """Paths of the requests that came as far as the app's own refusal."""
    paths = []
    within = limits.Shed.__call__

    async def listening(self, scope, receive, send):
        paths.append(scope.get("path"))
        await within(self, scope, receive, send)

    monkeypatch.setattr(limits.Shed, "__call__", listening)
    return paths


def shape(answer):
    return answer.status_code, answer.json(), {k: v for k, v in answer.headers.items() if k not in CHANGING}


@pytest.mark.parametrize("path", ["/classify", "/classify/batch", "/articles"])
def test_both_refusals_are_alike_to_the_header(serve, heard, path):
    server = serve(max_queue_texts=8, cache_entries=0)
    with full(server) as client:
        heard.clear()
        at_door = client.post(path, json={"text": "One more."}, headers={"X-Request-Id": "mine"})
        assert heard == []
        server.server.config.http_protocol_class.door = None
        within = client.post(path, json={"text": "One more."}, headers={"X-Request-Id": "mine"})
        assert heard == [path]
    assert at_door.status_code == 429
    assert shape(at_door) == shape(within)
    assert set(at_door.headers) == set(within.headers)
    assert at_door.headers["x-request-id"] == "mine"
    assert at_door.headers["server-timing"].startswith("total;dur=")


def test_other_paths_come_in(serve):
    with full(serve(max_queue_texts=8, cache_entries=0)) as client:
        assert client.get("/readyz").status_code == 200
        assert client.get("/classify").status_code == 405
        assert client.post("/nothing", json={}).status_code == 404


def test_who_has_no_key_hears_that_first(serve):
    key, hashed = keys.new_key()
    server = serve(max_queue_texts=8, cache_entries=0, api_keys=hashed)
    right = {"Authorization": f"Bearer {key}"}
    with full(server, headers=right) as client:
        assert post(client, "One more.").status_code == 429
        for wrong in ("Bearer nonsense", "Basic nonsense"):
            answer = client.post("/classify", json={"text": "One more."}, headers={"Authorization": wrong})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"


def test_refusals_are_counted_and_logged(serve, caplog):
    caplog.set_level(logging.INFO, "service.access")
    with full(serve(max_queue_texts=8, cache_entries=0, access_log=True)) as client:
        for _ in range(3):
            assert post(client, "One more.").status_code == 429
        shown = client.get("/metrics").text
    assert 'stance_requests_total{route="/classify",status="429"} 3.0' in shown
    assert 'stance_rejected_total{code="overloaded"} 3.0' in shown
    refused = [record for record in caplog.records if getattr(record, "status", 0) == 429]
    assert [(record.path, record.method, record.client) for record in refused] == [
        ("/classify", "POST", "127.0.0.1")
    ] * 3
    assert len({record.request_id for record in refused}) == 3


def test_a_connection_goes_on_after_a_refusal_and_its_body_is_no_request(serve):
    server = serve(max_queue_texts=8, cache_entries=0)
    with full(server), server.connect() as connection:
        body = request_of("Sent in two halves, the second after the refusal.", close=False)
        connection.sendall(body[:-20])
        assert connection.recv(65536).startswith(b"HTTP/1.1 429 ")
        connection.sendall(body[-20:] + b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_connection_that_is_to_end_ends(serve):
    server = serve(max_queue_texts=8, cache_entries=0)
    with full(server), server.connect() as connection:
        connection.sendall(request_of("The last one.", close=True))
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head.lower()
    assert json.loads(body)["code"] == "overloaded"


def test_a_thousand_requests_in_a_row_on_one_connection_are_all_answered(serve):
    server = serve(max_queue_texts=8, cache_entries=0)
    count = 1000
    with full(server), server.connect() as connection:
        one = b"POST /classify HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n"
        last = b"GET /nothing HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n" + one * count + last)
        received = read_all(connection)
    assert received.count(b"HTTP/1.1 429 ") == count
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.rindex(b"HTTP/1.1 404 ") > received.rindex(b"HTTP/1.1 429 ")
