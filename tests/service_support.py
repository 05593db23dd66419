"""A server on a real socket, in a thread, with a classifier that tests can hold, break and slow down; and its load."""

import contextlib
import json
import socket
import threading
import time

import httpx

from service.app import create_app
from service.server import make_server
from service.settings import Settings


class Controlled:
    """A backend around a real one: counts, waits at a gate, fails where it is told to."""

    def __init__(self, inner):
        self.name, self._inner = "controlled", inner
        self.gate, self.entered = threading.Event(), threading.Event()
        self.gate.set()
        self.batches, self.fails, self.takes_s = [], lambda batch: None, 0.0

    def logits(self, batch):
        self.entered.set()
        assert self.gate.wait(20)
        time.sleep(self.takes_s)
        self.batches.append(len(batch))
        if error := self.fails(batch):
            raise error
        return self._inner.logits(batch)


class Running:
    """What a test holds of a server that runs."""

    def __init__(self, server, backend, port):
        self.server, self.backend, self.port = server, backend, port
        self.url = f"http://127.0.0.1:{port}"

    @property
    def host(self):
        return self.server.config.loaded_app.state.host

    def client(self, **options):
        return httpx.Client(base_url=self.url, timeout=60, **options)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def stop(self):
        self.server.should_exit = True


def settings_of(**given):
    return Settings(**{"port": 0, "access_log": False, "drain_grace_s": 0.1, "drain_timeout_s": 10, **given})


@contextlib.contextmanager
def running(settings, classifier, backend=None):
    server = make_server(settings, create_app(settings, classifier))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < until
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Running(server, backend, port)
    finally:
        if backend:
            backend.gate.set()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server hangs"


def wait_for(condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


def post(client, text):
    return client.post("/classify", json={"text": text})


def request_of(text, *, length=None, close=False):
    body = json.dumps({"text": text}).encode()
    lines = [
        "POST /classify HTTP/1.1",
        "Host: test",
        "Content-Type: application/json",
        f"Content-Length: {length or len(body)}",
        *(["Connection: close"] if close else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_all(connection):
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


class Load:
    """Clients that send one request after the other until their connection is closed or they are told to stop."""

    def __init__(self, server, clients=8):
        self.statuses, self.lost, self.models = [], [], set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(server, n)) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, server, number):
        with httpx.Client(base_url=server.url, timeout=60) as client:
            count = 0
            while not self._stop.is_set():
                count += 1
                try:
                    answer = post(client, f"Statement {count} of client {number}.")
                except httpx.ConnectError:
                    return  # the door is closed: nothing was accepted
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    return
                self.statuses.append(answer.status_code)
                self.models.add(answer.json().get("model"))

    def wait(self, requests, seconds=60):
        """Wait until that many were answered; a machine that many share may be slow."""
        wait_for(lambda: len(self.statuses) >= requests or self.lost, seconds)
        assert self.lost == []

    def join(self):
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive(), "a client hangs"

    def end(self):
        self._stop.set()
        self.join()
