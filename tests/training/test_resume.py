"""A training that is killed goes on, and ends as if nothing had happened."""

import json
import signal
import subprocess
import sys
import time

import pytest

from training.config import recipe_for
from training.data import read_labelled
from training.learn import work_folder
from training.run import train


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "toy.csv"
    words = ("talks", "summit", "Ukraine", "Trump", "dialogue")
    lines = [f"{('Peace', 'Moscow')[n % 2]} {words[n % 5]} {n},{('good', 'bad')[n % 2]}\n" for n in range(320)]
    path.write_text("text,stance\n" + "".join(lines))
    return path


def start(root, toy, out, base):
    command = [sys.executable, "-m", "service.cli", "train", str(toy), "--out", str(out), "--base", str(base)]
    return subprocess.Popen([*command, "--epochs", "9"], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_kill_9_in_the_middle_changes_nothing(root, toy, tiny_base, tmp_path):
    killed = start(root, toy, tmp_path / "run", tiny_base)
    while not list(tmp_path.glob(".run.unfinished-*/all/checkpoint-*/complete")):
        assert killed.poll() is None, killed.stderr.read()
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    killed.stderr.close()
    assert not (tmp_path / "run").exists()
    (state,) = tmp_path.glob(".run.unfinished-*")
    assert not (state / "all" / "checkpoint-162").exists(), "it was killed too late to show anything"

    again = start(root, toy, tmp_path / "run", tiny_base)
    assert again.communicate(timeout=300)[1].count(b"Traceback") == 0
    assert again.returncode == 0
    assert not list(tmp_path.glob(".run*")), "the state is removed once the checkpoint stands"

    whole, _ = train(read_labelled(toy), tmp_path / "whole", recipe_for(str(tiny_base), epochs=9))
    resumed = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert resumed["files"]["model.safetensors"] == whole.files["model.safetensors"]
    assert resumed["metrics"] == dict(whole.metrics)
    assert resumed["calibrations"]["torch"]["threshold"] == whole.calibrations["torch"].threshold


def test_another_recipe_or_other_rows_never_go_on_from_that_state(toy, tiny_base, tmp_path):
    from model.bases import resolve_base

    base, rows = resolve_base(str(tiny_base)), list(read_labelled(toy).rows)
    recipe = recipe_for(str(tiny_base))
    first = work_folder(tmp_path / "x", rows, base, recipe, None)
    assert first == work_folder(tmp_path / "x", rows, base, recipe, None)
    assert first.parent == tmp_path
    others = (
        work_folder(tmp_path / "x", rows[1:], base, recipe, None),
        work_folder(tmp_path / "x", rows, base, recipe_for(str(tiny_base), epochs=2), None),
        work_folder(tmp_path / "x", rows, base, recipe, "a-teacher"),
        work_folder(tmp_path / "y", rows, base, recipe, None),
    )
    assert len({first, *others}) == 5


def test_training_stops_when_validation_gets_no_better(toy, tiny_base, tmp_path):
    recipe = recipe_for(str(tiny_base), epochs=30, learning_rate=5e-3, head_learning_rate=1e-2, bf16=False)
    reports = []
    train(read_labelled(toy), tmp_path / "run", recipe, on_progress=reports.append)
    steps = [report.step for report in reports if report.stage == "train"]
    assert steps[-1] < reports[0].steps / 2
    curve = json.loads((tmp_path / "run" / "report" / "report.json").read_text())["learning_curve"]
    scores = [score for _, score in curve["validation_macro_f1"]]
    assert len(scores) >= 3
    assert max(scores[-2:]) <= max(scores[:-2])
