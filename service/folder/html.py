"""HTML -> the article's text with title, date and site, by trafilatura."""

from dataclasses import dataclass
from typing import Any

from model.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Article:
    """A document's text and what its format tells about it.

    Args:
        text: what spans count in.
        title: headline, or None.
        date: ISO 8601 day, or None.
        source: site or publication, or None.
    """

    text: str
    title: str | None = None
    date: str | None = None
    source: str | None = None


def article_of_html(html: str, url: str | None = None) -> Article:
    """Extract the main text of a page.

    Args:
        html: the page.
        url: where it was published, for the site's name; never fetched.

    Raises:
        DocumentError: no article text was found, or a library for HTML is missing.
    """
    try:
        import trafilatura  # takes half a second to import
    except ImportError as error:
        raise DocumentError(
            "HTML cannot be read, since a library is missing (pip install trafilatura lxml_html_clean): "
            + " ".join(str(error).split())
        ) from error
    try:
        found: Any = trafilatura.bare_extraction(
            html, url=url, include_comments=False, include_tables=False, favor_recall=True, with_metadata=True
        )
    except Exception as error:
        raise DocumentError(f"the HTML could not be read: {error}") from error
    text = found and found.text
    if not text or not text.strip():
        raise DocumentError("the HTML holds no article text")
    return Article(text, found.title or None, found.date or None, found.sitename or found.hostname or None)
