"""bfloat16 is for processors that multiply it: on others it takes many times as long as float32."""

import json

import pytest
import torch

from training.config import recipe_for
from training.data import read_labelled
from training.network import has_bf16
from training.run import train


@pytest.fixture
def processor(monkeypatch):
    """A processor with given instructions."""

    def has(*names):
        has_bf16.cache_clear()
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(names, True))

    yield has
    has_bf16.cache_clear()


@pytest.fixture
def products(monkeypatch):
    """The types in which linear layers computed."""
    seen = set()
    linear = torch.nn.Linear.forward

    def watched(self, x):
        out = linear(self, x)
        seen.add(out.dtype)
        return out

    monkeypatch.setattr(torch.nn.Linear, "forward", watched)
    return seen


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "toy.csv"
    lines = [f"{('Peace', 'Moscow')[n % 2]} talks {n},{('good', 'bad')[n % 2]}\n" for n in range(60)]
    path.write_text("text,stance\n" + "".join(lines))
    return read_labelled(path)


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        (("avx2",), False),
        (("avx2", "avx512_f", "avx512_vnni"), False),
        (("avx512_bf16",), True),
        (("amx_bf16",), True),
        (("neon", "bf16"), True),
    ],
)
def test_what_a_processor_must_have(processor, instructions, expected):
    processor(*instructions)
    assert has_bf16("cpu") is expected
    assert not has_bf16("mps")


@pytest.mark.parametrize("method", ["finetune", "warm"])
@pytest.mark.parametrize(("instructions", "half"), [(("avx2",), False), (("avx512_bf16",), True)])
def test_training_computes_in_what_the_processor_has(
    processor, products, toy, tiny_base, tmp_path, instructions, half, method
):
    processor(*instructions)
    train(toy, tmp_path / "run", recipe_for(str(tiny_base), method, epochs=1, validation_share=0.2))
    assert (torch.bfloat16 in products) is half
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["training"]["machine"]["bf16"] is half


def test_who_asks_for_float32_trains_in_it_everywhere(processor, products, toy, tiny_base, tmp_path):
    processor("avx512_bf16")
    recipe = recipe_for(str(tiny_base), "finetune", epochs=1, validation_share=0.2, bf16=False)
    while_training = set()
    train(toy, tmp_path / "run", recipe, on_progress=lambda p: p.stage == "train" and while_training.update(products))
    assert while_training == {torch.float32}
