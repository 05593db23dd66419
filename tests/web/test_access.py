"""API keys, other label sets, names: the page fits the service that it finds."""

import pytest
from web_support import findings, paste, shown

from model.labels import LabelSpace
from service.keys import new_key

pytestmark = pytest.mark.slow

TEXT = "“The plan is sound,” Ada Quill said. “It has to be kept,” Ben Oak said."
REFUSED = ("401",)


def test_the_page_asks_for_a_key_and_keeps_it_for_the_tab(start_site, tiny_checkpoint, open_page):
    key, digest = new_key()
    site = start_site(tiny_checkpoint, api_keys=digest)
    page = open_page(site, allowed=REFUSED)
    page.get_by_role("dialog").wait_for()
    assert not findings(page)
    page.fill("#key-field", "wrong")
    page.get_by_role("button", name="Use this key").click()
    page.get_by_text("The key was not accepted").wait_for()
    page.fill("#key-field", key)
    page.get_by_role("button", name="Use this key").click()
    page.get_by_text("toward a target of the tests").wait_for()
    paste(page, TEXT)
    assert len(shown(page)) == 2
    assert page.evaluate("JSON.stringify(localStorage)").count(key) == 0
    page.reload()
    page.get_by_text("toward a target of the tests").wait_for()
    assert page.get_by_role("dialog").count() == 0


def test_other_labels_get_colours_shapes_and_keys_of_their_own(start_site, tiny_base, tmp_path, open_page):
    from tests_support import make_tiny_checkpoint

    labels = LabelSpace(("favors", "fights", "ignores", "other"), ())
    site = start_site(make_tiny_checkpoint(tmp_path / "other", tiny_base, labels))
    page = open_page(site, analyst=None)
    paste(page, TEXT)
    assert all(stance in labels.stance for _, stance in shown(page))
    page.keyboard.press("j")
    keys = page.locator(".score kbd").all_inner_texts()
    assert keys == ["f", "i", "g", "o"]
    shapes = {path.get_attribute("d") for path in page.locator(".score svg path").all()}
    assert len(shapes) == 4
    assert page.locator(".tone").count() == 0
    assert not findings(page)
    page.keyboard.press("g")
    page.get_by_role("dialog").wait_for()
    page.fill("#who-field", "Ben")
    page.keyboard.press("Enter")
    page.get_by_text("ed as ignores").or_(page.get_by_text("Corrected to ignores")).first.wait_for()
    assert shown(page)[0][1] == "ignores"
    page.keyboard.press("u")
    page.get_by_text("Taken back").wait_for()
