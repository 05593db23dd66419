"""`--dry-run`: what a training would do, without doing it."""

import re
import subprocess
import sys

import pytest

from training.config import recipe_for
from training.data import read_labelled
from training.plan import plan
from training.progress import Progress


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "toy.csv"
    path.write_text("text,stance\n" + "".join(f"Peace talks {n},{('good', 'bad')[n % 2]}\n" for n in range(240)))
    return path


def test_counts_splits_and_time_and_nothing_written(root, labelled, tiny_base, tmp_path):
    command = [sys.executable, "-m", "service.cli", "train", str(labelled), "--base", str(tiny_base), "--dry-run"]
    told = subprocess.run(
        [*command, "--out", str(tmp_path / "x")], cwd=root, capture_output=True, text=True, timeout=120
    )
    assert told.returncode == 0, told.stderr
    assert re.search(r"train\s+│ 216\s+│ 108 │ 108", told.stdout)
    assert re.search(r"validation\s+│ 24\s+│ 12\s+│ 12", told.stdout)
    assert re.search(r"expected time \d+\.\d minutes for 1 network", told.stdout)
    assert "recipe warm" in told.stdout
    assert not list(tmp_path.iterdir())


@pytest.fixture
def fixed_rate(monkeypatch):
    """One row a second, so that what else the machine does has no say."""
    monkeypatch.setattr(
        "training.plan.learn", lambda lesson, rows, keep, max_steps: keep(Progress("train", rows_per_s=1.0))
    )


@pytest.mark.usefixtures("fixed_rate")
def test_folds_take_longer(labelled, tiny_base):
    data = read_labelled(labelled)
    once = plan(data, recipe_for(str(tiny_base), "finetune", epochs=2))
    often = plan(data, recipe_for(str(tiny_base), "finetune", epochs=2, folds=5))
    assert (once.runs, often.runs) == (1, 6)
    assert often.seconds > once.seconds
    assert once.seconds >= 2 * 216
    assert often.seconds >= 5 * 2 * 240  # one network on all rows, five on four fifths
    assert often.split["validation"] == {}
    assert once.rows_per_s == 1.0


@pytest.mark.usefixtures("fixed_rate")
def test_a_bound_on_the_rows_of_a_pass_bounds_the_time(labelled, tiny_base):
    bound = plan(read_labelled(labelled), recipe_for(str(tiny_base), "finetune", epochs=2, rows_per_epoch=50))
    assert 2 * 50 <= bound.seconds < 2 * 216


def test_the_rate_is_timed_on_real_steps(labelled, tiny_base):
    assert plan(read_labelled(labelled), recipe_for(str(tiny_base), "finetune", epochs=1)).rows_per_s > 0
