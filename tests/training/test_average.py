import csv
import io
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from model.checkpoint import DELTA, verify_checkpoint
from model.errors import CheckpointError, DataError, TrainingError
from model.loading import open_classifier
from service.cli import app
from training.average import average
from training.config import Recipe
from training.data import read_labelled
from training.evaluate import evaluate
from training.run import train


def write_rows(path, labels=("good", "bad"), validation=True):
    """A hundred statements whose first word gives the label away, every fifth for validation."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["text", "stance", "split"])
    for n in range(100):
        words = f"{('Peace', 'Moscow')[n % 2]} {('talks', 'summit', 'Ukraine', 'Trump', 'dialogue')[n // 2 % 5]} {n}"
        writer.writerow([words, labels[n % 2], "validation" if validation and n % 10 in (0, 1) else ""])
    path.write_text(stream.getvalue())
    return path


def scores(classifier, texts):
    return np.array([list(answer.stance.scores.values()) for answer in classifier.classify(texts)])


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("data") / "toy.csv")


@pytest.fixture(scope="module")
def recipe(tiny_base):
    rates = {"learning_rate": 2e-3, "head_learning_rate": 5e-3}
    return Recipe(base=str(tiny_base), epochs=12, patience=0, bf16=False, max_tokens=64, edit_share=0, **rates)


@pytest.fixture(scope="module")
def parents(rows, recipe, tmp_path_factory):
    """The same settings, once on all training rows and once on half of them."""
    root = tmp_path_factory.mktemp("runs")
    half = root / "half.csv"
    lines = rows.read_text().splitlines(keepends=True)
    half.write_text("".join([lines[0], *(line for n, line in enumerate(lines[1:]) if n % 20 < 12)]))
    for name, file in (("all", rows), ("half", half)):
        train(read_labelled(file), root / name, recipe, target="a toy")
    return [root / "all", root / "half"]


def test_the_weights_are_the_mean_and_it_serves(parents, rows, tmp_path):
    manifest, figures = average(parents, read_labelled(rows), tmp_path / "mean")
    tensors = [load_file(folder / "model.safetensors") for folder in [*parents, tmp_path / "mean"]]
    name = "classifier.weight"
    assert not np.array_equal(tensors[0][name], tensors[1][name])
    for name, value in tensors[2].items():
        expected = (tensors[0][name].astype(np.float64) + tensors[1][name].astype(np.float64)) / 2
        assert np.allclose(value, expected, atol=2e-3), name
    assert verify_checkpoint(tmp_path / "mean") == manifest
    assert figures.macro_f1 > 0.9
    held = [row for row in read_labelled(rows).rows if row.split == "validation"]
    again, _ = evaluate(open_classifier(tmp_path / "mean", backend="torch", warm_up=False), held)
    assert again.macro_f1 == pytest.approx(figures.macro_f1)


def test_the_manifest_tells_what_was_averaged(parents, rows, tmp_path):
    manifest, figures = average(parents, read_labelled(rows), tmp_path / "mean")
    told = manifest.training["average_of"]
    assert [one["checkpoint"] for one in told] == [verify_checkpoint(folder).checkpoint_id for folder in parents]
    assert told[1]["training"]["split"]["train"] != told[0]["training"]["split"]["train"]
    assert told[1]["corpus"] == dict(verify_checkpoint(parents[1]).corpus)
    assert manifest.metrics["set"] == "validation"
    assert figures.rows == 20
    assert told[0]["checkpoint"] in (tmp_path / "mean" / "README.md").read_text()


def test_it_can_be_written_as_a_delta_that_answers_as_the_whole_one(parents, rows, tmp_path):
    average(parents, read_labelled(rows), tmp_path / "whole")
    manifest, _ = average(parents, read_labelled(rows), tmp_path / "delta", delta_rank=32)
    assert DELTA in manifest.files
    whole, delta = (open_classifier(tmp_path / name, backend="torch", warm_up=False) for name in ("whole", "delta"))
    texts = [row.text for row in read_labelled(rows).rows]
    gap = np.abs(scores(whole, texts) - scores(delta, texts)).max()
    assert gap < 0.05, gap


def test_the_command_line(parents, rows, tmp_path):
    given = ["average", *map(str, parents), "--on", str(rows), "--out", str(tmp_path / "mean")]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert verify_checkpoint(tmp_path / "mean").checkpoint_id in done.output
    assert CliRunner().invoke(app, given).exit_code != 0, "what stands at --out stays"


def test_rows_to_calibrate_on_are_needed(parents, tmp_path):
    data = read_labelled(write_rows(tmp_path / "plain.csv", validation=False))
    with pytest.raises(DataError, match="validation"):
        average(parents, data, tmp_path / "mean")


def test_what_does_not_belong_together_is_refused(parents, rows, recipe, tmp_path):
    data = read_labelled(rows)
    with pytest.raises(TrainingError, match="at least two"):
        average(parents[:1], data, tmp_path / "mean")
    other = read_labelled(write_rows(tmp_path / "other.csv", labels=("yes", "no")))
    train(other, tmp_path / "other", recipe)
    with pytest.raises(TrainingError, match="other labels"):
        average([parents[0], tmp_path / "other"], data, tmp_path / "mean")
    with pytest.raises(DataError, match="other labels"):
        average(parents, other, tmp_path / "mean")
    with pytest.raises(CheckpointError):
        average([parents[0], tmp_path / "nothing"], data, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_other_layers_are_refused(parents, rows, recipe, tmp_path):
    from dataclasses import replace

    warm = replace(recipe, method="warm", epochs=1)
    train(read_labelled(rows), tmp_path / "warm", warm, target="a toy")
    with pytest.raises(TrainingError, match="other layers"):
        average([parents[0], tmp_path / "warm"], read_labelled(rows), tmp_path / "mean")


def test_what_stands_there_stays_unless_told(parents, rows, tmp_path):
    out = tmp_path / "mean"
    shutil.copytree(parents[0], out)
    with pytest.raises(CheckpointError, match="exists already"):
        average(parents, read_labelled(rows), out)
    assert verify_checkpoint(out) == verify_checkpoint(parents[0])
    manifest, _ = average(parents, read_labelled(rows), out, overwrite=True)
    assert verify_checkpoint(out) == manifest != verify_checkpoint(parents[0])
