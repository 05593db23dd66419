"""Documents of rows -> links from the report."""

import os
import re
from pathlib import Path
from urllib.parse import quote

_ROW = re.compile(r":\d+$")
WEB = ("http://", "https://")
_SHOWN = (".txt", ".text", ".md", ".markdown", ".html", ".htm")
"""What a browser opens as a page of text, so that it can scroll to the words."""


def file_of(document: str) -> str:
    """Return the file of a document: the table, where its name ends in the number of a row."""
    return _ROW.sub("", document)


class Links:
    """Links to documents.

    Rows do not tell which folder was scored. Where nobody names it there is no link: a file of the same name elsewhere
    may be another document.

    Args:
        documents: the folder or http(s) URL that the names are relative to, or None.
        out: the page that links.
    """

    def __init__(self, documents: str | None, out: Path) -> None:
        self._url = documents.rstrip("/") + "/" if documents and documents.startswith(WEB) else None
        self._folder = Path(documents) if documents and not self._url else None
        self._from = out.parent.absolute()

    def to(self, document: str, words: str = "") -> str | None:
        """Return a link to a document; None where it is not known or gone.

        Args:
            document: its name in the rows.
            words: the link leads to their place where a browser can find them.
        """
        name = file_of(document)
        if self._url:
            return self._url + quote(name)
        return self._file(self._folder / name, words) if self._folder else None

    def _file(self, path: Path, words: str) -> str | None:
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
