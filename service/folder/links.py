"""Names of documents in rows -> links from the report."""

import os
import re
from pathlib import Path
from urllib.parse import quote

_ROW = re.compile(r":\d+$")
_SHOWN = (".txt", ".text", ".md", ".html", ".htm")
"""What a browser opens as a page of text, so that it can scroll to the words."""


class Links:
    """Links to documents.

    Args:
        documents: the folder or http(s) URL that the names are relative to, or None to look for them beside the
            results and in the present folder.
        results: the file of the rows.
        out: the page that links.
    """

    def __init__(self, documents: str | None, results: Path, out: Path) -> None:
        self._url = documents.rstrip("/") + "/" if documents and documents.startswith(("http://", "https://")) else None
        self._folders = [Path(documents)] if documents else [results.parent, Path()]
        self._from = out.parent.absolute()

    def to(self, document: str, words: str = "") -> str | None:
        """Return a link to a document, at the place of some words where a browser can find them; None if it is gone."""
        name = _ROW.sub("", document)
        if self._url:
            return self._url + quote(name)
        for folder in self._folders:
            path = folder / name
            for candidate in (path, *path.parents):  # a member of a zip is reached through the zip
                if candidate.is_dir():
                    break
                if candidate.is_file():
                    shown = candidate == path and candidate.suffix.lower() in _SHOWN
                    relative = os.path.relpath(candidate.absolute(), self._from)
                    return quote(Path(relative).as_posix()) + (self._words(words) if shown else "")
        return None

    @staticmethod
    def _words(words: str) -> str:
        start = " ".join(words.split()[:6])
        return f"#:~:text={quote(start, safe='')}" if start else ""
