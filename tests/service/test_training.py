"""Retraining through the service: a process of its own, one at a time, while the service keeps answering."""

import os
import shutil
import signal
import time

import pytest
from service_support import post, running, settings_of

from model.checkpoint import verify_checkpoint
from model.store import Store
from service.keys import new_key
from service.training_jobs import TrainingJobs

ROWS = "".join(f"{('Peace', 'Moscow')[n % 2]} talks {n},{('good', 'bad')[n % 2]}\n" for n in range(16))
CSV = ("text,stance\n" + ROWS).encode()
OTHER = CSV + b"Peace at last,good\n"


@pytest.fixture(scope="module")
def keyed(tiny_classifier, tiny_checkpoint, tmp_path_factory):
    """A server with an admin key and a store that holds the tiny checkpoint."""
    store = tmp_path_factory.mktemp("store")
    shutil.copytree(tiny_checkpoint, store / "tiny-test")
    admin, admin_hash = new_key()
    caller, caller_hash = new_key()
    settings = settings_of(store=store, admin_keys=admin_hash, api_keys=caller_hash)
    with running(settings, tiny_classifier) as server:
        yield server, store, {"x-api-key": admin}, {"x-api-key": caller}


def ended(client, job_id, seconds=240):
    until = time.monotonic() + seconds
    while (answer := client.get(f"/training/{job_id}").json())["state"] == "running":
        assert time.monotonic() < until, answer
        time.sleep(0.1)
    return answer


@pytest.mark.slow
def test_a_file_becomes_a_checkpoint_with_a_report_while_the_service_answers(keyed):
    server, store, admin, _ = keyed
    query = {"base": "tiny-test", "recipe": "frozen"}
    with server.client(headers=admin) as client:
        sent = client.post("/training", params=query, content=CSV, headers={"content-type": "text/csv"})
        assert sent.status_code == 202, sent.text
        job = sent.json()
        assert job["state"] == "running"
        other = client.post("/training", params=query, files={"file": ("my.csv", OTHER, "text/csv")})
        assert other.status_code == 409
        assert job["id"] in other.json()["detail"]
        assert post(client, "The talks go on.").status_code == 200
        assert client.get(f"/training/{job['id']}/report").status_code == 404
        done = ended(client, job["id"])
        assert done["state"] == "done", done
        assert done["metrics"]["set"] == "cross-validation"
        page = client.get(done["report"])
        assert page.headers["content-type"].startswith("text/html")
        assert done["checkpoint"] in page.text
        again = client.post("/training", params=query, content=CSV, headers={"content-type": "text/csv"})
        assert again.json()["state"] == "done", "the same file and settings are the same training"
        assert done["checkpoint"] in [manifest.checkpoint_id for _, manifest in Store(store).checkpoints()]
        verify_checkpoint(store / done["checkpoint"])


@pytest.mark.slow
def test_what_is_wrong_with_the_file_is_told_and_a_kill_is_no_end(keyed):
    server, store, admin, _ = keyed
    bad = b"text,stance\nPeace talks,good\n,bad\nMoscow,\n"
    query = {"base": "tiny-test", "recipe": "frozen"}
    with server.client(headers=admin) as client:
        job = client.post("/training", params=query, files={"file": ("bad.csv", bad, "text/csv")}).json()
        failed = ended(client, job["id"])
        assert failed["state"] == "failed"
        assert any("row 3" in line for line in failed["problems"])
        assert any("row 4" in line for line in failed["problems"])
        job = client.post("/training", params=query, content=OTHER, headers={"content-type": "text/csv"}).json()
        assert job["state"] == "running"
        kill_training(store / "training" / job["id"])
        killed = ended(client, job["id"])
        assert killed["state"] == "failed"
        assert "interrupted" in killed["problems"][0]
        again = client.post("/training", params=query, content=OTHER, headers={"content-type": "text/csv"}).json()
        assert (again["id"], again["state"]) == (job["id"], "running")
        kill_training(store / "training" / job["id"])


def kill_training(folder):
    """Find the process by its command line, as an administrator would, and kill it."""
    from pathlib import Path

    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in command:
            os.kill(int(process.name), signal.SIGKILL)


def test_only_an_administrator_may(keyed):
    server, _, admin, caller = keyed
    with server.client() as client:
        for headers, status in (({}, 401), (caller, 401)):
            given = {**headers, "content-type": "text/csv"}
            assert client.post("/training", content=CSV, headers=given).status_code == status
            assert client.get("/training/abc", headers=headers).status_code == status
        assert client.get("/training/abc", headers=admin).status_code == 404
        assert client.get("/training/..%2F..%2Fetc", headers=admin).status_code == 404


def test_without_an_admin_key_it_is_closed(server):
    with server.client() as client:
        assert client.get("/training/abc").status_code == 403


@pytest.mark.parametrize(
    ("query", "headers", "content", "status"),
    [
        ({}, {"content-type": "application/json"}, b"{}", 415),
        ({}, {"content-type": "text/csv"}, b" \n", 422),
        ({}, {"content-type": "multipart/form-data; boundary=x"}, b"--x\r\n\r\nno file\r\n--x--\r\n", 422),
        ({}, {"content-type": "multipart/form-data"}, b"no boundary", 422),
        ({"base": "../../etc"}, {"content-type": "text/csv"}, CSV, 422),
        ({"recipe": "magic"}, {"content-type": "text/csv"}, CSV, 422),
        ({"epochs": "0"}, {"content-type": "text/csv"}, CSV, 422),
    ],
)
def test_what_cannot_be_used_is_refused(keyed, query, headers, content, status):
    server, _, admin, _ = keyed
    with server.client(headers=admin) as client:
        answer = client.post("/training", params=query, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_empty_store_holds_no_training(tmp_path):
    jobs = TrainingJobs(tmp_path / "none")
    assert jobs.find("abc") is None
    assert jobs.running() is None
