"""What goes wrong on a network and behind it: nothing hangs, nothing is lost, every refusal says why."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from service_support import Load, post, read_all, request_of, wait_for

from model.errors import BackendError


def test_full_queue_answers_429_at_once_with_retry_after_and_serves_on(serve):
    server = serve(max_queue_texts=8, cache_entries=0)
    server.backend.gate.clear()
    with server.client() as client, ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(post, client, f"Statement {n}.") for n in range(8)]
        wait_for(lambda: server.host.queued == 8)
        started = time.monotonic()
        refused = client.post("/classify/batch", json={"texts": ["One more.", "And another."]})
        assert time.monotonic() - started < 2
        assert refused.status_code == 429
        assert refused.json()["code"] == "overloaded"
        assert int(refused.headers["retry-after"]) >= 1
        server.backend.gate.set()
        assert [answer.result().status_code for answer in waiting] == [200] * 8
        assert post(client, "Afterwards.").status_code == 200


def test_poisoned_text_fails_alone(serve):
    server = serve(cache_entries=0)
    poison = "The poisoned statement, which is longer than every other."
    length = len(server.host.engine.classifier.prepare(poison))
    server.backend.fails = lambda batch: BackendError("bad") if (batch.attention_mask.sum(1) == length).any() else None
    texts = [*(f"Text {n}." for n in range(7)), poison]
    with server.client() as client:
        results = client.post("/classify/batch", json={"texts": texts}).json()["results"]
        assert [result.get("error", {}).get("code") for result in results] == [None] * 7 + ["backend_failed"]
        alone = post(client, poison)
        assert (alone.status_code, alone.json()["code"]) == (500, "backend_failed")
        assert post(client, "Text 1.").status_code == 200


@pytest.mark.parametrize("error", [BackendError("down"), ValueError("secret detail"), MemoryError()])
def test_exception_in_the_backend_reaches_everybody_and_passes(serve, error):
    server = serve(cache_entries=0)
    server.backend.fails = lambda batch: error
    with server.client() as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: post(client, f"Text {n}."), range(16)))
        assert {answer.status_code for answer in answers} == {500}
        assert "secret" not in answers[0].text
        assert client.get("/healthz").status_code == 200
        server.backend.fails = lambda batch: None
        assert post(client, "Text 1.").status_code == 200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_death_of_the_worker_shows_in_health_and_nobody_hangs(serve):
    server = serve(cache_entries=0)
    server.backend.fails = lambda batch: SystemExit()
    with server.client() as client:
        answer = post(client, "Text.")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [503, 503]
        assert post(client, "Text.").status_code == 503


def test_clients_that_hang_up_are_dropped_from_the_queue(serve):
    server = serve(cache_entries=0, max_run_items=1)
    server.backend.gate.clear()
    with server.client() as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, client, "The first.")
        assert server.backend.entered.wait(10)
        for n in range(5):
            with server.connect() as gone:
                gone.sendall(request_of(f"Statement {n}."))
                wait_for(lambda n=n: server.host.queued == n + 2)
        time.sleep(0.2)
        server.backend.gate.set()
        assert first.result().status_code == 200
        wait_for(lambda: server.host.queued == 0)
        assert post(client, "The last.").status_code == 200
    assert server.backend.batches == [1, 1]


def test_slow_body_is_given_up_and_others_are_served_meanwhile(serve):
    server = serve(body_timeout_s=0.5)
    with server.connect() as slow, server.client() as client:
        slow.sendall(request_of("slow", length=500))
        started = time.monotonic()
        for n in range(5):
            assert post(client, f"Quick {n}.").status_code == 200
        received = read_all(slow)
        assert 0.3 < time.monotonic() - started < 5
    assert received.startswith(b"HTTP/1.1 408")
    assert b'"request_timeout"' in received


def test_half_a_body_and_then_nothing_does_no_harm(serve):
    server = serve()
    for _ in range(20):
        with server.connect() as half:
            half.sendall(request_of("half", length=500)[:-3])
    with server.client() as client:
        assert post(client, "Whole.").status_code == 200
    assert server.backend.batches == [1]


def test_headers_that_never_end_are_given_up(serve):
    server = serve(header_timeout_s=0.4)
    with server.connect() as silent, server.connect() as half:
        half.sendall(b"POST /classify HTTP/1.1\r\nHost: te")
        started = time.monotonic()
        for connection in (silent, half):
            with contextlib.suppress(ConnectionResetError):
                assert read_all(connection) == b""
        assert time.monotonic() - started < 5
    with server.client() as client:
        assert post(client, "Whole.").status_code == 200
        time.sleep(0.8)  # a connection that rests between requests is not given up by this limit
        assert post(client, "Whole again.").status_code == 200


def test_answer_that_takes_too_long_is_504_and_its_text_is_dropped(serve):
    server = serve(request_timeout_s=1.5, cache_entries=0)
    server.backend.gate.clear()
    with server.client() as client:
        answer = post(client, "Slow.")
        assert (answer.status_code, answer.json()["code"]) == (504, "timeout")
        server.backend.gate.set()
        wait_for(lambda: server.host.queued == 0)
        assert post(client, "Quick.").status_code == 200


def test_rubbish_instead_of_http_is_refused(serve):
    server = serve()
    with server.connect() as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00" * 20 + b"\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 400")
    with server.client() as client:
        assert post(client, "Fine.").status_code == 200


def test_end_under_load_loses_no_accepted_request(serve):
    server = serve(drain_grace_s=0.3)
    server.backend.takes_s = 0.002
    load = Load(server)
    load.wait(100)
    server.stop()
    load.join()
    load.end()
    assert load.lost == []
    assert set(load.statuses) == {200}


def test_end_waits_for_what_is_running(serve):
    server = serve()
    server.backend.gate.clear()
    with server.client() as client, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(post, client, f"Statement {n}.") for n in range(3)]
        wait_for(lambda: server.host.queued == 3)
        server.stop()
        wait_for(lambda: server.host.draining)
        time.sleep(0.5)
        server.backend.gate.set()
        answers = [answer.result() for answer in waiting]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert {answer.headers["connection"] for answer in answers} == {"close"}


def test_a_client_that_sends_everything_before_it_reads_sees_why_its_body_is_refused(serve):
    server = serve(max_body_bytes=100_000)
    body = b" " * 900_000
    head = b"POST /classify HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head % len(body) + body)
        assert read_all(connection).startswith(b"HTTP/1.1 413")
    with server.connect() as connection:  # one that waits for the answer first gets it soon
        connection.sendall(head % len(body))
        assert read_all(connection).startswith(b"HTTP/1.1 413")
