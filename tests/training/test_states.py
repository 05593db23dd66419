"""A student that learns from the states of its teacher's tokens."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from model.bases import resolve_base
from model.errors import TrainingError
from model.loading import open_classifier
from training.config import Recipe
from training.data import read_labelled
from training.network import build_network, text_encoder
from training.progress import ignore_progress
from training.run import train
from training.states import WIDTHS, Matcher, attach_matcher, depths, read_states

TEXTS = [f"{('Peace', 'Moscow')[n % 2]} talks at the summit {n}, and {'more ' * (n % 7)}dialogue." for n in range(60)]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "toy.csv"
    lines = [f"{('Peace', 'Moscow')[n % 2]} talks {n},{('supportive', 'accusatory')[n % 2]}\n" for n in range(120)]
    lines += [f"Trump dialogue {n},{('pessimistic', 'neutral')[n % 2]}\n" for n in range(60)]
    path.write_text("text,stance\n" + "".join(lines))
    return read_labelled(path)


@pytest.fixture(scope="module")
def recipe(tiny_base):
    return Recipe(base=str(tiny_base), epochs=4, patience=0, bf16=False, max_tokens=64, state_weight=1.0)


@pytest.fixture(scope="module")
def states(tiny_checkpoint, tmp_path_factory):
    kept = tmp_path_factory.mktemp("states") / "kept"
    return read_states(tiny_checkpoint, TEXTS, 64, kept, 1, ignore_progress), kept


@pytest.fixture
def student(tiny_base, tiny_classifier, recipe):
    network, tokenizer = build_network(resolve_base(str(tiny_base)), tiny_classifier.labels, recipe)
    return network, text_encoder(tokenizer, 64)


def test_states_have_the_shapes_and_the_scale_they_promise(states, tiny_classifier):
    found, _ = states
    lengths = [len(tiny_classifier.prepare(text)) for text in TEXTS]
    assert found.lengths.tolist() == lengths
    assert len(found.upper) == len(found.middle) == sum(lengths)
    assert found.first.shape[0] == len(TEXTS)
    for name in WIDTHS:
        values = found.of(name, range(len(TEXTS))).numpy()
        assert np.abs(values.mean(axis=0)).max() < 0.05
        assert np.square(values).mean() == pytest.approx(1, abs=0.1)


def test_the_answers_are_those_of_the_teacher(states, tiny_classifier):
    stance = [list(answer.stance.scores.values()) for answer in tiny_classifier.classify(TEXTS)]
    assert np.abs(states[0].answers[:, :4] - stance).max() < 0.05
    assert states[0].answers[:, 4:].sum(axis=1) == pytest.approx(1)


def test_what_was_computed_once_is_read_again(states, tmp_path):
    found, kept = states
    again = read_states(tmp_path / "no checkpoint at all", TEXTS, 64, kept, 1, ignore_progress)
    assert np.array_equal(again.upper, found.upper)
    assert np.array_equal(again.answers, found.answers)


def distance(network, encoder, numbers):
    batch = encoder.collate([encoder.encode(TEXTS[abs(number)]) for number in numbers])
    ids, mask = torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask)
    with torch.no_grad():
        hidden = network.eval()(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        return float(network.matcher(hidden, mask, numbers))


def test_maps_start_near_and_edited_texts_do_not_count(states, student):
    network, encoder = student
    network.matcher = Matcher(network.config.hidden_size, states[0], np.ones(len(TEXTS), bool))
    before = distance(network, encoder, [3, 4, 5])
    attach_matcher(network, encoder, states[0], TEXTS, 1)
    assert distance(network, encoder, [3, 4, 5]) < before / 2
    assert distance(network, encoder, [-1, -1]) == 0
    assert distance(network, encoder, [3, -1]) == pytest.approx(distance(network, encoder, [3]), abs=1e-4)


def test_a_teacher_that_cuts_otherwise_is_refused(states, student):
    network, encoder = student
    with pytest.raises(TrainingError, match="into other tokens than the base"):
        attach_matcher(network, encoder, states[0], [f"Well, {text}" for text in TEXTS], 1)


def test_depths_of_twelve_and_six_layers_meet():
    assert depths(12) == {"upper": 11, "middle": 6, "first": 12}
    assert depths(6) == {"upper": 5, "middle": 3, "first": 6}


def test_it_is_trained_resumed_and_leaves_no_trace_in_the_checkpoint(labelled, recipe, tiny_checkpoint, tmp_path):
    given = {"teacher": open_classifier(tiny_checkpoint, warm_up=False), "teacher_folder": tiny_checkpoint}
    whole, _ = train(labelled, tmp_path / "whole", recipe, **given)

    def interrupt(progress):
        if progress.stage == "train" and progress.step == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(labelled, tmp_path / "run", recipe, **given, on_progress=interrupt)
    stages = []
    resumed, _ = train(labelled, tmp_path / "run", recipe, **given, on_progress=lambda p: stages.append(p))
    assert "teach" not in {progress.stage for progress in stages}
    assert min(progress.step for progress in stages if progress.stage == "train") > 1
    assert resumed.files["model.safetensors"] == whole.files["model.safetensors"]
    assert whole.training["state_weight"] == 1.0
    assert not [name for name in load_file(tmp_path / "whole" / "model.safetensors") if "matcher" in name]
    without, _ = train(labelled, tmp_path / "without", replace(recipe, state_weight=0.0), **given)
    assert without.files["model.safetensors"] != whole.files["model.safetensors"]


def test_states_need_a_teacher_a_network_and_no_folds(labelled, recipe, tmp_path, monkeypatch, tiny_classifier):
    with pytest.raises(TrainingError, match="give --teacher, or no --state-weight"):
        train(labelled, tmp_path / "x", recipe)
    given = {"teacher": tiny_classifier, "teacher_folder": tmp_path}
    with pytest.raises(TrainingError, match="labels alone"):
        train(labelled, tmp_path / "x", replace(recipe, method="frozen"), **given)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="in one process"):
        train(labelled, tmp_path / "x", recipe, **given)
    with pytest.raises(TrainingError, match="folds"):
        replace(recipe, folds=3)
    with pytest.raises(TrainingError, match="state_weight must be 0 or more"):
        replace(recipe, state_weight=-1.0)
