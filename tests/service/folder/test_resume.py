"""Interrupted runs, in this process: every step at which a run can die, and what may change before it goes on."""

import itertools
import os
import sqlite3

import pytest
from folder_support import FakeEngine, article, rows_of, score, write_articles

from model.errors import DocumentError
from service.folder import journal, parcels, runner

real = journal.Journal


class Killed(BaseException):
    """Stands for kill -9: no handler of the program may run."""


@pytest.fixture(autouse=True)
def small_parcels(monkeypatch):
    monkeypatch.setattr(parcels, "MAX_DOCUMENTS", 4)


@pytest.fixture
def folder(tmp_path):
    folder = write_articles(tmp_path / "in", 14)
    (folder / "a0003.txt").write_bytes(b"")
    table = "".join(f'"“Row {n} of the table is as agreed,” she said.",2025-1{n % 2}-03\n' for n in range(10))
    (folder / "a0006b.csv").write_text("text,date\n" + table, encoding="utf-8")
    return folder


def killed_at(monkeypatch, place, name, count):
    """Make the count-th call of a function the last thing that the run does, before or after it takes effect."""
    before = count % 2 == 0
    calls = itertools.count()
    real = getattr(place, name)

    def wrapped(*arguments, **options):
        last = next(calls) == count // 2
        if last and before:
            raise Killed
        result = real(*arguments, **options)
        if last:
            raise Killed
        return result

    monkeypatch.setattr(place, name, wrapped)


STEPS = [
    (place, name, count)
    for place, name, counts in (
        (journal.Journal, "begin", 2),
        (journal.Journal, "record", 12),
        (journal.Journal, "set_complete", 2),
        (runner, "publish", 2),
        (runner, "write_errors", 2),
    )
    for count in range(counts)
]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@pytest.mark.parametrize("depth", [0, 3])
@pytest.mark.parametrize(("place", "name", "count"), STEPS, ids=lambda value: getattr(value, "__name__", value))
def test_a_run_killed_at_any_step_ends_in_the_same_bytes(
    monkeypatch, tmp_path, folder, ending, depth, place, name, count
):
    whole, out = tmp_path / f"whole.{ending}", tmp_path / f"out.{ending}"
    expected = score(folder, whole, FakeEngine())
    with monkeypatch.context() as patch:
        killed_at(patch, place, name, count)
        with pytest.raises(Killed):
            score(folder, out, FakeEngine(depth))
    if place is not runner:
        assert not out.exists()
    again = FakeEngine(depth)
    summary = score(folder, out, again)
    assert out.read_bytes() == whole.read_bytes()
    errors = out.with_name(out.name + ".errors.jsonl").read_bytes()
    assert errors == whole.with_name(whole.name + ".errors.jsonl").read_bytes()
    assert sorted(p.name for p in tmp_path.glob("out*")) == [out.name, f"{out.name}.errors.jsonl"]
    assert (summary.documents, summary.failed, summary.statements) == (23, 1, expected.statements)
    assert (summary.stances, summary.speakers, summary.months) == (
        expected.stances,
        expected.speakers,
        expected.months,
    )
    if name == "record" and count > 4:
        assert summary.kept


def interrupted(monkeypatch, folder, out, records=3):
    with monkeypatch.context() as patch:
        killed_at(patch, journal.Journal, "record", records * 2)
        with pytest.raises(Killed):
            score(folder, out)


@pytest.mark.parametrize("junk", [b'{"half": "a ro', b"\0" * 5000])
def test_what_a_dead_run_wrote_after_its_last_record_is_cut(monkeypatch, tmp_path, folder, junk):
    score(folder, tmp_path / "whole.jsonl")
    out = tmp_path / "out.jsonl"
    interrupted(monkeypatch, folder, out)
    with out.with_name("out.jsonl.part").open("ab") as stream:
        stream.write(junk)
    score(folder, out)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


@pytest.mark.parametrize("left", [0, 700, None])
def test_rows_that_got_lost_are_scored_again(monkeypatch, tmp_path, folder, left):
    score(folder, tmp_path / "whole.jsonl")
    out = tmp_path / "out.jsonl"
    interrupted(monkeypatch, folder, out)
    part = out.with_name("out.jsonl.part")
    if left is None:
        part.unlink()
    else:
        os.truncate(part, left)
    score(folder, out)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def edit(path):
    path.write_text(article(99, 99), encoding="utf-8")


CHANGES = {
    "edited": lambda folder: edit(folder / "a0005.txt"),
    "same size": lambda folder: (folder / "a0005.txt").write_text(article(8, 2), encoding="utf-8"),
    "repaired": lambda folder: edit(folder / "a0003.txt"),
    "removed": lambda folder: (folder / "a0001.txt").unlink(),
    "added": lambda folder: edit(folder / "a0004b.txt"),
    "table edited": lambda folder: (folder / "a0006b.csv").write_text("text\n“All is new here,” she said.\n"),
    "table removed": lambda folder: (folder / "a0006b.csv").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_is_noticed_and_what_follows_is_scored_anew(monkeypatch, tmp_path, folder, change):
    out = tmp_path / "out.jsonl"
    interrupted(monkeypatch, folder, out, records=4)
    CHANGES[change](folder)
    engine = FakeEngine()
    summary = score(folder, out, engine)
    assert summary.changed is not None
    whole = FakeEngine()
    score(folder, tmp_path / "whole.jsonl", whole)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    if change in ("edited", "table edited"):
        assert 0 < engine.texts < whole.texts


@pytest.mark.parametrize("added", ["a9999.txt", "a9999.csv"])
def test_files_that_come_last_cost_nothing_that_was_done(monkeypatch, tmp_path, folder, added):
    out = tmp_path / "out.jsonl"
    interrupted(monkeypatch, folder, out)
    (folder / added).write_text("text\n“Something new came in at last,” he said.\n", encoding="utf-8")
    assert score(folder, out).changed is None
    score(folder, tmp_path / "whole.jsonl")
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_touched_file_is_no_changed_file(monkeypatch, tmp_path, folder):
    out = tmp_path / "out.jsonl"
    interrupted(monkeypatch, folder, out)
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    summary = score(folder, out)
    assert (summary.changed, summary.kept) == (None, 11)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model_id": "fake-2"}, "checkpoint was fake-1, is fake-2"),
        ({"fragments": False}, "fragments"),
        ({"exclude": ("*.csv",)}, "exclude"),
        ({"backend": "onnx-int8"}, "backend"),
    ],
)
def test_another_task_is_refused_until_told_to_restart(monkeypatch, tmp_path, folder, options, said):
    out = tmp_path / "out.jsonl"
    interrupted(monkeypatch, folder, out)
    with pytest.raises(DocumentError, match=said):
        score(folder, out, **options)
    assert score(folder, out, restart=True, **options).kept == 0
    assert {row["model"] for row in rows_of(out)} == {options.get("model_id", "fake-1")}


def test_two_runs_cannot_write_one_file(tmp_path, folder):
    out = tmp_path / "out.jsonl"
    with journal.Journal(tmp_path / "out.jsonl.journal"), pytest.raises(DocumentError, match="another run"):
        score(folder, out)


def test_a_journal_that_is_none_is_named(tmp_path, folder):
    (tmp_path / "out.jsonl.journal").write_bytes(b"not a database at all" * 100)
    with pytest.raises(DocumentError, match="--restart"):
        score(folder, tmp_path / "out.jsonl")


def test_restart_leaves_nothing_that_sqlite_would_play_back(monkeypatch, tmp_path, folder):
    out = tmp_path / "out.jsonl"
    interrupted(monkeypatch, folder, out)
    (tmp_path / "out.jsonl.journal-journal").write_bytes(b"left by a run that died")
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr(runner, "Journal", lambda path: seen.append(sorted(tmp_path.glob("*.journal*"))) or real(path))
        score(folder, out, restart=True)
    assert seen == [[]]
    score(folder, tmp_path / "whole.jsonl")
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_an_earlier_result_stays_until_the_new_one_is_whole(monkeypatch, tmp_path, folder):
    out = tmp_path / "out.jsonl"
    score(folder, out)
    before = out.read_bytes()
    edit(folder / "a0005.txt")
    interrupted(monkeypatch, folder, out)
    assert out.read_bytes() == before
    score(folder, out)
    assert out.read_bytes() != before


def test_duplicates_are_kept_on_disk(monkeypatch, tmp_path, folder):
    out = tmp_path / "out.jsonl"
    interrupted(monkeypatch, folder, out, records=5)
    with sqlite3.connect(tmp_path / "out.jsonl.journal") as database:
        ((count,),) = database.execute("SELECT count(*) FROM firsts").fetchall()
    database.close()
    assert count > 10
