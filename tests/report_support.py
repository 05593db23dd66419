"""What the tests of `stance report` share: rows without a run, and a parser that notes what stands on the page."""

import json
from collections import Counter
from html.parser import HTMLParser

from folder_support import LABELS

from service.folder.rows import fields


class Page(HTMLParser):
    """Notes every tag, attribute, word and open element."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.links, self.words, self.bold = Counter(), [], [], [], []
        self._strong = False

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        if tag not in ("meta", "rect", "line", "path"):
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        self._strong = ("class", "who") in attrs
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self._strong:
            self.bold.append(data)
            self._strong = False

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def parse(path):
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert not page.open
    return page


def row(number, **given):
    values = {
        "document": f"d{number}.txt",
        "statement": f"d{number}.txt#1",
        "speaker": "Anna Berg",
        "kind": "full",
        "text": f"Statement number {number}.",
        "stance": LABELS.stance[number % 4],
        "confidence": 0.5 + number % 50 / 100,
        "uncertain": False,
        "date": f"2025-{8 + number % 4:02}-03",
        "model": "m-1",
    }
    return {**dict.fromkeys(fields(LABELS)), **values, **given}


def write(path, rows):
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path
