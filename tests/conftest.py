"""Shared fixtures. The tiny checkpoint is a real BERT with a real tokenizer trained on `seeds/` and seeded random
weights, so the true path runs with no download."""

import os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import atexit
import shutil
import tempfile
from pathlib import Path

import pytest
from tests_support import make_tiny_checkpoint

# Compiled checkpoints of the tests go to a cache of their own, also those of the processes that tests start.
os.environ["STANCE_CACHE"] = tempfile.mkdtemp(prefix="stance-tests-")
atexit.register(shutil.rmtree, os.environ["STANCE_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def seeds(root: Path) -> Path:
    return root / "seeds"


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, seeds: Path) -> Path:
    """A tiny encoder without a head, as `--base` takes it."""
    from tests_support import make_tiny_base

    return make_tiny_base(tmp_path_factory.mktemp("base"), seeds)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    """A sealed checkpoint on the tiny encoder."""
    return make_tiny_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny", tiny_base)


@pytest.fixture(scope="session")
def tiny_classifier(tiny_checkpoint: Path):
    from model.loading import open_classifier

    return open_classifier(tiny_checkpoint, backend="torch", warm_up=False)


@pytest.fixture(scope="session")
def compiled_classifier(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory):
    """The tiny checkpoint compiled as a large one is, its small matrices in int8 too."""
    import torch  # noqa: F401 - so that it is compiled in this process, where the patch holds

    from model.loading import open_classifier

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.onnx_export.LEAST_WEIGHTS", 1)
        patch.setenv("STANCE_CACHE", str(tmp_path_factory.mktemp("compiled")))
        return open_classifier(tiny_checkpoint, backend="compiled", warm_up=False)
