import json
import shutil

import pytest

from model.checkpoint import Manifest, publish, read_manifest, seal, verify_checkpoint
from model.errors import (
    CheckpointDamagedError,
    CheckpointError,
    CheckpointMissingError,
    LabelMismatchError,
)
from model.labels import LabelSpace
from model.loading import open_classifier


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    return shutil.copytree(tiny_checkpoint, tmp_path / "copy")


def edit_json(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_a_sealed_checkpoint_verifies_and_round_trips(folder):
    manifest = verify_checkpoint(folder)
    assert Manifest.from_json(manifest.to_json(), folder) == manifest
    assert set(manifest.files) >= {"config.json", "model.safetensors", "tokenizer.json"}


def test_transformers_loads_it_with_the_same_labels(folder):
    from transformers import AutoModelForSequenceClassification

    network = AutoModelForSequenceClassification.from_pretrained(folder)
    assert LabelSpace.from_id2label(network.config.id2label) == read_manifest(folder).labels


def test_missing_folder(tmp_path):
    with pytest.raises(CheckpointMissingError, match="no checkpoint folder"):
        open_classifier(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["manifest.json", "model.safetensors", "tokenizer.json", "config.json"])
def test_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointMissingError, match=name):
        open_classifier(folder)


def test_one_flipped_byte_is_noticed(folder):
    path = folder / "model.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(CheckpointDamagedError, match=r"model\.safetensors is damaged"):
        open_classifier(folder)


def test_other_label_order_is_refused(folder):
    def swap(config):
        ids = config["id2label"]
        ids["0"], ids["1"] = ids["1"], ids["0"]

    edit_json(folder / "config.json", swap)
    seal(folder, read_manifest(folder))
    with pytest.raises(LabelMismatchError, match="another order"):
        open_classifier(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 1}', '{"schema": 99}'])
def test_broken_manifest(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(CheckpointDamagedError, match="manifest"):
        open_classifier(folder)


def test_manifest_may_not_point_outside(folder):
    edit_json(folder / "manifest.json", lambda data: data["files"].update({"../outside": "0" * 64}))
    with pytest.raises(CheckpointDamagedError, match="outside"):
        verify_checkpoint(folder)


def test_publish_replaces_only_checkpoints_and_only_when_asked(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    with pytest.raises(CheckpointError, match="exists already"):
        publish(other, folder)
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "thesis.txt").write_text("precious")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        publish(other, plain, overwrite=True)
    assert (plain / "thesis.txt").exists()
    publish(other, folder, overwrite=True)
    assert verify_checkpoint(folder)
    assert not other.exists()
