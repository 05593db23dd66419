"""The analyst's page in a browser, over a real server."""

import csv
import io
import json

import httpx
import pytest
from web_support import drop, findings, paste, show, shown

pytestmark = pytest.mark.slow

QUOTES = [
    ("The talks go on as agreed", "Irina Velskaya"),
    ("There is a pause in the talks", "Markus Adler"),
    ("Nobody can say when they end", "Oksana Hrytsenko"),
]
ARTICLE = "Talks by the Lake\n\n" + "\n\n".join(f"“{words},” {who} said on Monday." for words, who in QUOTES)
HOSTILE = (
    "“<img src=x onerror=alert(1)> <script>alert(2)</script> is what they want,” said Eve <b>Bold</b> Stone.\n\n"
    "“&lt;svg onload=alert(3)&gt; {{7*7}} ${alert(4)} javascript:alert(5),” Eve Stone said."
)


def answer(site, text):
    return httpx.post(f"{site.url}/articles", json={"text": text}, timeout=30).json()["statements"]


def gold(seeds, name):
    with (seeds / "quotes.csv").open(encoding="utf-8") as stream:
        return [row["speaker"] for row in csv.DictReader(stream) if row["document"] == name]


def test_the_first_view_takes_few_requests_and_little_data(site, open_page):
    page = open_page(site)
    page.goto(site.url, wait_until="networkidle")
    page.locator("#paste").fill("“Yes,” he said.")
    found = page.evaluate("() => performance.getEntriesByType('resource').map(entry => entry.name)")
    assert all(name.startswith(site.url) for name in found)
    assert 10 < len(found) <= 30
    sizes = {name: len(page.request.get(name).body()) for name in found}
    assert 10_000 < sum(sizes.values()) < 300_000, sizes


def test_a_seed_shows_its_statements_with_speakers_and_stances(site, open_page, seeds):
    page = open_page(site)
    for path in sorted(seeds.glob("*.txt"))[:3]:
        text = path.read_text(encoding="utf-8")
        paste(page, text)
        expected = answer(site, text)
        assert sorted(shown(page)) == sorted(
            (item["speaker"] or item["speaker_mention"] or "speaker unknown", item["stance"]) for item in expected
        )
        assert [item["speaker"] for item in expected] == gold(seeds, path.name)
        marked = page.locator(".q").all_inner_texts()
        for item in expected:
            assert any(item["text"].split()[-1] in words for words in marked)


def test_a_statement_tells_everything_to_keys_and_pointer(site, open_page):
    page = open_page(site)
    paste(page, ARTICLE)
    (first, second, _) = answer(site, ARTICLE)
    page.keyboard.press("j")
    panel = page.locator(".detail")
    assert first["text"] in panel.inner_text()
    for label, p in first["scores"].items():
        assert panel.locator(f'[data-label="{label}"]').inner_text().split() == [
            label[0],
            label,
            str(round(100 * p)),
            "%",
        ]
    assert first["sentiment"]["label"] in panel.locator(".tone-row.is-label").inner_text()
    page.keyboard.press("e")
    page.locator(".why-text").wait_for()
    assert "".join(page.locator(".why-text").all_inner_texts()).split() == first["text"].split()
    assert page.locator(".why-text .w").count() > 0
    page.locator(".q").nth(1).hover()
    assert second["text"] in panel.inner_text()
    page.mouse.move(5, 5)
    assert first["text"] in panel.inner_text()
    page.keyboard.press("Escape")
    assert "In this text" in panel.inner_text()
    page.locator(".note").nth(1).click()
    assert second["text"] in panel.inner_text()


def test_stance_and_doubt_are_told_by_shape_and_word(site, open_page, tiny_checkpoint):
    threshold = json.loads((tiny_checkpoint / "manifest.json").read_text())["calibrations"]["torch"]["threshold"]
    page = open_page(site)
    paste(page, ARTICLE)
    for item, mark, note in zip(
        answer(site, ARTICLE), page.locator(".q").all(), page.locator(".note").all(), strict=True
    ):
        assert mark.locator("svg.glyph path").count() == 1
        assert item["stance"] in note.inner_text()
        assert ("unsure" in note.inner_text()) == (item["confidence"] < threshold)


def test_dropped_files_come_together_and_a_click_leads_to_the_passage(site, open_page, seeds):
    page = open_page(site)
    files = [(path.name, path.read_bytes()) for path in sorted(seeds.glob("*.txt"))]
    table = 'title,date,text\nOne,2026-01-02,"“We will wait,” Ada Quill said."\nTwo,2026-03-04,'
    table += '"“We go on,” Ada Quill said."'
    files += [("articles.csv", table.encode()), ("bad.pdf", b"%PDF-1.4 broken"), ("tool.exe", b"MZ")]
    drop(page, files)
    expected = sum(len(answer(site, raw.decode())) for _, raw in files[:5]) + 2
    assert page.locator(".found").inner_text() == f"{expected} statements"
    assert page.locator("tr[data-ref]").count() == expected
    assert "2 documents could not be read" in page.locator(".failed").inner_text()
    page.locator(".failed summary").click()
    assert "bad.pdf" in page.locator(".failed").inner_text()
    assert page.locator(".time-row .spark").count() == 4
    assert "2026-01" in page.locator(".axis-labels").inner_text()

    page.locator("#search").fill("we will WAIT quill")
    page.get_by_text(f"1 of {expected} statements").wait_for()
    page.get_by_role("button", name="Clear the filters").click()
    page.select_option("#f-speaker", "Ada Quill")
    page.get_by_text(f"2 of {expected} statements").wait_for()
    page.locator("#f-speaker").select_option("")
    page.get_by_role("button", name="Confidence").click()
    figures = [int(text.split()[0]) for text in page.locator("td.c-confidence").all_inner_texts()]
    assert figures == sorted(figures)
    stance = page.locator("tr[data-ref] .badge > span").first.inner_text()
    page.locator(".chip", has_text=stance).locator("input").check()
    assert set(page.locator("tr[data-ref] .badge > span:first-of-type").all_inner_texts()) == {stance}
    page.get_by_role("button", name="Clear the filters").click()

    page.get_by_role("link", name="We go on,").click()
    page.locator(".q.is-active").wait_for()
    assert page.locator(".q.is-active").inner_text().strip("\u2060 ") == "We go on,"


def test_a_correction_takes_two_keys_outlives_the_server_and_is_exported(start_site, tiny_checkpoint, open_page):
    site = start_site(tiny_checkpoint)
    page = open_page(site)
    paste(page, ARTICLE)
    given = answer(site, ARTICLE)
    wanted = next(label for label in ("pessimistic", "accusatory") if label != given[0]["stance"])
    page.keyboard.press("j")
    page.keyboard.press(wanted[0])
    page.get_by_text(f"Corrected to {wanted}").wait_for()
    page.keyboard.press("j")
    page.keyboard.press(given[1]["stance"][0])
    page.get_by_text(f"Confirmed as {given[1]['stance']}").wait_for()
    site.stop()
    site.start()
    page.reload()
    paste(page, ARTICLE)
    assert shown(page)[0] == (QUOTES[0][1], wanted)
    assert page.locator(".note").first.locator(".badge-note").inner_text() == "corrected"
    page.keyboard.press("j")
    assert "Corrected by Ada Byron" in page.locator(".detail").inner_text()

    show(page, "corrections")
    assert "1 corrected, 1 confirmed" in page.locator(".corrections").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Labelled CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert [(row["text"], row["stance"]) for row in rows] == [
        (QUOTES[0][0] + ",", wanted),
        (QUOTES[1][0] + ",", given[1]["stance"]),
    ]
    page.get_by_role("button", name="Take back").first.click()
    page.get_by_role("button", name="Audit trail").click()
    page.get_by_text("taken back", exact=True).wait_for()
    assert page.locator(".trail tbody tr").count() == 3


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
def test_results_are_exported_with_their_corrections(site, open_page, kind):
    page = open_page(site)
    paste(page, ARTICLE)
    show(page, "results")
    page.locator("a.passage").first.focus()
    page.keyboard.press("2")
    page.locator("tr[data-ref] .badge-note", has_text="corrected").first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name=kind.upper()).click()
    path = download.value.path()
    if kind == "xlsx":
        from openpyxl import load_workbook

        header, *lines = load_workbook(io.BytesIO(path.read_bytes())).active.iter_rows(values_only=True)
        rows = [dict(zip(header, line, strict=True)) for line in lines]
    elif kind == "csv":
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    else:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == [words + "," for words, _ in QUOTES]
    assert rows[0]["corrected_stance"] == "pessimistic"
    assert rows[0]["corrected_by"] == "Ada Byron"
    assert not rows[1]["corrected_stance"]
    assert list(rows[0])[:6] == ["document", "statement", "speaker", "speaker_mention", "kind", "text"]


def test_hostile_text_is_inert(site, open_page):
    page = open_page(site)
    paste(page, HOSTILE)
    assert page.locator(".q").count() > 0
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.locator(".why-text").wait_for()
    drop(page, [("<img src=x onerror=alert(6)>.txt", HOSTILE.encode()), ("<b>x</b>.exe", b"x")])
    page.locator(".failed summary").click()
    page.locator("a.passage").first.focus()
    page.keyboard.press("1")
    page.get_by_role("status").filter(has_text="ed ").first.wait_for()
    show(page, "corrections")
    page.get_by_role("button", name="Audit trail").click()
    for view in ("read", "results", "corrections"):
        show(page, view)
        assert page.locator("main img, main script, main b, main svg[onload]").count() == 0
        assert "<img src=x onerror=alert" in page.locator("main").inner_text()


def test_five_hundred_statements_stay_smooth(site, open_page):
    page = open_page(site)
    lines = [f"“Statement number {n} is that the talks go on as before,” Ada Quill said." for n in range(500)]
    paste(page, "\n\n".join(lines))
    assert page.locator(".q[role=button]").count() == 500
    show(page, "results")
    drawn = page.evaluate(
        """async () => {
          const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
          let rows = 0;
          const within = (node) => node.querySelectorAll("tr[data-ref]").length + node.matches("tr[data-ref]");
          new MutationObserver((changes) => {
            for (const change of changes)
              for (const node of change.addedNodes) if (node instanceof Element) rows += within(node);
          }).observe(document.querySelector("main"), { childList: true, subtree: true });
          const drawn = [];
          for (const select of document.querySelectorAll("th button")) {
            rows = 0;
            select.click();
            await frame();
            drawn.push(rows);
          }
          return drawn;
        }"""
    )
    assert drawn, "there is nothing to sort by"
    assert set(drawn) == {100}, "a sort draws one page of rows, once"
    assert page.locator("tr[data-ref]").count() == 100
    page.get_by_role("button", name="Next").click()
    assert "Page 2 of 5" in page.locator(".pager").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(site, open_page, scheme):
    page = open_page(site, color_scheme=scheme)
    found = findings(page)
    paste(page, ARTICLE)
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.locator(".why-text").wait_for()
    found += findings(page)
    page.keyboard.press("a")
    page.get_by_role("status").filter(has_text="ed ").first.wait_for()
    for view in ("results", "corrections", "model"):
        show(page, view)
        found += findings(page)
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    found += findings(page)
    assert not found, "\n".join(found)


def test_a_pointer_at_rest_moves_nothing_in_a_narrow_window(site, open_page, seeds):
    page = open_page(site, viewport={"width": 600, "height": 900})
    paste(page, (seeds / "004_b32d9fe6147afaa2.txt").read_text(encoding="utf-8"))
    mark = page.locator(".q").first
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    places = page.evaluate(
        """async () => {
          const places = [];
          for (let n = 0; n < 30; n++) {
            await new Promise((done) => requestAnimationFrame(done));
            places.push(document.querySelector(".q").getBoundingClientRect().top);
          }
          return places;
        }"""
    )
    assert max(places) - min(places) < 1, places


def test_nothing_is_wider_than_a_small_phone(site, open_page, seeds):
    page = open_page(site, viewport={"width": 360, "height": 740}, has_touch=True)
    paste(page, (seeds / "004_b32d9fe6147afaa2.txt").read_text(encoding="utf-8"))
    page.locator(".q").first.tap()
    page.locator(".detail.open").wait_for()
    for view in ("read", "results", "corrections", "model", "new"):
        page.evaluate(f"location.hash = '#/{view}'")
        page.wait_for_timeout(50)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, view


def test_what_goes_wrong_is_said(site, open_page):
    page = open_page(site, allowed=("status of 413",))
    page.get_by_role("button", name="Find the statements").click()
    assert "nothing to read" in page.get_by_role("alert").inner_text()
    page.fill("#paste", "No quote here.")
    page.get_by_role("button", name="Find the statements").click()
    page.get_by_text("No statements").wait_for()
    page.evaluate("location.hash = '#/new'")
    page.route(
        "**/articles", lambda route: route.fulfill(status=413, json={"code": "too_large", "detail": "Too long."})
    )
    page.fill("#paste", ARTICLE)
    page.get_by_role("button", name="Find the statements").click()
    page.get_by_text("Too long.").wait_for()
    show(page, "results")
    page.get_by_text("These documents quote nobody.").wait_for()


def test_the_api_documentation_needs_no_internet(site, open_page):
    page = open_page(site, "/docs")
    page.locator(".opblock").first.wait_for()
    assert "/classify/batch" in page.locator(".opblock-summary-path").all_inner_texts()
