"""The conformance that every backend keeps, and the compiled form's way through the cache."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from model import compiled, onnx_export
from model.calibration import Calibration, softmax
from model.checkpoint import cache_folder, read_manifest
from model.compiled import Agreement, measure_agreement, open_compiled
from model.errors import BackendError
from model.loading import open_classifier

TEXTS = ["No.", "The momentum of the summit is gone.", "Kyiv is aware of this. " * 12, "a pause " * 90, "Yes, we are."]


@pytest.fixture(scope="session", params=["torch", "compiled"])
def classifier(request, tiny_classifier, compiled_classifier):
    return {"torch": tiny_classifier, "compiled": compiled_classifier}[request.param]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def encoded(classifier, texts=TEXTS):
    return [classifier.prepare(text) for text in texts]


def test_backend_keeps_shape_type_and_order(classifier):
    items = encoded(classifier)
    logits = classifier.backend.logits(classifier.encoder.collate(items))
    assert logits.shape == (len(items), classifier.labels.size)
    assert logits.dtype == np.float32
    turned = classifier.backend.logits(classifier.encoder.collate(items[::-1]))
    np.testing.assert_allclose(logits, turned[::-1], atol=1e-4)


def test_backend_gives_a_text_the_same_numbers_alone_and_in_company(classifier):
    items = encoded(classifier)
    together = softmax(classifier.backend.logits(classifier.encoder.collate(items)))
    for item, row in zip(items, together, strict=True):
        alone = softmax(classifier.backend.logits(classifier.encoder.collate([item])))[0]
        np.testing.assert_allclose(alone, row, atol=1e-4)


def test_compiled_agrees_with_torch_and_says_so(tiny_classifier, compiled_classifier, tiny_checkpoint):
    manifest = read_manifest(tiny_checkpoint)
    found = measure_agreement(tiny_classifier.backend, compiled_classifier.backend, tiny_classifier.encoder, manifest)
    assert compiled_classifier.backend.name == "onnx-int8"
    assert found.good
    assert found.difference > 1e-5, "int8 rounds"


def test_agreement_finds_a_backend_whose_numbers_depend_on_its_batch(tiny_classifier, tiny_checkpoint):
    class Mixing:
        name = "mixing"

        def logits(self, batch):
            right = tiny_classifier.backend.logits(batch)
            return right + 0.1 * (len(batch) > 1) * np.eye(1, right.shape[1], dtype=np.float32)

    found = measure_agreement(
        tiny_classifier.backend, Mixing(), tiny_classifier.encoder, read_manifest(tiny_checkpoint)
    )
    assert found.batch_difference > 0.001
    assert not found.good


def test_compiled_form_is_made_once_and_without_torch_afterwards(tiny_checkpoint, root):
    open_classifier(tiny_checkpoint, backend="compiled", warm_up=False)
    code = (
        "import sys; from pathlib import Path; from model.loading import open_classifier\n"
        f"c = open_classifier(Path({str(tiny_checkpoint)!r}), backend='compiled', on_message=sys.exit)\n"
        "print(c.classify(['Talks continue.'])[0].stance.label)\n"
        "assert not {'torch', 'transformers', 'onnx'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_compiled_where_the_user_has_modules_of_the_same_names(tiny_checkpoint, root, tmp_path):
    """A first start in a folder that holds a `model.py`: the process that compiles must not take it for ours."""
    for name in ("model.py", "service.py", "training.py"):
        (tmp_path / name).write_text("raise SystemExit('not ours')")
    code = (
        f"import sys; sys.path[0] = {str(root)!r}; from pathlib import Path\n"
        "from model.loading import open_classifier\n"
        f"print(open_classifier(Path({str(tiny_checkpoint)!r}), backend='compiled', warm_up=False).backend.name)\n"
        "assert 'torch' not in sys.modules"
    )
    environment = {**os.environ, "STANCE_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("onnx-")


def test_damaged_compiled_form_is_made_anew(tiny_checkpoint, cache):
    manifest, messages = read_manifest(tiny_checkpoint), []
    open_compiled(tiny_checkpoint, manifest, on_message=messages.append)
    (record,) = cache.glob("compiled/*/record.json")
    (graph,) = record.parent.glob("*.onnx")
    graph.write_bytes(graph.read_bytes()[:-100])
    open_compiled(tiny_checkpoint, manifest, on_message=messages.append)
    assert [message.split()[0] for message in messages] == ["compiling", "compiled", "compiling", "compiled"]
    assert json.loads(record.read_text())["checkpoint"] == manifest.checkpoint_id
    assert [path.name for path in (cache / "compiled").iterdir()] == [record.parent.name]


def test_form_that_disagrees_is_refused_and_torch_serves(tiny_checkpoint, cache, monkeypatch, caplog):
    monkeypatch.setattr(compiled, "measure_agreement", lambda *_: Agreement(0.9, 0.2, 0.0))
    with pytest.raises(BackendError, match="agrees"):
        open_classifier(tiny_checkpoint, backend="compiled", warm_up=False)
    classifier = open_classifier(tiny_checkpoint, device="cpu", warm_up=False)
    assert classifier.backend.name == "torch-fp32"
    assert "PyTorch serves" in caplog.text
    assert not list(cache.glob("compiled/*"))


def test_form_that_disagrees_gives_way_to_the_next(tiny_checkpoint, tiny_classifier, cache, monkeypatch):
    answers = iter([Agreement(1.0, 0.06, 0.0), Agreement(1.0, 0.0, 0.0)])
    monkeypatch.setattr(onnx_export, "LEAST_WEIGHTS", 1)
    monkeypatch.setattr(compiled, "measure_agreement", lambda *_: next(answers))
    classifier = open_classifier(tiny_checkpoint, backend="compiled", warm_up=False)
    assert classifier.backend.name == "onnx-fp32"
    batch = classifier.encoder.collate(encoded(classifier))
    np.testing.assert_allclose(classifier.backend.logits(batch), tiny_classifier.backend.logits(batch), atol=1e-5)
    (graph,) = cache.glob("compiled/*/*.onnx")
    assert "MatMulIntegerToFloat" not in {node.op_type for node in onnx.load(graph).graph.node}


def refuse(*_, **__):
    raise IndexError("no such tensor")


def test_form_that_cannot_be_made_gives_way_to_the_next(tiny_checkpoint, cache, monkeypatch, caplog):
    monkeypatch.setattr(onnx_export, "quantise", refuse)
    assert open_classifier(tiny_checkpoint, backend="compiled", warm_up=False).backend.name == "onnx-fp32"
    assert "the int8 form of" in caplog.text
    assert "no such tensor" in caplog.text


@pytest.mark.parametrize("step", ["first_token_only", "leave_out_padding"])
def test_network_that_cannot_be_rewritten_is_served_by_pytorch(tiny_checkpoint, cache, monkeypatch, step):
    monkeypatch.setattr(onnx_export, "quantise", refuse)
    monkeypatch.setattr(onnx_export, step, refuse)
    with pytest.raises(BackendError, match=r"cannot be compiled|no compiled form"):
        open_classifier(tiny_checkpoint, backend="compiled", warm_up=False)
    assert open_classifier(tiny_checkpoint, device="cpu", warm_up=False).backend.name == "torch-fp32"
    assert not list(cache.glob("compiled/*"))


def pair_sums(graph):
    """The sums of two neighbouring int8 weights of one sign, for all matrices of a graph."""
    sums = []
    for tensor in graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype == np.int8 and weights.ndim == 2:
            for side in (np.maximum(weights.astype(int), 0), np.maximum(-weights.astype(int), 0)):
                sums.append((side[0::2] + side[1::2]).max())
    return sums


@pytest.mark.parametrize("clipped", [False, True])
def test_where_the_processor_clips_products_weights_leave_room_for_two(tiny_checkpoint, cache, monkeypatch, clipped):
    manifest = read_manifest(tiny_checkpoint)
    monkeypatch.setattr(onnx_export, "LEAST_WEIGHTS", 1)  # the tiny network has none that are large
    monkeypatch.setattr(onnx_export, "saturates", lambda: clipped)
    monkeypatch.setattr(compiled, "measure_agreement", lambda *_: Agreement(1.0, 0.0, 0.0))
    assert open_compiled(tiny_checkpoint, manifest).name == "onnx-int8"
    (path,) = cache.glob("compiled/*/int8.onnx")
    sums = pair_sums(onnx.load(path).graph)
    assert len(sums) >= 8
    assert bool(max(sums) * 255 < 2**15) is clipped
    assert max(sums) > 100, "the levels that there are should be used"


@pytest.mark.parametrize("clipped", [False, True])
def test_int8_form_answers_as_pytorch_does(tiny_checkpoint, tiny_classifier, cache, monkeypatch, clipped):
    if onnx_export.saturates() and not clipped:
        pytest.skip("this processor clips products")
    monkeypatch.setattr(onnx_export, "LEAST_WEIGHTS", 1)
    monkeypatch.setattr(onnx_export, "saturates", lambda: clipped)
    monkeypatch.setattr(compiled, "FORMS", ("int8",))
    manifest = read_manifest(tiny_checkpoint)
    backend = open_compiled(tiny_checkpoint, manifest)
    assert backend.name == "onnx-int8"
    assert measure_agreement(tiny_classifier.backend, backend, tiny_classifier.encoder, manifest).good


def small_graph(kept=(), back="back"):
    """x -> layer norm -> query, key and value -> mixed -> a product back, added to the layer norm's result."""
    rng = np.random.default_rng(5)
    constants = {name: rng.normal(size=(8, 8)).astype(np.float32) for name in ("q", "k", "v", "back")}
    constants |= {"gain": np.ones(8, np.float32), "shift": rng.normal(size=8).astype(np.float32)}
    node = helper.make_node
    nodes = [
        node("LayerNormalization", ["x", "gain", "shift"], ["normal"], axis=-1),
        *(node("MatMul", ["normal", name], [f"{name}_out"], name=name) for name in ("q", "k", "v")),
        node("Mul", ["q_out", "k_out"], ["mixed"]),
        node("Add", ["mixed", "v_out"], ["summed"]),
        node("MatMul", ["summed", back], ["returned"], name="back"),
        node("Add", ["returned", "shift"], ["moved"]),
        node("Add", ["moved", "normal"], ["y"]),
    ]
    shape = ["batch", "length", 8]
    graph = helper.make_graph(
        nodes,
        "small",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, shape[:2]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, shape[:2]),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, shape),
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("y", *kept)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", onnx_export.OPSET), helper.make_opsetid(onnx_export.CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def answers(model, x, mask=None):
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ids = np.zeros(x.shape[:2], np.int64)
    return session.run(None, {"input_ids": ids, "attention_mask": ids + 1 if mask is None else mask, "x": x})


@pytest.mark.parametrize(("kept", "back"), [((), "back"), (("k_out", "moved"), "back"), ((), "q")])
def test_products_of_one_input_become_one_and_all_shapes_stay(monkeypatch, kept, back):
    monkeypatch.setattr(onnx_export, "LEAST_WEIGHTS", 1)
    x = np.random.default_rng(6).normal(size=(3, 5, 8)).astype(np.float32)
    wanted = answers(small_graph(kept, back), x)
    model = small_graph(kept, back)
    assert onnx_export.quantise(model, {"normal": np.full(8, 3.0, np.float32)}) == 4
    assert [node.op_type for node in model.graph.node].count("MatMulIntegerToFloat") == 2
    for found, right in zip(answers(model, x), wanted, strict=True):
        assert found.shape == right.shape
        assert np.abs(found - right).max() < 0.02 * np.abs(right).max()


def test_tokens_of_zeros_stay_zeros_in_int8(monkeypatch):
    monkeypatch.setattr(onnx_export, "LEAST_WEIGHTS", 1)
    model = small_graph(("returned",))
    for tensor in model.graph.initializer:
        if tensor.name == "gain":
            tensor.CopyFrom(numpy_helper.from_array(np.zeros(8, np.float32), "gain"))
        if tensor.name == "shift":
            tensor.CopyFrom(numpy_helper.from_array(np.zeros(8, np.float32), "shift"))
    onnx_export.quantise(model, {})
    x = np.random.default_rng(7).normal(size=(2, 3, 8)).astype(np.float32)
    assert all(np.array_equal(found, np.zeros_like(x)) for found in answers(model, x))


MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]])


@pytest.mark.parametrize("int8", [False, True])
def test_padding_is_left_out_and_tokens_keep_their_numbers(monkeypatch, int8):
    monkeypatch.setattr(onnx_export, "LEAST_WEIGHTS", 1)
    x = np.random.default_rng(8).normal(size=(*MASK.shape, 8)).astype(np.float32)
    outputs = ("k_out", "moved")
    wanted = answers(small_graph(outputs), x)
    model = small_graph(outputs)
    done = onnx_export.quantise(model, {}) if int8 else onnx_export.leave_out_padding(model)
    assert done == 4
    x[MASK == 0] = np.nan
    for found, right in zip(answers(model, x, MASK), wanted, strict=True):
        assert found.shape == right.shape
        assert np.isfinite(found).all(), "what stands at padding must not spoil sums"
        gap = np.abs(found - right)[MASK == 1].max()
        assert gap < (0.02 * np.abs(right).max() if int8 else 1e-4)


def graph_of(checkpoint, tmp_path, *steps):
    model = onnx_export.export_graph(checkpoint, tmp_path)
    counts = [step(model) for step in steps]
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session, counts


@pytest.mark.parametrize(
    "steps", [("first_token_only",), ("leave_out_padding",), ("first_token_only", "leave_out_padding")]
)
def test_graph_without_what_nobody_reads_gives_the_same_numbers(
    tiny_checkpoint, tiny_classifier, tmp_path, monkeypatch, steps
):
    monkeypatch.setattr(onnx_export, "LEAST_WEIGHTS", 1)
    batch = tiny_classifier.encoder.collate(encoded(tiny_classifier))
    session, counts = graph_of(tiny_checkpoint, tmp_path, *(getattr(onnx_export, step) for step in steps))
    assert min(counts) > 5
    (found,) = session.run(None, {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask})
    np.testing.assert_allclose(found, tiny_classifier.backend.logits(batch), atol=1e-5)


def test_last_layer_is_computed_for_the_first_token_alone(tiny_checkpoint, tiny_classifier, tmp_path):
    model = onnx_export.export_graph(tiny_checkpoint, tmp_path)
    norms = [node.output[0] for node in model.graph.node if node.op_type == "LayerNormalization"]
    onnx_export.first_token_only(model)
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in norms)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    batch = tiny_classifier.encoder.collate(encoded(tiny_classifier))
    states = session.run(norms, {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask})
    assert [state.ndim for state in states] == [3] * (len(states) - 2) + [2, 2]
    assert states[-1].shape[0] == len(TEXTS)


def attended(*also, outputs=("y",)):
    """x -> query, key and value -> attention -> a product -> y, the first token of it; `also` are more nodes."""
    rng = np.random.default_rng(9)
    constants = {name: rng.normal(size=(8, 8)).astype(np.float32) for name in ("q", "k", "v", "back")}
    constants |= {"zero": np.int64(0)}
    node = helper.make_node
    nodes = [
        *(node("MatMul", ["x", name], [f"{name}_out"]) for name in ("q", "k", "v")),
        node("MultiHeadAttention", ["q_out", "k_out", "v_out"], ["mixed"], domain=onnx_export.CONTRIB, num_heads=2),
        node("MatMul", ["mixed", "back"], ["returned"]),
        node("Gather", ["returned", "zero"], ["y"], axis=1),
        *also,
    ]
    shape = ["batch", "length", 8]
    graph = helper.make_graph(
        nodes,
        "attended",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    imports = [helper.make_opsetid("", onnx_export.OPSET), helper.make_opsetid(onnx_export.CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def run_attended(model):
    x = np.random.default_rng(10).normal(size=(3, 5, 8)).astype(np.float32)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


@pytest.mark.parametrize(
    ("also", "outputs", "cut"),
    [
        ([], ("y",), 3),
        ([helper.make_node("ReduceMean", ["returned"], ["mean"], axes=[1])], ("y", "mean"), 0),
        ([], ("y", "returned"), 0),
        ([], ("y", "mixed"), 1),
        ([helper.make_node("MatMul", ["q_out", "back"], ["more"])], ("y", "more"), 2),
        ([helper.make_node("Gather", ["x", "zero"], ["start"], axis=1)], ("y", "start"), 3),
    ],
)
def test_only_what_nobody_else_reads_is_cut_to_the_first_token(also, outputs, cut):
    wanted = run_attended(attended(*also, outputs=outputs))
    model = attended(*also, outputs=outputs)
    assert onnx_export.first_token_only(model) == cut
    for found, right in zip(run_attended(model), wanted, strict=True):
        np.testing.assert_allclose(found, right, atol=1e-5)


def test_attention_that_knows_where_its_queries_stand_keeps_them_all():
    model = attended()
    (attention,) = [node for node in model.graph.node if node.op_type == "MultiHeadAttention"]
    attention.attribute.append(helper.make_attribute("unidirectional", 1))
    assert onnx_export.first_token_only(model) == 1


def networks():
    from transformers import BertConfig, DistilBertConfig, ElectraConfig, MPNetConfig, RobertaConfig

    size = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64, "initializer_range": 0.2}
    shared = {"vocab_size": 90, "num_labels": 5, "max_position_embeddings": 60}
    return {
        "mpnet": MPNetConfig(num_hidden_layers=2, **size, **shared),
        "roberta": RobertaConfig(num_hidden_layers=2, pad_token_id=1, **size, **shared),
        "one layer": BertConfig(num_hidden_layers=1, **size, **shared),
        "electra": ElectraConfig(num_hidden_layers=2, embedding_size=32, **size, **shared),
        "distilbert": DistilBertConfig(n_layers=2, dim=32, n_heads=4, hidden_dim=64, initializer_range=0.2, **shared),
    }


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("kind", ["mpnet", "roberta", "one layer", "electra", "distilbert"])
def test_other_networks_keep_their_numbers(tmp_path, monkeypatch, kind, int8):
    import torch
    from transformers import AutoModelForSequenceClassification

    monkeypatch.setattr(onnx_export, "LEAST_WEIGHTS", 1)
    torch.manual_seed(3)
    network = AutoModelForSequenceClassification.from_config(networks()[kind]).eval()
    network.save_pretrained(tmp_path / "network")
    mask = np.array([[1] * 9 + [0] * 5, [1] * 14, [1] * 2 + [0] * 12])
    ids = np.where(mask, np.random.default_rng(4).integers(2, 90, mask.shape), network.config.pad_token_id or 0)
    with torch.inference_mode():
        wanted = network(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits.numpy()
    model = onnx_export.export_graph(tmp_path / "network", tmp_path)
    assert onnx_export.first_token_only(model) > 3
    if int8:
        assert onnx_export.quantise(model, {}, narrow=onnx_export.saturates()) >= 6
    else:
        assert onnx_export.leave_out_padding(model) >= 6
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    np.testing.assert_allclose(found, wanted, atol=0.1 * np.abs(wanted).max() if int8 else 1e-4)


def test_query_that_is_cut_is_evened_out_as_key_and_value_are(tiny_checkpoint, tiny_classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "LEAST_WEIGHTS", 1)
    model = onnx_export.export_graph(tiny_checkpoint, tmp_path)
    onnx_export.first_token_only(model)
    reach = onnx_export.channel_reach(model, [tiny_classifier.encoder.collate(encoded(tiny_classifier))])
    onnx_export.quantise(model, reach)
    evened = [tensor.name for tensor in model.graph.initializer if tensor.name.endswith("/even")]
    assert sum(name.endswith("/first/even") for name in evened) == 1
    assert len(evened) == 2 * 3 + 1, "two layers: attention, and both products behind it; the cut query"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have other instructions")
def test_processors_with_vnni_clip_nothing():
    import torch

    exact = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_vnni", "avx_vnni", "amx_int8"))
    assert onnx_export.saturates() is not exact


def test_calibration_of_the_backend_that_serves_is_used(tiny_checkpoint, compiled_classifier):
    manifest = read_manifest(tiny_checkpoint)
    assert compiled_classifier.calibration == manifest.calibration("torch")
    fitted = {**manifest.calibrations, compiled_classifier.backend.name: Calibration(2.0, 2.0, 0.5)}
    assert type(manifest)(**{**vars(manifest), "calibrations": fitted}).calibration(
        compiled_classifier.backend.name
    ) == Calibration(2.0, 2.0, 0.5)


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("STANCE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("STANCE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_folder() == Path(tmp_path / "x" / "stance")
