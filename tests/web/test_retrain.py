"""The whole loop in the browser: correct, retrain, compare, promote."""

import json
import shutil

import httpx
import pytest
from web_support import findings, paste, show

from service.keys import new_key

pytestmark = pytest.mark.slow

WORDS = ("The talks go on", "There is a pause", "Moscow plays for time", "The next call is not set")


def gate(path):
    """A small labelled file for the comparison."""
    labels = ("supportive", "pessimistic", "accusatory", "neutral")
    rows = [f"{words} in round {n},{label}" for n in range(6) for words, label in zip(WORDS, labels, strict=True)]
    path.write_text("text,stance\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def correct_all(site, admin):
    """Correct so many statements that a model can learn from them."""
    labels = ("supportive", "pessimistic", "accusatory", "neutral")
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {admin}"}) as client:
        for number in range(12):
            for words, label in zip(WORDS, labels, strict=True):
                body = {"text": f"{words} on day {number}", "label": label, "who": "Ada", "document": f"d{number}"}
                assert client.post("/corrections", json=body).status_code == 201


def test_retrain_from_corrections_compare_and_promote(start_site, tiny_checkpoint, tmp_path, open_page):
    admin, digest = new_key()
    store = tmp_path / "store"
    shutil.copytree(tiny_checkpoint, store / "tiny-test")
    (store / "current").symlink_to("tiny-test")
    site = start_site(store / "tiny-test", admin_keys=digest, store=str(store), frozen=str(gate(tmp_path / "gate.csv")))
    correct_all(site, admin)
    page = open_page(site, allowed=("status of 401", "status of 409"))
    show(page, "corrections")
    page.select_option("#retrain-data", "alone")
    page.select_option("#retrain-base", "minilm")
    show(page, "read")
    show(page, "corrections")  # drawn anew; what was chosen stays
    assert page.locator("#retrain-data").input_value() == "alone"
    assert page.locator("#retrain-base").input_value() == "minilm"
    page.select_option("#retrain-base", page.locator("#retrain-base option").first.get_attribute("value"))
    page.get_by_role("button", name="Retrain").click()
    page.fill("#key-field", admin)
    page.get_by_role("button", name="Use this key").click()
    page.get_by_role("progressbar").first.wait_for()
    page.reload()  # a training is found again
    verdict = page.locator(".verdict")
    verdict.or_(page.locator(".retrain .notice")).wait_for(timeout=180_000)
    assert verdict.count() == 1, page.locator(".retrain").inner_text()
    assert "24 labelled rows" in page.locator(".versus").inner_text()
    assert not findings(page)
    if "Not worse" in verdict.inner_text():
        page.get_by_role("button", name="Promote the new model").click()
    else:
        page.get_by_role("button", name="Promote it all the same").click()
        page.get_by_role("dialog").get_by_role("button", name="Promote").click()
    told = page.get_by_text("serves from now on").or_(page.locator(".retrain .notice"))
    told.wait_for(timeout=60_000)
    assert "serves from now on" in told.inner_text()
    served = httpx.get(f"{site.url}/model").json()["model"]
    assert served != "tiny-test"
    assert json.loads((store / "history.jsonl").read_text().splitlines()[-1])["new"] == served
    paste(page, "“The talks go on,” said Ada Quill.")
    assert page.locator(".q").count() == 1
