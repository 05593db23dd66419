"""What the tests of the page do again and again."""

import base64

from axe_playwright_python.sync_playwright import Axe

DROP = """files => {
  const transfer = new DataTransfer();
  for (const [name, content] of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


def paste(page, text):
    page.evaluate("location.hash = '#/new'")
    page.fill("#paste", text)
    page.get_by_role("button", name="Find the statements").click()
    page.locator(".article-body").wait_for()


def drop(page, files):
    page.evaluate(DROP, [[name, base64.b64encode(content).decode()] for name, content in files])
    page.locator(".statements, .results-empty").first.wait_for()
    page.locator(".busy progress").wait_for(state="detached")


def show(page, view):
    page.evaluate(f"location.hash = '#/{view}'")
    page.locator(f"#view-{view}").wait_for()


def shown(page):
    """Return (speaker, stance) of each statement as the page shows it beside the article."""
    return [
        (note.locator(".note-who").inner_text(), note.locator(".badge > span").first.inner_text())
        for note in page.locator(".note").all()
    ]


def findings(page):
    """Return axe's findings, each as one line."""
    return [
        f"{found['impact']} {found['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for found in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        for node in found["nodes"]
    ]
