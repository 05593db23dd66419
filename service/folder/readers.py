"""One file's bytes -> an article. A reader is a function, registered by file ending.

A reader of your own: `READERS[".rtf"] = Reader(read_rtf, limit)`. Formats that hold many documents are in `tables` and
`archives`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from model.errors import DocumentError
from service.folder.html import Article, article_of_html
from service.folder.markdown import article_of_markdown
from service.folder.office import read_docx, read_pdf
from service.folder.text import decode

MEGABYTE = 1 << 20
MAX_TEXT = 8 * MEGABYTE
"""Most characters of one document; a long novel has three million."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How a format is read.

    Args:
        read: bytes of a file -> article; raises DocumentError.
        limit: most bytes of a file.
    """

    read: Callable[[bytes], Article]
    limit: int


def read_text(raw: bytes) -> Article:
    """Read plain text as it stands."""
    return Article(decode(raw))


def read_markdown(raw: bytes) -> Article:
    """Read the text of a Markdown document, without front matter and marks."""
    return article_of_markdown(decode(raw))


def read_html(raw: bytes) -> Article:
    """Read the main text of an HTML page."""
    return article_of_html(decode(raw, markup=True))


READERS: dict[str, Reader] = {
    ".txt": Reader(read_text, MAX_TEXT),
    ".text": Reader(read_text, MAX_TEXT),
    ".md": Reader(read_markdown, MAX_TEXT),
    ".markdown": Reader(read_markdown, MAX_TEXT),
    ".html": Reader(read_html, MAX_TEXT),
    ".htm": Reader(read_html, MAX_TEXT),
    ".pdf": Reader(read_pdf, 100 * MEGABYTE),
    ".docx": Reader(read_docx, 100 * MEGABYTE),
}


def read_document(raw: bytes, ending: str) -> Article:
    """Read one document with the reader of its ending; an ending without a reader is read as plain text.

    Raises:
        DocumentError: it cannot be read, or is too large.
    """
    reader = READERS.get(ending, READERS[".txt"])
    check_size(len(raw), reader.limit)
    article = reader.read(raw)
    check_size(len(article.text), MAX_TEXT)
    return article


def check_size(size: int, limit: int) -> None:
    """Refuse what is over a limit.

    Raises:
        DocumentError: see above.
    """
    if size > limit:
        raise DocumentError(f"it has {size / 1e6:.0f} MB; one document may have {limit / 1e6:.0f} MB")
