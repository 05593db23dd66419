import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from model import delta
from model.checkpoint import DELTA, verify_checkpoint
from model.delta import combine, factorise, merge_into, with_weights, write_delta
from model.errors import BaseError, CheckpointDamagedError
from model.loading import open_classifier
from training.config import Recipe
from training.data import read_labelled
from training.run import train


def test_a_low_rank_difference_is_kept_and_the_rest_is_shared():
    generator = np.random.default_rng(0)
    base = {
        "w": generator.normal(size=(64, 48)),
        "b": generator.normal(size=64),
        "frozen": generator.normal(size=(9, 9)),
    }
    learned = generator.normal(size=(64, 3)) @ generator.normal(size=(3, 48)) * 0.1
    tuned = {"w": base["w"] + learned, "b": base["b"] + 1, "frozen": base["frozen"].copy(), "head": np.ones((2, 64))}
    parts, same = factorise(base, tuned, rank=4)
    assert same == ["frozen"]
    assert {name: value.shape for name, value in parts.items()} == {
        "w.left": (64, 4), "w.right": (4, 48), "b": (64,), "head": (2, 64),
    }  # fmt: skip
    merged = combine(base, parts, same)
    assert set(merged) == set(tuned)
    for name, value in tuned.items():
        np.testing.assert_allclose(merged[name], value, atol=5e-3)


def test_a_rank_that_is_too_small_keeps_the_strongest_part():
    left, right = np.linalg.qr(np.random.default_rng(1).normal(size=(40, 40)))[0], np.eye(40)
    strengths = np.zeros(40)
    strengths[:3] = (3.0, 2.0, 0.5)
    parts, _ = factorise({"w": np.zeros((40, 40))}, {"w": (left * strengths) @ right}, rank=2)
    merged = combine({"w": np.zeros((40, 40))}, parts, [])["w"].astype(float)
    assert np.linalg.norm(merged - (left * strengths) @ right) == pytest.approx(0.5, abs=0.01)


def test_a_layer_that_only_passes_on_costs_nothing(tmp_path):
    save_file({"w": np.ones((8, 8), np.float32)}, tmp_path / "base.safetensors")
    head = np.arange(8, dtype=np.float32).reshape(2, 4)
    tuned = {"w": np.ones((8, 8), np.float32), "eye": np.eye(8, dtype=np.float32) * 1024, "head": head}
    tuned["none"] = np.zeros((4, 8), np.float32)
    write_delta(tmp_path, tmp_path / "base.safetensors", tuned, 2)
    assert set(load_file(tmp_path / DELTA)) == {"head"}
    (tmp_path / "out").mkdir()
    merge_into(tmp_path, tmp_path / "base.safetensors", tmp_path / "out")
    merged = load_file(tmp_path / "out" / "model.safetensors")
    assert merged.keys() == tuned.keys()
    for name, value in tuned.items():
        np.testing.assert_array_equal(merged[name], value)


@pytest.mark.parametrize("keys", [("same", "rank"), ("same", "diagonal", "rank")])
def test_files_of_earlier_versions_are_read(tmp_path, keys):
    save_file({"w": np.ones((8, 8), np.float32)}, tmp_path / "base.safetensors")
    told = {"same": ["w"], "diagonal": {"eye": [[4, 4], 2.0]}, "rank": 2}
    metadata = {"format": "pt", **{key: json.dumps(told[key]) for key in keys}}
    save_file({"head": np.ones((2, 4), np.float16)}, tmp_path / DELTA, metadata=metadata)
    (tmp_path / "out").mkdir()
    merge_into(tmp_path, tmp_path / "base.safetensors", tmp_path / "out")
    merged = load_file(tmp_path / "out" / "model.safetensors")
    assert set(merged) == {"w", "head", *(["eye"] if "diagonal" in keys else [])}


@pytest.fixture(scope="module")
def delta_checkpoint(tmp_path_factory, tiny_base):
    root = tmp_path_factory.mktemp("delta")
    path = root / "toy.csv"
    lines = [f"{('Peace', 'Moscow')[n % 2]} talks {n},{('good', 'bad')[n % 2]}\n" for n in range(60)]
    path.write_text("text,stance\n" + "".join(lines))
    recipe = Recipe(base=str(tiny_base), epochs=2, learning_rate=5e-3, bf16=False, max_tokens=64, delta_rank=4)
    train(read_labelled(path), root / "small", recipe)
    return root / "small"


def test_it_serves_what_was_evaluated(delta_checkpoint, monkeypatch, tmp_path):
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path))
    manifest = verify_checkpoint(delta_checkpoint)
    assert DELTA in manifest.files
    assert (delta_checkpoint / DELTA).stat().st_mode & 0o044, "others than its owner must be able to read it"
    assert "model.safetensors" not in manifest.files
    first = open_classifier(delta_checkpoint, backend="torch", warm_up=False).classify(["Peace talks"])
    (merged,) = [folder for folder in (tmp_path / "merged").iterdir() if not folder.name.startswith(".")]
    (merged / "model.safetensors").write_bytes(b"spoilt")
    again = open_classifier(delta_checkpoint, backend="torch", warm_up=False).classify(["Peace talks"])
    assert again == first


def test_it_is_merged_once_by_all_who_come_at_the_same_time(delta_checkpoint, monkeypatch, tmp_path):
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path))
    merges = []
    real = delta.merge_into

    def slow(*given):
        merges.append(given)
        time.sleep(0.3)
        real(*given)

    monkeypatch.setattr(delta, "merge_into", slow)
    manifest = verify_checkpoint(delta_checkpoint)
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: with_weights(delta_checkpoint, manifest), range(4)))
    assert len(set(folders)) == len(merges) == 1
    assert (folders[0] / "model.safetensors").is_file()


@pytest.mark.slow
def test_it_is_compiled_in_a_process_that_knows_no_torch(delta_checkpoint, tmp_path):
    code = (
        "import sys; from pathlib import Path; from model.loading import open_classifier\n"
        "found = open_classifier(Path(sys.argv[1]), backend='compiled', warm_up=False)\n"
        "print(found.backend.name, 'torch' in sys.modules)"
    )
    environment = {**os.environ, "STANCE_CACHE": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    call = [sys.executable, "-c", code, str(delta_checkpoint)]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() in (["onnx-int8", "False"], ["onnx-fp32", "False"])


def test_another_base_is_refused(delta_checkpoint, monkeypatch, tmp_path):
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path))
    path = delta_checkpoint / "manifest.json"
    original = path.read_text()
    manifest = json.loads(original)
    try:
        manifest["base"]["sha256"] = "0" * 64
        path.write_text(json.dumps(manifest))
        with pytest.raises(CheckpointDamagedError, match="another"):
            open_classifier(delta_checkpoint, backend="torch", warm_up=False)
        manifest["training"]["base"] = "./gone"
        path.write_text(json.dumps(manifest))
        with pytest.raises(BaseError, match="no folder"):
            open_classifier(delta_checkpoint, backend="torch", warm_up=False)
    finally:
        path.write_text(original)
