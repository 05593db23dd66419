"""Ray on this machine with two workers: the rows of the local engine, to the byte."""

import importlib.util
import subprocess
import sys

import pytest
from folder_support import SAID_TABLE, write_articles


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed (extra: ray)")
def test_rays_rows_equal_the_local_engines(root, tmp_path, tiny_checkpoint):
    folder = write_articles(tmp_path / "in", 600, shared=50)
    (folder / "a0300.csv").write_text(SAID_TABLE, encoding="utf-8")
    (folder / "a0010.txt").write_bytes(b"")
    results = {}
    for engine in ("local", "ray"):
        out = tmp_path / f"{engine}.jsonl"
        command = [sys.executable, "-m", "service.cli", "score", folder, "--out", out, "--checkpoint", tiny_checkpoint]
        command += ["--engine", engine, "--workers", "2"]
        done = subprocess.run([*map(str, command)], cwd=root, capture_output=True, text=True, timeout=300)
        assert done.returncode == 1, done.stderr  # the empty file
        assert "Traceback" not in done.stderr
        results[engine] = out.read_bytes(), (tmp_path / f"{engine}.jsonl.errors.jsonl").read_bytes()
    assert results["ray"] == results["local"]
    assert results["local"][0].count(b"\n") == 599 * 2 + 300
