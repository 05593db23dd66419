"""From a finished training to what serves, over HTTP."""

import json
import shutil

import pytest
from service_support import running, settings_of
from tests_support import make_tiny_checkpoint

from model.labels import LabelSpace
from model.store import Store
from service.keys import new_key


def finished(store, job_id, checkpoint):
    """Leave a training behind as if it had ended."""
    folder = store / "training" / job_id
    shutil.copytree(checkpoint, folder / "checkpoint")
    (folder / "job.json").write_text("{}")


@pytest.fixture(scope="module")
def site(tiny_classifier, tiny_checkpoint, tiny_base, tmp_path_factory):
    root = tmp_path_factory.mktemp("promotion")
    store, (admin, digest) = root / "store", new_key()
    shutil.copytree(tiny_checkpoint, store / "tiny-test")
    (store / "current").symlink_to("tiny-test")
    finished(store, "renamed", renamed(tiny_checkpoint, root / "renamed"))
    finished(store, "other", make_tiny_checkpoint(root / "other", tiny_base, LabelSpace(("for", "against"), ())))
    rows = root / "gate.csv"
    rows.write_text("text,stance\n" + "".join(f"Talks {n},{('neutral', 'supportive')[n % 2]}\n" for n in range(8)))
    settings = settings_of(store=store, admin_keys=digest, backend="torch", frozen=rows)
    with running(settings, tiny_classifier) as server, server.client(headers={"x-api-key": admin}) as client:
        yield client, Store(store)


def renamed(checkpoint, copy):
    shutil.copytree(checkpoint, copy)
    manifest = json.loads((copy / "manifest.json").read_text()) | {"checkpoint_id": copy.name}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


def test_what_cannot_be_compared_is_told_with_what_to_do(site):
    client, store = site
    answer = client.post("/training/other/promotion", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_comparable")
    assert "other-test labels for, against, and tiny-test labels supportive" in answer.json()["detail"]
    assert '{"force": true}' in answer.json()["detail"]
    assert store.history() == []


def test_promoting_what_serves_changes_nothing(site):
    client, store = site
    first = client.post("/training/renamed/promotion", json={"force": True}).json()
    assert (first["model"], first["previous"]) == ("renamed", "tiny-test")
    for body in ({"force": True}, {}):
        again = client.post("/training/renamed/promotion", json=body).json()
        assert (again["model"], again["previous"]) == ("renamed", "renamed")
    assert [entry.new for entry in store.history()] == ["renamed"]
