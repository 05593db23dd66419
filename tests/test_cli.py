"""The command line, run as people run it: a process of its own."""

import json
import socket
import subprocess
import sys

import pytest


@pytest.fixture
def stance(root):
    def run(*arguments, stdin=""):
        return subprocess.run(
            [sys.executable, "-m", "service.cli", *map(str, arguments)],
            cwd=root,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def assert_one_sentence(result, code, *parts):
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr


def test_help_imports_no_heavy_library(root):
    code = (
        "import sys; from service.cli import app; from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'torch', 'transformers', 'datasets', 'sklearn', 'fastapi', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_classify_prints_one_object_a_line_in_order(stance, tiny_checkpoint):
    lines = ["The talks go on.", "A pause in the talks.", "Kyiv slammed the door."]
    result = stance("classify", "--json", "--checkpoint", tiny_checkpoint, stdin="\n".join(lines) + "\n")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == lines
    for answer in answers:
        assert answer["confidence"] == max(answer["scores"].values())
        assert answer["model"] == "tiny-test"
        assert answer["sentiment"]["label"] in ("positive", "neutral", "negative")


@pytest.mark.parametrize(("text", "reason"), [("", "the text is empty"), ("x " * 20_000, "the text has 40,000")])
def test_classify_names_the_text_that_it_cannot_read(stance, tiny_checkpoint, text, reason):
    result = stance("classify", "--checkpoint", tiny_checkpoint, "A pause in the talks.", text)
    assert_one_sentence(result, 1, f"Error: text 2: {reason}")
    assert not result.stdout


def test_quotes_prints_rows_without_labels(stance, seeds):
    result = stance("quotes", seeds, "--json", "--include", "*.txt")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {row["document"] for row in rows} == {path.name for path in seeds.glob("*.txt")}
    assert "stance" not in rows[0]
    for row in rows:
        document = (seeds / row["document"]).read_text(encoding="utf-8")
        pieces = [document[span["start"] : span["end"]] for span in row["spans"]]
        assert row["text"] == " ".join(pieces)
        assert (row["start"], row["end"]) == (row["spans"][0]["start"], row["spans"][-1]["end"])


def test_score_writes_the_contracts_fields(stance, seeds, tiny_checkpoint, tmp_path):
    out = tmp_path / "out.jsonl"
    result = stance("score", seeds, "--out", out, "--checkpoint", tiny_checkpoint)
    assert result.returncode == 0, result.stderr
    row = json.loads(out.read_text(encoding="utf-8").splitlines()[0])
    expected = (
        "document statement speaker speaker_mention kind text start end spans stance confidence supportive pessimistic "
        "accusatory neutral sentiment sentiment_confidence uncertain truncated duplicate_of model"
    )
    assert list(row)[: len(expected.split())] == expected.split()


@pytest.mark.parametrize("name", ["none", "empty"])
def test_score_of_nothing(stance, tmp_path, name):
    (tmp_path / "empty").mkdir()
    assert_one_sentence(stance("score", tmp_path / name, "--out", tmp_path / "o.jsonl"), 1, "Error: ", name)
    assert not (tmp_path / "o.jsonl").exists()


def test_score_names_the_file_that_is_no_text_and_scores_the_rest(stance, tmp_path, tiny_checkpoint):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "bad.txt").write_bytes(bytes(range(256)))
    (folder / "good.txt").write_text("“The talks go on as agreed,” said the minister.", encoding="utf-8")
    out = tmp_path / "o.jsonl"
    result = stance("score", folder, "--out", out, "--checkpoint", tiny_checkpoint)
    assert_one_sentence(result, 1, "bad.txt")
    assert {json.loads(line)["document"] for line in out.read_text(encoding="utf-8").splitlines()} == {"good.txt"}
    (error,) = [json.loads(line) for line in (tmp_path / "o.jsonl.errors.jsonl").read_text().splitlines()]
    assert error["document"] == "bad.txt"


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["classify", "--checkpoint", "/nowhere/at/all", "x"], 1, "no checkpoint folder"),
        (["classify"], 2, "standard input"),
        (["score"], 2, "Missing argument"),
        (["score", "seeds", "--format", "pptx"], 2, "pptx"),
        (["train", "/nowhere.csv"], 1, "no such file"),
        (["evaluate", "/nowhere.csv"], 1, "no such file"),
        (["sing"], 2, "No such command"),
    ],
)
def test_wrong_use(stance, arguments, code, part):
    assert_one_sentence(stance(*arguments), code, part)


def test_debug_shows_the_traceback_wherever_it_stands(stance, tmp_path):
    for arguments in (("--debug", "quotes", tmp_path / "none"), ("quotes", tmp_path / "none", "--debug")):
        assert "Traceback" in stance(*arguments).stderr
    assert_one_sentence(stance("quotes", "--", "--debug"), 1, "--debug")


def test_standard_input_that_is_not_utf_8_is_named(root, tiny_checkpoint):
    command = [sys.executable, "-m", "service.cli", "classify", "--json", "--checkpoint", str(tiny_checkpoint)]
    given = {"cwd": root, "capture_output": True, "timeout": 300, "check": False}
    refused = subprocess.run(command, input=b"caf\xe9 talks\n", **given)
    assert refused.returncode == 1
    assert b"standard input is not UTF-8 (0xe9 at byte 3)" in refused.stderr
    marked = subprocess.run(command, input=b"\xef\xbb\xbfThe talks go on.\r\n", **given)
    assert json.loads(marked.stdout)["text"] == "The talks go on."


def test_a_service_that_cannot_start_says_why(stance, tiny_checkpoint, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for more in ((), ("--workers", 2)):
            result = stance("serve", "--port", port, "--checkpoint", tiny_checkpoint, *more)
            assert_one_sentence(result, 1, f"Error: the service cannot listen on 127.0.0.1:{port}", "another --port")
    assert_one_sentence(stance("serve", "--checkpoint", tmp_path / "none"), 1, "Error: there is no checkpoint", "none")


def test_damaged_checkpoint_is_one_sentence(stance, tiny_checkpoint, tmp_path):
    import shutil

    copy = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    with (copy / "model.safetensors").open("ab") as stream:
        stream.write(b"x")
    assert_one_sentence(stance("classify", "--checkpoint", copy, "x"), 1, "model.safetensors", "damaged")


@pytest.fixture
def store(tmp_path, monkeypatch, tiny_checkpoint, tiny_base):
    """A store that serves the tiny checkpoint, and another checkpoint with other labels."""
    from tests_support import make_tiny_checkpoint

    from model.labels import LabelSpace

    monkeypatch.setenv("STANCE_STORE", str(tmp_path / "home"))
    return make_tiny_checkpoint(tmp_path / "other", tiny_base, LabelSpace(("x", "y"), ()))


def test_promoting_again_changes_nothing_and_rollback_still_works(stance, store):
    first = stance("promote", store, "--force")
    assert first.returncode == 0, first.stderr
    for part in ("other-test is served from now on", "SIGHUP", 'POST /admin/checkpoint with {"name": "other-test"}'):
        assert part in first.stdout
    for arguments in ((store, "--force"), (store,)):
        assert stance("promote", *arguments).stdout == "other-test is served already: nothing was changed\n"
    assert stance("rollback").stdout.startswith("anchorage-minilm")
    assert_one_sentence(stance("rollback"), 1, "nothing to go back to")


def test_a_promotion_that_cannot_be_measured_says_what_to_do(stance, store, tiny_checkpoint, rows, tmp_path):
    result = stance("promote", store)
    assert_one_sentence(result, 1, "other-test labels x, y", "cannot be compared; --force serves the new one")
    assert result.stderr.count("\n") == 1
    assert stance("promote", store, "--force").returncode == 0
    (tmp_path / "twin").mkdir()
    twin = renamed(store, tmp_path / "twin")
    result = stance("promote", twin)
    assert_one_sentence(result, 1, "frozen.csv", "accusatory", "by --on, or", "by --force")
    assert result.stderr.count("\n") == 1
    assert stance("promote", twin, "--on", rows).returncode == 0
    assert_one_sentence(stance("compare", store, twin, tiny_checkpoint / "none.csv"), 1, "no such file")


def renamed(checkpoint, folder):
    import shutil

    copy = shutil.copytree(checkpoint, folder / "copy")
    manifest = json.loads((copy / "manifest.json").read_text()) | {"checkpoint_id": "twin"}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,stance\n" + "".join(f"statement {n},{'xy'[n % 2]}\n" for n in range(40)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("weight", "parts"),
    [("rows.csv=1e3", ("--weight rows.csv=1e3", "no number above 0")), ("2", ("--weight 2", "write FILE=NUMBER"))],
)
def test_a_weight_that_is_none_is_refused(stance, rows, weight, parts):
    assert_one_sentence(stance("train", rows, "--weight", weight, "--dry-run"), 1, *parts)


def test_a_weight_may_have_a_decimal_comma(stance, rows):
    result = stance("train", rows, "--weight", "rows.csv=0,5", "--dry-run")
    assert result.returncode == 0, result.stderr


def test_settings_given_by_flags_are_those_that_the_manifest_tells(stance, rows, tiny_base, tmp_path):
    flags = {"--recipe": "finetune", "--epochs": "1", "--batch-size": "5", "--teacher-share": "0.7", "--dropout": "0"}
    given = [word for pair in flags.items() for word in pair]
    result = stance("train", rows, "--base", tiny_base, *given, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    told = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["training"]
    assert (told["method"], told["epochs"], told["dropout"]) == ("finetune", 1, 0)
    assert (told["batch_size"], told["teacher_share"]) == (5, 0.7)
