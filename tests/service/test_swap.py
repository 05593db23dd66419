"""Another checkpoint while the service runs, and the process as people start and end it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from service_support import Load, post, running, settings_of, wait_for
from tests_support import make_tiny_checkpoint

from model.store import Store
from service.keys import new_key


@pytest.fixture(scope="module")
def store(tmp_path_factory, tiny_base):
    """A store with two checkpoints, the first of them current."""
    root = tmp_path_factory.mktemp("store")
    first, second = (
        make_tiny_checkpoint(root / name, tiny_base).rename(root / f"{name}-test") for name in ("first", "second")
    )
    (root / "broken-test").mkdir()
    for name in ("manifest.json", "config.json"):
        content = (second / name).read_text(encoding="utf-8").replace("second-test", "broken-test")
        (root / "broken-test" / name).write_text(content, encoding="utf-8")
    (root / "current").symlink_to(first)
    return Store(root, shipped=first)


def make_current(store, name):
    link = store.root / "next"
    link.symlink_to(store.root / name)
    link.replace(store.root / "current")


class Process:
    """`stance serve` as a process of its own."""

    def __init__(self, process, port):
        self.process, self.port, self.url = process, port, f"http://127.0.0.1:{port}"

    def ready(self):
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        assert self.process.poll() is None, "the server has ended"
        return False

    def model(self):
        return httpx.get(f"{self.url}/model", timeout=5).json()["model"]


@pytest.fixture
def start(root, tmp_path):
    """Start a process: `start(store=...)`; ends with the test."""
    with contextlib.ExitStack() as stack:

        def run(**settings):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            given = {f"STANCE_{name.upper()}": str(value) for name, value in settings.items()}
            log = stack.enter_context((tmp_path / "log").open("w"))
            process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "serve", "--port", str(port)],
                cwd=root,
                env={**os.environ, **given, "PYTHONPATH": str(root)},
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait, 20)
            stack.callback(process.kill)
            made = Process(process, port)
            wait_for(made.ready, 180)
            return made

        yield run


def test_swap_under_load_loses_nothing_and_a_broken_checkpoint_changes_nothing(serve, store):
    key, digest = new_key()
    server = serve(admin_keys=digest, store=store.root, backend="torch", cache_entries=0)
    load = Load(server, clients=4)
    load.wait(20)
    with server.client(headers={"X-API-Key": key}) as client:
        for name, status, code in [("broken-test", 409, "checkpoint_missing"), ("other", 404, "not_found")]:
            answer = client.post("/admin/checkpoint", json={"name": name})
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert client.get("/model").json()["model"] == "tiny-test"
        answer = client.post("/admin/checkpoint", json={"name": "second-test"})
        assert answer.json() == {"model": "second-test", "previous": "tiny-test", "backend": "torch-fp32"}
        load.wait(len(load.statuses) + 20)
        load.end()
        assert post(client, "Afterwards.").json()["model"] == "second-test"
        metrics = client.get("/metrics").text
    assert load.lost == []
    assert set(load.statuses) == {200}
    assert load.models == {"tiny-test", "second-test"}
    assert 'stance_checkpoint_swaps_total{outcome="done"} 1.0' in metrics
    assert 'stance_checkpoint_swaps_total{outcome="failed"} 1.0' in metrics
    assert 'stance_model_info{backend="controlled",model="tiny-test"} 0.0' in metrics


@pytest.mark.slow
def test_hangup_serves_the_promoted_checkpoint_and_term_ends_under_load(start, store):
    make_current(store, "first-test")
    server = start(store=store.root)
    load = Load(server, clients=4)
    load.wait(20)
    make_current(store, "second-test")
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: server.model() == "second-test", 60)
    load.wait(len(load.statuses) + 50)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0
    load.end()
    assert load.lost == []
    assert set(load.statuses) == {200}
    assert load.models == {"first-test", "second-test"}


@pytest.mark.slow
def test_workers_share_the_port_the_metrics_and_the_signals(start, store, tmp_path):
    make_current(store, "first-test")
    server = start(store=store.root, workers=2)
    load = Load(server, clients=4)
    load.wait(40)
    load.end()
    asked = httpx.get(f"{server.url}/metrics").text
    (line,) = [
        row for row in asked.splitlines() if row.startswith('stance_requests_total{route="/classify",status="200"}')
    ]
    assert float(line.split()[-1]) == len(load.statuses)
    make_current(store, "second-test")
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: all(server.model() == "second-test" for _ in range(8)), 60)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0
    assert load.lost == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/healthz")


def test_missing_checkpoint_is_told_by_readiness_while_the_process_lives(serve, tiny_checkpoint, tmp_path):
    folder = tmp_path / "gone"
    shutil.copytree(tiny_checkpoint, folder)
    (folder / "model.safetensors").unlink()
    with running(settings_of(checkpoint=folder), None) as server, server.client() as client:
        wait_for(lambda: "lacks model.safetensors" in client.get("/readyz").text)
        assert client.get("/healthz").status_code == 200
        assert post(client, "Text.").status_code == 503
