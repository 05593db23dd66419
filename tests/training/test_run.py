import json
import shutil
from dataclasses import replace

import pytest

from model.bases import resolve_base
from model.checkpoint import read_manifest, seal, verify_checkpoint
from model.errors import BaseError, CheckpointError, DataError, TrainingError
from model.loading import open_classifier
from training.config import Recipe, recipe_for
from training.data import read_labelled
from training.evaluate import evaluate
from training.run import train


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Sixty statements whose first word gives the label away, so that a tiny network can learn it."""
    path = tmp_path_factory.mktemp("data") / "toy.csv"
    lines = [
        f"{('Peace', 'Moscow')[n % 2]} {('talks', 'summit', 'Ukraine', 'Trump', 'dialogue')[n % 5]} {n},"
        f"{('good', 'bad')[n % 2]},{('positive', 'negative')[n % 2]}\n"
        for n in range(120)
    ]
    path.write_text("text,stance,sentiment\n" + "".join(lines))
    return read_labelled(path)


@pytest.fixture(scope="module")
def recipe(tiny_base):
    rates = {"learning_rate": 5e-3, "head_learning_rate": 1e-2}
    return Recipe(base=str(tiny_base), epochs=10, patience=0, bf16=False, max_tokens=64, **rates)


@pytest.fixture(scope="module")
def trained(labelled, recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "toy"
    reports = []
    manifest, figures = train(labelled, out, recipe, target="a toy", on_progress=reports.append)
    return out, manifest, figures, reports


def test_it_learns_and_writes_a_checkpoint_that_serves(trained, labelled):
    out, manifest, figures, _ = trained
    assert figures.macro_f1 > 0.9
    assert verify_checkpoint(out) == manifest
    classifier = open_classifier(out, warm_up=False)
    again, _ = evaluate(classifier, labelled.rows)
    assert again.macro_f1 > 0.9
    assert again.sentiment_macro_f1 is not None


def test_the_manifest_tells_how_to_repeat_it(trained, labelled, recipe):
    _, manifest, figures, _ = trained
    assert manifest.corpus["sha256"] == labelled.sha256
    assert manifest.training["seed"] == recipe.seed
    assert manifest.base["sha256"] == resolve_base(recipe.base).sha256
    assert manifest.metrics["macro_f1"] == pytest.approx(figures.macro_f1, abs=1e-4)
    assert sum(manifest.training["split"]["train"].values()) + figures.rows == len(labelled.rows)


def test_the_same_seed_gives_the_same_figures(trained, labelled, recipe, tmp_path):
    _, manifest, _, _ = trained
    again, _ = train(labelled, tmp_path / "toy", recipe, target="a toy")
    assert again.metrics == manifest.metrics
    assert again.files["model.safetensors"] == manifest.files["model.safetensors"]


def test_progress_tells_step_loss_rate_and_time_left(trained):
    *_, reports = trained
    steps = [report for report in reports if report.stage == "train"]
    assert [report.step for report in steps] == list(range(1, steps[-1].steps + 1))
    assert steps[-1].loss is not None
    assert steps[-1].seconds_left == 0
    assert steps[5].rows_per_s > 0
    assert [report.stage for report in reports[-5:]] == ["calibrate", "evaluate", "report", "write", "compile"]


def test_report_and_card_hold_the_measured_figures(trained):
    out, manifest, figures, _ = trained
    report = json.loads((out / "report" / "report.json").read_text())
    assert report["macro_f1"] == figures.macro_f1
    assert f"macro-F1 {manifest.metrics['macro_f1']:.3f}" in (out / "README.md").read_text()
    for name in ("confusion.png", "reliability.png", "risk_coverage.png", "learning.png"):
        assert (out / "report" / name).read_bytes().startswith(b"\x89PNG")


def test_an_existing_folder_is_kept(trained, labelled, recipe):
    out, *_ = trained
    with pytest.raises(CheckpointError, match="exists already"):
        train(labelled, out, recipe)


def test_a_failed_run_leaves_nothing_behind(labelled, tmp_path):
    with pytest.raises(BaseError, match="neither minilm nor mpnet"):
        train(labelled, tmp_path / "out" / "x", Recipe(base="./nothing/here"))
    assert not list(tmp_path.rglob("*model*"))


def test_unknown_labels_are_refused_row_by_row(trained, tmp_path):
    out, *_ = trained
    path = tmp_path / "other.csv"
    path.write_text("text,stance\nPeace,good\nPeace now,splendid\nPeace then,good\nSo so,splendid\n")
    with pytest.raises(DataError) as caught:
        evaluate(open_classifier(out, warm_up=False), read_labelled(path).rows)
    assert len(caught.value.problems) == 2
    assert "row 3" in caught.value.problems[0]


@pytest.mark.parametrize(
    "values", [{"epochs": 0}, {"learning_rate": -1.0}, {"validation_share": 0.9}, {"teacher_share": 1.2}]
)
def test_impossible_recipes(values):
    with pytest.raises(TrainingError, match="must"):
        Recipe(**values)


def test_a_base_folder_without_weights_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BaseError, match=r"model\.safetensors"):
        resolve_base(str(tmp_path))


def test_hub_ids_are_passed_on():
    assert resolve_base("owner/name").source == "owner/name"


def test_recipes_suit_their_base(tiny_base):
    assert recipe_for("minilm") == Recipe()
    assert recipe_for("mpnet").learning_rate < Recipe().learning_rate
    assert recipe_for("minilm", rows_a_label=5000).epochs < recipe_for("minilm", rows_a_label=3000).epochs
    assert recipe_for("mpnet", rows_a_label=5000) == recipe_for("mpnet", rows_a_label=3000)
    assert recipe_for("owner/name", epochs=7, seed=None).epochs == 7
    assert recipe_for(str(tiny_base)).learning_rate == Recipe().learning_rate


def test_dropout_is_of_the_training_and_not_of_the_checkpoint(labelled, recipe, tiny_base, tmp_path):
    told, _ = train(labelled, tmp_path / "dry", replace(recipe, dropout=0.0, epochs=1))
    assert told.training["dropout"] == 0.0
    written, own = (json.loads((folder / "config.json").read_text()) for folder in (tmp_path / "dry", tiny_base))
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        assert written[name] == own[name] > 0
    with pytest.raises(TrainingError, match="dropout must lie between 0 and 1"):
        replace(recipe, dropout=1.0)


def test_very_many_rows_are_drawn_anew_in_each_pass(labelled, recipe, tmp_path):
    """So that more rows take no more time, and every row still has its turn."""
    assert recipe_for("minilm", rows_a_label=50_000).rows_per_epoch == 12_000
    steps = []
    told, _ = train(labelled, tmp_path / "few", replace(recipe, rows_per_epoch=40), on_progress=steps.append)
    assert sum(told.training["split"]["train"].values()) > 100
    trained = [progress.steps for progress in steps if progress.stage == "train"]
    assert set(trained) == {-(-40 // recipe.batch_size) * recipe.epochs}
    assert told.training["rows_per_epoch"] == 40
    with pytest.raises(TrainingError, match="rows_per_epoch must be 0 or more"):
        replace(recipe, rows_per_epoch=-1)


def test_a_teacher_is_learned_from_and_named(trained, labelled, recipe, tmp_path):
    out, manifest, *_ = trained
    taught, figures = train(labelled, tmp_path / "pupil", recipe, teacher=open_classifier(out, warm_up=False))
    assert taught.training["teacher"] == manifest.checkpoint_id
    assert taught.files["model.safetensors"] != manifest.files["model.safetensors"]
    assert figures.macro_f1 > 0.9


def test_what_a_teacher_said_is_kept_over_an_interruption(trained, labelled, recipe, tmp_path):
    teacher = open_classifier(trained[0], warm_up=False)
    stages = []

    def interrupt(progress):
        stages.append((progress.stage, progress.step, progress.steps))
        if progress.stage == "train" and progress.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(labelled, tmp_path / "pupil", recipe, teacher=teacher, on_progress=interrupt)
    told = [stage for stage in stages if stage[0] == "teach"]
    assert told[0][1] == 0
    assert told[-1][1] == told[-1][2] > 50
    stages.clear()
    train(labelled, tmp_path / "pupil", recipe, teacher=teacher, on_progress=lambda p: stages.append((p.stage,)))
    assert ("teach",) not in stages


def test_recombined_statements_are_labelled_by_the_teacher(trained, labelled, recipe, tmp_path):
    teacher = open_classifier(trained[0], warm_up=False)
    asked = replace(recipe, recombine=40)
    steps = {}
    told, figures = train(
        labelled, tmp_path / "more", asked, teacher=teacher, on_progress=lambda p: steps.update({p.stage: p.steps})
    )
    rows = told.training["split"]["train"]
    assert steps["teach"] == sum(rows.values()) + 40
    assert steps["train"] == -(-steps["teach"] // recipe.batch_size) * recipe.epochs
    assert told.training["recombine"] == 40
    assert figures.macro_f1 > 0.9


def test_recombined_statements_need_a_teacher_and_no_folds(labelled, recipe, tmp_path):
    with pytest.raises(TrainingError, match="need a teacher"):
        train(labelled, tmp_path / "x", replace(recipe, recombine=40))
    with pytest.raises(TrainingError, match="folds"):
        replace(recipe, recombine=40, folds=3)


def test_weights_change_what_is_learned_and_are_told(trained, labelled, recipe, tmp_path):
    rows = tuple(replace(row, weight=2.0 if row.stance == "good" else 0.5) for row in labelled.rows)
    steps = {}
    weighted, _ = train(
        replace(labelled, rows=rows), tmp_path / "w", recipe, on_progress=lambda p: steps.update({p.stage: p.steps})
    )
    assert weighted.files["model.safetensors"] != trained[1].files["model.safetensors"]
    (mean,) = weighted.training["weights"].values()
    assert 0.5 < mean < 2
    assert "weights" not in trained[1].training
    shown = mean * sum(weighted.training["split"]["train"].values())
    assert steps["train"] == pytest.approx(shown / recipe.batch_size * recipe.epochs, abs=recipe.epochs)


def test_a_teacher_with_other_stances_is_refused(labelled, recipe, tiny_classifier, tmp_path):
    with pytest.raises(TrainingError, match="other stances"):
        train(labelled, tmp_path / "x", recipe, teacher=tiny_classifier)


@pytest.fixture(scope="module")
def delta(labelled, recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "delta"
    train(labelled, out, replace(recipe, delta_rank=8), target="a toy")
    return out


def test_training_goes_on_from_a_checkpoint_and_tells_where_all_began(trained, labelled, recipe, tmp_path):
    further = replace(recipe, base=str(trained[0]), epochs=1, learning_rate=1e-4, head_learning_rate=1e-4)
    manifest, figures = train(labelled, tmp_path / "further", further, target="a toy")
    assert manifest.base == trained[1].base
    assert manifest.training["base"] == recipe.base
    assert manifest.training["started_from"]["checkpoint"] == trained[1].checkpoint_id
    assert trained[1].checkpoint_id in (tmp_path / "further" / "README.md").read_text()
    assert figures.macro_f1 > 0.9  # a fresh head would not get there at this rate


def test_a_delta_is_the_same_file_every_time(delta, labelled, recipe, tmp_path):
    train(labelled, tmp_path / "delta", replace(recipe, delta_rank=8), target="a toy")
    assert (tmp_path / "delta" / "delta.safetensors").read_bytes() == (delta / "delta.safetensors").read_bytes()


def test_training_goes_on_from_a_delta_and_still_hangs_on_the_first_base(delta, labelled, recipe, tmp_path):
    further = replace(recipe, base=str(delta), epochs=1, learning_rate=1e-4, head_learning_rate=1e-4, delta_rank=16)
    manifest, figures = train(labelled, tmp_path / "further", further, target="a toy")
    assert manifest.base == verify_checkpoint(delta).base
    assert manifest.training["base"] == recipe.base
    begun = verify_checkpoint(delta)
    assert manifest.training["started_from"]["checkpoint"] == begun.checkpoint_id
    assert manifest.training["started_from"]["corpus"] == dict(begun.corpus)
    assert begun.checkpoint_id in (tmp_path / "further" / "README.md").read_text()
    assert figures.macro_f1 > 0.9  # a fresh head would not get there at this rate
    shutil.rmtree(delta.parent / "away", ignore_errors=True)
    delta.rename(delta.parent / "away")  # it is not needed any more
    try:
        (answer,) = open_classifier(tmp_path / "further", warm_up=False).classify(["Moscow summit"])
    finally:
        (delta.parent / "away").rename(delta)
    assert answer.stance.label == "bad"


def test_training_goes_on_from_a_delta_to_a_whole_checkpoint(delta, labelled, recipe, tmp_path):
    further = replace(recipe, base=str(delta), epochs=1, learning_rate=1e-4, head_learning_rate=1e-4)
    manifest, figures = train(labelled, tmp_path / "whole", further, target="a toy")
    assert manifest.base == verify_checkpoint(delta).base
    assert manifest.training["started_from"]["checkpoint"] == verify_checkpoint(delta).checkpoint_id
    assert (tmp_path / "whole" / "model.safetensors").is_file()
    assert figures.macro_f1 > 0.9


def test_the_name_of_a_checkpoint_that_ships_is_a_base():
    base = resolve_base("anchorage-minilm")
    assert base.source.endswith("anchorage-minilm")
    assert base.root is base


def test_a_rate_that_is_given_moves_that_of_the_head():
    usual = recipe_for("mpnet")
    given = recipe_for("mpnet", learning_rate=usual.learning_rate / 2)
    assert given.head_learning_rate == pytest.approx(usual.head_learning_rate / 2)
    assert recipe_for("mpnet", learning_rate=1e-5, head_learning_rate=0.1).head_learning_rate == 0.1


def test_a_delta_may_not_replace_the_base_that_it_is_measured_from(labelled, recipe, trained):
    out, *_ = trained
    with pytest.raises(TrainingError, match="would replace the base"):
        train(labelled, out, replace(recipe, base=str(out), delta_rank=4), overwrite=True)


def test_a_checkpoint_that_is_a_difference_to_itself_is_no_base(delta, tmp_path):
    folder = tmp_path / "loop"
    shutil.copytree(delta, folder)
    manifest = read_manifest(folder)
    seal(folder, replace(manifest, training={**manifest.training, "base": str(folder)}))
    with pytest.raises(BaseError, match="difference to itself"):
        resolve_base(str(folder))


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0.0, -1e-5])
def test_a_rate_that_cannot_work_is_refused(rate):
    with pytest.raises(TrainingError, match="learning_rate must be a positive number"):
        recipe_for("minilm", learning_rate=rate)


def test_a_rate_for_a_frozen_encoder_is_refused():
    with pytest.raises(TrainingError, match="says nothing to the recipe 'frozen'"):
        recipe_for("minilm", rows_a_label=20, learning_rate=1e-5)


def test_the_stated_accuracy_is_told_and_checked(labelled, recipe, tmp_path):
    told, _ = train(labelled, tmp_path / "sure", replace(recipe, epochs=1, stated_accuracy=0.95))
    assert told.training["stated_accuracy"] == 0.95
    assert "chosen for 95% accuracy" in (tmp_path / "sure" / "README.md").read_text()
    with pytest.raises(TrainingError, match="stated_accuracy must lie between 0 and 1"):
        replace(recipe, stated_accuracy=0.0)
