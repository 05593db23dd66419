"""A promotion that is killed at any point leaves the old checkpoint served."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from model.checkpoint import read_manifest, verify_checkpoint
from model.store import Store

DIES = """
import os, pathlib, shutil, signal, sys
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
copytree = shutil.copytree
at = sys.argv.pop(1)
if at == "copying":
    shutil.copytree = lambda a, b: (copytree(a, b), os.unlink(b / "tokenizer.json"), die())
elif at == "copied":
    pathlib.Path.rename = die
elif at == "writing the history":
    os.fsync = die
elif at == "before the switch":
    pathlib.Path.replace = die
from service.cli import main
main()
"""


def renamed(folder, target, name):
    copy = shutil.copytree(folder, target / name)
    manifest = json.loads((copy / "manifest.json").read_text()) | {"checkpoint_id": name}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("at", ["copying", "copied", "writing the history", "before the switch"])
def test_kill_9_during_promotion_leaves_the_old_one_served(root, tmp_path, tiny_checkpoint, at):
    store = Store(tmp_path / "store")
    old = store.add(renamed(tiny_checkpoint, tmp_path, "old"))
    store.root.joinpath("current").symlink_to(old)
    new = renamed(tiny_checkpoint, tmp_path, "new")

    def promote(*command):
        return subprocess.run(
            [sys.executable, *command, "promote", str(new), "--force"],
            cwd=root,
            env={**os.environ, "STANCE_HOME": str(store.root)},
            capture_output=True,
            text=True,
            timeout=120,
        )

    killed = promote("-c", DIES, at)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert read_manifest(store.current()).checkpoint_id == "old"
    verify_checkpoint(store.current())
    assert [m.checkpoint_id for _, m in store.checkpoints() if m.checkpoint_id == "old"] == ["old"]

    done = promote("-m", "service.cli")
    assert done.returncode == 0, done.stderr
    assert verify_checkpoint(store.current()).checkpoint_id == "new"
    assert store.previous() == old
