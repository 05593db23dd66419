"""kill -9 on a real process, at random moments; the same command then goes on to the same bytes.

The process has the real pool, journal and writers, and a classifier without a network, so that it starts in no time;
its scores depend on the whole batch. More kills than the default start from nothing each time; with
`STANCE_TEST_CHECKPOINT=DIR` it is `stance score` itself that is killed.
"""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from folder_support import write_articles

from service.folder.parcels import MAX_DOCUMENTS

CHECKPOINT = os.environ.get("STANCE_TEST_CHECKPOINT")
DEFAULT_KILLS = 5
KILLS = int(os.environ.get("STANCE_TEST_KILLS", DEFAULT_KILLS))
DOCUMENTS = int(os.environ.get("STANCE_TEST_DOCUMENTS", "1500"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_articles(tmp_path_factory.mktemp("kill") / "in", DOCUMENTS, shared=400)
    (folder / "a0001.txt").write_bytes(b"")
    return folder


def start(root, folder, out, checkpoint):
    command = [sys.executable, root / "tests" / "folder_support.py", folder, out]
    if checkpoint:
        command = [sys.executable, "-m", "service.cli", "score", folder, "--out", out, "--checkpoint", checkpoint]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
    return subprocess.Popen(
        [*map(str, command)], cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def wait_for_journal(process, out):
    while process.poll() is None and not out.with_name(out.name + ".journal").exists():
        time.sleep(0.005)
    return time.monotonic()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as stream:  # noqa: PTH123
        return stream.read().split()


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_kill_minus_nine_at_random_moments(root, tmp_path, folder, ending):
    whole, out = tmp_path / f"whole.{ending}", tmp_path / f"out.{ending}"
    process = start(root, folder, whole, CHECKPOINT)
    began = wait_for_journal(process, whole)
    _, told = process.communicate()
    assert process.returncode == 1, told.decode()  # the empty file counts
    seconds = time.monotonic() - began
    rng = random.Random(f"{ending} {KILLS}")
    kills = 0
    for number in range(KILLS):
        process = start(root, folder, out, CHECKPOINT)
        wait_for_journal(process, out)
        time.sleep(rng.uniform(0, seconds / 2 if KILLS == DEFAULT_KILLS else seconds))
        workers = children(process.pid) if process.poll() is None else []
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        deadline = time.monotonic() + 10
        while any(os.path.exists(f"/proc/{pid}") for pid in workers):  # noqa: PTH110
            assert time.monotonic() < deadline, "a worker outlived the run"
            time.sleep(0.05)
        if KILLS > DEFAULT_KILLS or number == KILLS - 1:
            _, told = start(root, folder, out, CHECKPOINT).communicate()
            assert out.read_bytes() == whole.read_bytes(), told.decode()
            errors = [path.with_name(path.name + ".errors.jsonl").read_bytes() for path in (out, whole)]
            assert errors[0] == errors[1]
            assert not out.with_name(out.name + ".journal").exists()
            out.unlink()
    assert kills >= min(3, KILLS), "too few runs were still going when they were to be killed"


@pytest.mark.slow
def test_sigterm_ends_in_one_sentence_and_the_next_run_goes_on(root, tmp_path, folder):
    out = tmp_path / "out.jsonl"
    process = start(root, folder, out, CHECKPOINT)
    part, first_parcel = out.with_name("out.jsonl.part"), 2 * MAX_DOCUMENTS  # rows: two statements an article
    while process.poll() is None and (not part.exists() or part.read_bytes().count(b"\n") <= first_parcel):
        time.sleep(0.002)
    process.terminate()  # a parcel's rows are written after the parcel before it is recorded
    _, told = process.communicate()
    assert process.returncode == 1
    assert b"goes on from here" in told
    assert b"Traceback" not in told
    _, told = start(root, folder, out, CHECKPOINT).communicate()
    assert b"are kept" in told
    assert b"Traceback" not in told
