"""The store of corrections on a real file."""

import csv
import io
import sqlite3
import threading

import pytest

from model.errors import EmptyTextError
from service.corrections import Correction, CorrectionStore
from service.http_errors import ServiceUnavailable

TEXT = "The talks are going nowhere,"


@pytest.fixture
def store(tmp_path):
    return CorrectionStore(tmp_path / "deep" / "corrections.sqlite3")


def correction(text=TEXT, label="pessimistic", **more):
    return Correction(**{"text": text, "label": label, "who": "Ada", "target": "t", "model_label": "neutral", **more})


def labels(store, target="t"):
    return {item.text: item.label for item in store.latest(target)}


def test_survives_a_restart_with_who_and_when(store):
    stored = store.add(correction())
    (kept,) = CorrectionStore(store.path).latest("t")
    assert kept == stored
    assert (kept.who, kept.at[:2], kept.at[-6:]) == ("Ada", "20", "+00:00")


def test_the_latest_word_counts_and_the_trail_keeps_all(store):
    store.add(correction())
    store.add(correction(label="accusatory", who="Ben"))
    assert labels(store) == {TEXT: "accusatory"}
    assert [item.who for item in store.trail("t", 10)] == ["Ben", "Ada"]


def test_the_same_words_share_a_correction_whatever_their_marks(store):
    store.add(correction())
    store.add(correction(text="“the talks are  going nowhere”", label="neutral"))
    assert list(labels(store).values()) == ["neutral"]


def test_a_fragment_is_known_by_its_sentence(store):
    store.add(correction(text="nowhere", context="He called the talks “going nowhere”."))
    store.add(correction(text="nowhere", context="She denied that it led “nowhere”.", label="neutral"))
    assert len(store.latest("t")) == 2


def test_targets_are_kept_apart(store):
    store.add(correction(target="another"))
    assert labels(store) == {}


def test_withdrawing_keeps_the_trail_and_works_once(store):
    number = store.add(correction()).id
    assert store.withdraw(number, "Ben").label is None
    assert labels(store) == {}
    assert store.withdraw(number, "Ben") is None
    assert store.withdraw(10**18, "Ben") is None
    assert [(item.who, item.label) for item in store.trail("t", 10)] == [("Ben", None), ("Ada", "pessimistic")]


def test_a_corrected_correction_cannot_be_withdrawn_under_the_new_one(store):
    first = store.add(correction())
    store.add(correction(label="accusatory"))
    assert store.withdraw(first.id, "") is None
    assert labels(store) == {TEXT: "accusatory"}


@pytest.mark.parametrize("statement", ["UPDATE corrections SET who = 'x'", "DELETE FROM corrections"])
def test_the_trail_cannot_be_rewritten(store, statement):
    store.add(correction())
    connection = sqlite3.connect(store.path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


def test_the_labelled_csv_reads_back_as_training_data(store, tmp_path):
    from training.data import read_labelled

    texts = [f"Number {number} of the statements, with a “comma”, and more" for number in range(8)]
    for number, text in enumerate(texts):
        store.add(correction(text=text, label="neutral" if number % 2 else "accusatory", document=f"d{number}.txt"))
    store.add(correction(text="=cmd()|'x'", label="neutral"))
    path = tmp_path / "corrections.csv"
    path.write_text(store.labelled_csv("t"), encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert [row["text"] for row in rows[:8]] == texts
    assert rows[8]["text"].startswith("'=")
    assert [row.stance for row in read_labelled(path).rows] == [row["stance"] for row in rows]


def test_empty_words_are_refused(store):
    with pytest.raises(EmptyTextError):
        store.add(correction(text=" \n "))


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceUnavailable, match="cannot be read or stored"):
        CorrectionStore(tmp_path / "file" / "x.sqlite3").latest("t")


def test_threads_write_at_once_without_loss(store):
    threads = [threading.Thread(target=store.add, args=(correction(text=f"words {n}"),)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.latest("t")) == 16
