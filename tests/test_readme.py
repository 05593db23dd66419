"""README says what is true: its file tree is the tree, its commands and options exist."""

import json
import re
import shlex

import pytest
import typer.main

from model.labels import STANCES
from service.cli import app
from service.schemas import ClassifyAnswer

PACKAGES = ("model", "service", "training")


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def commands(text, name):
    for block in blocks(text, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == [name]:
                yield words


def test_every_path_of_the_tree_exists_and_none_is_missing(root, readme):
    (tree,) = blocks(readme, "text")
    listed, folder = set(), ""
    for line in tree.splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name if name.endswith("/") else ""
            listed.add(name)
        else:
            listed.add(folder + name)
    for path in listed:
        assert (root / path).exists(), path
    for package in PACKAGES:
        for entry in (root / package).iterdir():
            if entry.name.startswith(("_", ".")):
                continue
            name = f"{package}/{entry.name}" + ("/" if entry.is_dir() else "")
            assert name in listed, f"{name} is missing in the tree"


def test_every_command_and_option_exists(readme):
    group = typer.main.get_command(app)
    found = list(commands(readme, "stance"))
    assert len(found) >= 8
    for _, name, *words in found:
        assert name in group.commands, name
        options = {flag for param in group.commands[name].params for flag in (*param.opts, *param.secondary_opts)}
        for word in words:
            if word.startswith("--"):
                assert word in options, f"stance {name} {word}"


def test_the_answer_has_the_fields_of_the_service(readme):
    (answer,) = map(json.loads, blocks(readme, "json"))
    assert list(answer) == list(ClassifyAnswer.model_fields)
    ClassifyAnswer.model_validate(answer)
    for group, label in ((answer, answer["stance"]), (answer["sentiment"], answer["sentiment"]["label"])):
        assert group["confidence"] == group["scores"][label] == max(group["scores"].values())
        assert sum(group["scores"].values()) == pytest.approx(1)
    assert tuple(answer["scores"]) == STANCES


def test_every_make_target_exists(root, readme):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = [word for _, *words in commands(readme, "make") for word in words if "=" not in word]
    assert {"serve", "test"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_link_leads_somewhere(root, readme):
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in link]
    assert links
    for link in links:
        assert (root / link).exists(), link


def test_ci_calls_make_test(root):
    assert "make test" in (root / ".ci" / "run").read_text()
