import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from transformers import AutoModelForSequenceClassification, MPNetConfig, MPNetForSequenceClassification

from model.bases import resolve_base
from model.checkpoint import verify_checkpoint
from model.errors import DataError, TrainingError
from model.labels import LabelSpace
from model.loading import open_classifier
from training.config import Recipe, recipe_for
from training.data import Row, read_labelled
from training.fewshot import features, mean_embeddings, solve_head, warm_start
from training.network import build_network, text_encoder
from training.pooling import add_mean_pooling, can_pool, last_linear
from training.run import train
from training.split import fold_rows

TEXTS = ["Peace talks in Anchorage go on as agreed.", "Moscow", "Kyiv slammed the door on the talks, he said. " * 3]


@pytest.fixture
def network(tiny_base):
    labels = LabelSpace(("bad", "good"), ())
    recipe = Recipe(base=str(tiny_base))
    network, tokenizer = build_network(resolve_base(str(tiny_base)), labels, recipe)
    return network, text_encoder(tokenizer, 64), labels


def test_the_pooling_layer_gives_the_head_the_mean_over_all_tokens(network, tmp_path):
    net, encoder, _ = network
    mean = torch.from_numpy(mean_embeddings(net.base_model, encoder, TEXTS))
    wanted = torch.tanh(torch.nn.functional.layer_norm(mean, mean.shape[1:]) / mean.shape[1] ** 0.5)
    assert can_pool(net)
    add_mean_pooling(net)
    assert not can_pool(net), "a second layer would pool what is pooled"
    got = torch.from_numpy(features(net, encoder, TEXTS))
    assert torch.allclose(got, wanted, atol=0.02)  # the mean above is taken in bfloat16
    net.save_pretrained(tmp_path)
    again, info = AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert np.allclose(features(again, encoder, TEXTS), got, atol=1e-5)


def test_where_attention_is_biased_by_distance_the_even_heads_carry_what_varies(network):
    _, encoder, labels = network
    config = MPNetConfig(
        vocab_size=700, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=130, num_labels=labels.size,
    )  # fmt: skip
    torch.manual_seed(1)
    net = MPNetForSequenceClassification(config).eval()
    with torch.no_grad():
        net.mpnet.encoder.relative_attention_bias.weight[:, 0] += torch.linspace(-9, 9, 32)  # head 0 sees few tokens
    texts = [f"{word} talks {n}" for n in range(20) for word in ("peace", "summit")]
    mean = torch.from_numpy(mean_embeddings(net.base_model, encoder, texts))
    assert can_pool(net)
    add_mean_pooling(net, mean)
    wanted = torch.tanh(torch.nn.functional.layer_norm(mean, (32,)) / 32**0.5)
    got = torch.from_numpy(features(net, encoder, texts))
    assert torch.nn.functional.cosine_similarity(got, wanted).min() > 0.9


@pytest.mark.parametrize("stances", [("bad", "good"), ("bad", "good", "unclear")])
def test_the_head_is_the_logistic_regression(tiny_base, stances):
    labels = LabelSpace(stances, ("positive", "negative"))
    net, _ = build_network(resolve_base(str(tiny_base)), labels, Recipe(base=str(tiny_base)))
    rows = [Row("f", n, f"{n}", stances[n % len(stances)], sentiment="" if n % 4 else "positive") for n in range(30)]
    inputs = np.random.default_rng(0).normal(size=(30, 32)).astype(np.float32)
    solve_head(net, inputs, rows, labels, 1.0)
    solver = LogisticRegression(C=1.0, max_iter=2000, class_weight="balanced").fit(inputs, [r.stance for r in rows])
    with torch.no_grad():
        logits = last_linear(net)(torch.from_numpy(inputs))
    given = torch.softmax(logits[:, labels.stance_slice], -1).numpy()
    assert np.allclose(given, solver.predict_proba(inputs), atol=1e-3)
    assert not logits[:, labels.sentiment_slice].any(), "one sentiment alone teaches nothing"


def test_a_trained_classifier_keeps_its_own_pooling(tiny_checkpoint, network):
    base = resolve_base(str(tiny_checkpoint))
    labels = LabelSpace()
    net, tokenizer = build_network(base, labels, Recipe(base=base.source))
    layers = net.config.num_hidden_layers
    rows = [Row("f", n, text, labels.stance[n]) for n, text in enumerate(TEXTS)]
    warm_start(net, text_encoder(tokenizer, 64), base, rows, labels, Recipe(base=base.source))
    assert net.config.num_hidden_layers == layers


def test_an_earlier_checkpoint_gives_its_head_only_to_the_same_labels(tiny_checkpoint):
    base = resolve_base(str(tiny_checkpoint))
    kept, _ = build_network(base, LabelSpace(), Recipe(base=base.source))
    other, _ = build_network(base, LabelSpace(("a", "b", "c", "d")), Recipe(base=base.source))
    whole = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint, dtype=torch.float32)
    assert torch.equal(last_linear(kept).weight, last_linear(whole).weight)
    assert not torch.equal(last_linear(other).weight, last_linear(whole).weight)
    words = "embeddings.word_embeddings.weight"
    assert torch.equal(other.base_model.get_parameter(words), whole.base_model.get_parameter(words))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "few.csv"
    words = ("talks", "summit", "Ukraine", "Trump")
    lines = [f"{('Peace', 'Moscow')[n % 2]} {words[n % 4]} {n},{('good', 'bad')[n % 2]},train\n" for n in range(16)]
    lines += [f"{('Peace', 'Moscow')[n % 2]} dialogue {n},{('good', 'bad')[n % 2]},test\n" for n in range(20)]
    path.write_text("text,stance,split\n" + "".join(lines))
    return read_labelled(path)


@pytest.mark.parametrize("method", ["fewshot", "frozen"])
def test_few_rows_train_whole_and_calibrate_out_of_fold(few, tiny_base, tmp_path, method):
    recipe = recipe_for(str(tiny_base), method, rows_a_label=few.rows_a_label, head_strength=30.0)
    manifest, figures = train(few, tmp_path / "run", recipe)
    assert manifest.training["split"]["train"] == {"bad": 8, "good": 8}
    assert manifest.training["split"]["validation"] == {}
    assert manifest.training["folds"] == 3
    assert len(manifest.training["cross_validation"]["by_fold"]) == 3
    assert figures.rows == 20
    assert figures.macro_f1 > 0.8
    assert verify_checkpoint(tmp_path / "run") == manifest
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert config["num_hidden_layers"] == 3
    (answer,) = open_classifier(tmp_path / "run", backend="torch", warm_up=False).classify(["Peace summit 99"])
    assert answer.stance.label == "good"


def test_folds_measure_every_row_once_and_keep_groups_together():
    rows = [Row("f", n, f"text {n}", ("a", "b")[n % 2], group=f"g{n // 4}") for n in range(40)]
    folds = fold_rows(rows, 4, seed=1, name="f")
    assert sorted(i for _, held in folds for i in held) == list(range(40))
    for kept, held in folds:
        assert not set(kept) & set(held)
        assert not {rows[i].group for i in kept} & {rows[i].group for i in held}
    with pytest.raises(DataError, match="the rarest has 20"):
        fold_rows(rows, 21, seed=1, name="f")


def test_the_recipe_follows_the_number_of_rows_and_the_users_word():
    assert recipe_for("minilm", rows_a_label=64).method == "fewshot"
    assert recipe_for("minilm", rows_a_label=550).method == "finetune"
    assert recipe_for("minilm", "frozen", rows_a_label=550).method == "frozen"
    with pytest.raises(TrainingError, match="fewshot"):
        recipe_for("minilm", "magic")
    with pytest.raises(TrainingError, match="folds"):
        recipe_for("minilm", folds=1)
