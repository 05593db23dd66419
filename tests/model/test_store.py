import json
import shutil
from pathlib import Path

import pytest

from model.checkpoint import read_manifest, seal, verify_checkpoint
from model.errors import CheckpointDamagedError, CheckpointError
from model.store import SHIPPED, Store, folder_of


def renamed(folder, target, name):
    """A copy of a checkpoint under another id."""
    copy = shutil.copytree(folder, target / name)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest |= {"checkpoint_id": name, "trained_at": f"2026-01-0{name[-1]}T00:00:00+00:00"}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


@pytest.fixture
def store(tmp_path, tiny_checkpoint):
    return Store(tmp_path / "store", shipped=renamed(tiny_checkpoint, tmp_path, "shipped-1"))


def test_the_shipped_one_is_served_until_another_is_promoted(store, tmp_path, tiny_checkpoint):
    assert store.current() == store.shipped
    new = store.add(renamed(tiny_checkpoint, tmp_path, "new-2"))
    assert store.current() == store.shipped
    store.switch(new, "promoted", {"difference": 0.1})
    assert store.current() == new.resolve()
    assert [m.checkpoint_id for _, m in store.checkpoints()] == ["shipped-1", "new-2"]
    (entry,) = store.history()
    assert (entry.old, entry.new, entry.reason, entry.figures) == (
        "shipped-1",
        "new-2",
        "promoted",
        {"difference": 0.1},
    )


def test_rollback_goes_one_step_back_each_time(store, tmp_path, tiny_checkpoint):
    for name in ("new-2", "new-3"):
        store.switch(store.add(renamed(tiny_checkpoint, tmp_path, name)), "promoted", {})
    for expected in ("new-2", "shipped-1"):
        store.switch(store.previous(), "rolled back", {})
        assert read_manifest(store.current()).checkpoint_id == expected
    with pytest.raises(CheckpointError, match="nothing to go back to"):
        store.previous()


def history_of(store, *lines):
    """Write a history and serve what its last line says."""
    store.root.mkdir(exist_ok=True)
    names = ("at", "old", "new", "reason", "figures")
    rows = [dict(zip(names, ("2026-01-01", *line, {}), strict=True)) for line in lines]
    (store.root / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (store.root / "current").symlink_to(store.root / lines[-1][1])


def ids_of_rollbacks(store, count):
    ids = []
    for _ in range(count):
        store.switch(store.previous(), "rolled back", {})
        ids.append(read_manifest(store.current()).checkpoint_id)
    with pytest.raises(CheckpointError, match="nothing to go back to"):
        store.previous()
    return ids


def test_promoting_what_is_served_changes_nothing(store, tmp_path, tiny_checkpoint):
    new = store.add(renamed(tiny_checkpoint, tmp_path, "new-2"))
    assert store.switch(new, "promoted", {}) is not None
    assert store.switch(new, "forced", {}) is None
    assert len(store.history()) == 1
    assert ids_of_rollbacks(store, 1) == ["shipped-1"]
    assert store.switch(store.shipped, "promoted", {}) is None


def test_a_checkpoint_promoted_again_is_rolled_back_step_by_step(store, tmp_path, tiny_checkpoint):
    folders = [store.add(renamed(tiny_checkpoint, tmp_path, name)) for name in ("new-2", "new-3")]
    for folder in (*folders, folders[0]):
        store.switch(folder, "promoted", {})
    assert ids_of_rollbacks(store, 3) == ["new-3", "new-2", "shipped-1"]


def test_a_history_with_lines_from_a_checkpoint_to_itself_heals(store, tmp_path, tiny_checkpoint):
    for name in ("new-2", "new-3"):
        store.add(renamed(tiny_checkpoint, tmp_path, name))
    once = ("shipped-1", "new-2", "forced"), ("new-2", "new-3", "promoted")
    again = ("new-3", "new-3", "forced"), ("new-3", "new-3", "rolled back"), ("new-3", "new-3", "rolled back")
    history_of(store, *once, *again)
    assert ids_of_rollbacks(store, 2) == ["new-2", "shipped-1"]


def test_a_switch_that_never_came_true_is_no_step(store, tmp_path, tiny_checkpoint):
    for name in ("new-2", "new-3"):
        store.add(renamed(tiny_checkpoint, tmp_path, name))
    untrue = ("new-2", "new-4", "promoted"), ("new-2", "shipped-1", "rolled back")
    history_of(store, ("shipped-1", "new-2", "promoted"), *untrue, ("new-2", "new-3", "promoted"))
    assert ids_of_rollbacks(store, 2) == ["new-2", "shipped-1"]


def test_an_interrupted_switch_leaves_the_old_one_served(store, tmp_path, tiny_checkpoint, monkeypatch):
    new = store.add(renamed(tiny_checkpoint, tmp_path, "new-2"))

    def die(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", die)
    with pytest.raises(KeyboardInterrupt):
        store.switch(new, "promoted", {})
    monkeypatch.undo()
    assert store.current() == store.shipped
    with pytest.raises(CheckpointError, match="nothing to go back to"):
        store.previous()
    store.switch(new, "promoted", {})
    assert store.current() == new.resolve()


def test_a_damaged_checkpoint_never_enters(store, tmp_path, tiny_checkpoint):
    bad = renamed(tiny_checkpoint, tmp_path, "bad-2")
    (bad / "config.json").write_text("{}")
    with pytest.raises(CheckpointDamagedError):
        store.add(bad)
    assert not store.root.exists()


def test_an_id_cannot_leave_the_store(store, tmp_path, tiny_checkpoint):
    bad = renamed(tiny_checkpoint, tmp_path, "bad-2")
    manifest = json.loads((bad / "manifest.json").read_text())
    (bad / "manifest.json").write_text(json.dumps(manifest | {"checkpoint_id": "../../evil"}))
    with pytest.raises(CheckpointError, match="no folder name"):
        store.add(bad)


def test_the_same_rows_trained_twice_are_one_checkpoint(store, tmp_path, tiny_checkpoint):
    new = store.add(renamed(tiny_checkpoint, tmp_path, "new-2"))
    store.switch(new, "promoted", {})
    again = renamed(tiny_checkpoint, tmp_path / "again", "new-2")
    (again / "README.md").write_text("written a day later")
    seal(again, read_manifest(again))
    assert store.serves(again)
    assert store.add(again) == new


def test_another_calibration_under_an_id_that_is_there_is_refused(store, tmp_path, tiny_checkpoint):
    new = store.add(renamed(tiny_checkpoint, tmp_path, "new-2"))
    other = renamed(tiny_checkpoint, tmp_path / "other", "new-2")
    manifest = json.loads((other / "manifest.json").read_text())
    for calibration in manifest["calibrations"].values():
        calibration["threshold"] = 0.987
    (other / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match="holds another new-2 already"):
        store.add(other)
    assert verify_checkpoint(new).checkpoint_id == "new-2"


def test_a_torn_history_line_is_left_out(store, tmp_path, tiny_checkpoint):
    store.switch(store.add(renamed(tiny_checkpoint, tmp_path, "new-2")), "promoted", {})
    with (store.root / "history.jsonl").open("a") as stream:
        stream.write('{"at": "2026')
    assert len(store.history()) == 1


def test_a_shipped_checkpoint_is_found_by_its_name_unless_a_folder_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert folder_of(Path("anchorage-minilm")) == SHIPPED
    assert folder_of(Path("anchorage-unknown")) == Path("anchorage-unknown")
    (tmp_path / "anchorage-minilm").mkdir()
    assert folder_of(Path("anchorage-minilm")) == Path("anchorage-minilm")


@pytest.mark.parametrize(("name", "most_mb"), [("anchorage-minilm", 50), ("anchorage-mpnet", 15)])
def test_what_ships_is_undamaged_and_small(name, most_mb):
    folder = folder_of(Path(name))
    manifest = verify_checkpoint(folder)
    assert manifest.labels.stance == ("supportive", "pessimistic", "accusatory", "neutral")
    assert {"torch"} < set(manifest.calibrations)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < most_mb * 1e6
