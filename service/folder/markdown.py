"""Markdown -> the article's text without marks, by markdown-it. Spans count in the text extracted here."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from model.errors import DocumentError
from service.folder.dates import iso_day
from service.folder.html import Article

if TYPE_CHECKING:
    from markdown_it.token import Token

_PIECE = 1 << 18
"""About how many characters are parsed at a time: tokens take up to five hundred times the memory of their text."""
_NESTING = 100
"""How deep lists and block quotes may nest; what lies deeper is not read."""
_FRONT_MATTER = re.compile(r"\A---[^\S\n]*\n(?=[\w-]+[^\S\n]*:)(.{0,20000}?)\n---[^\S\n]*(?:\n|\Z)", re.DOTALL)
_FRONT_LINE = re.compile(r"""["']?[\w.-]+["']?[^\S\n]*:|\s|-\s|#|\Z""")
"""What a line of front matter looks like; between two thematic breaks stands the document's text."""
_BREAK = re.compile(r"<br\b", re.IGNORECASE)
_FIELD = re.compile(r"""^(title|date|source)\s*:\s*["']?(.*?)["']?\s*$""", re.MULTILINE | re.IGNORECASE)
_ITEM = ["bullet_list_open", "list_item_open", "paragraph_open", "inline"]
_ITEM_END = ["paragraph_close", "list_item_close", "bullet_list_close"]


def article_of_markdown(text: str) -> Article:
    """Extract the text of a Markdown document, a paragraph a block: marks and targets of links are left out.

    Title, date and source come from the front matter, or the title from the first heading.

    Raises:
        DocumentError: it holds no text, or cannot be read.
    """
    from markdown_it import MarkdownIt

    text = re.sub(r"\r\n?", "\n", text)
    front = _FRONT_MATTER.match(text)
    if front and not all(map(_FRONT_LINE.match, front[1].split("\n"))):
        front = None
    fields = {key.lower(): value for key, value in _FIELD.findall(front[1])} if front else {}
    parser = MarkdownIt("commonmark", {"maxNesting": _NESTING})
    title = fields.get("title") or None
    blocks: list[str] = []
    links: dict[str, Any] = {}
    for piece in _pieces(text, front.end() if front else 0):
        try:
            tokens = parser.parse(piece, links)
        except Exception as error:
            raise DocumentError(f"the Markdown could not be read: {error}") from error
        blocks += [block for at in range(len(tokens)) if (block := _block(tokens, at)).strip()]
        title = title or _heading(tokens)
    if not blocks:
        raise DocumentError("the Markdown holds no text")
    return Article("\n\n".join(blocks) + "\n", title, iso_day(fields.get("date")), fields.get("source") or None)


def _pieces(text: str, at: int) -> Iterator[str]:
    """Cut a very long text between paragraphs, or between lines where it has none."""
    while at < len(text):
        least = at + _PIECE
        cut = text.find("\n\n", least, least + _PIECE)
        cut = cut if cut >= 0 else text.find("\n", least)
        cut = cut if cut >= 0 else len(text)
        yield text[at:cut]
        at = cut


def _block(tokens: "list[Token]", at: int) -> str:
    """Return the text of a block; none for a token that only opens or closes one."""
    token = tokens[at]
    if token.type in ("code_block", "fence", "html_block"):
        return token.content.rstrip("\n")
    if token.type != "inline":
        return ""
    around = [t.type for t in tokens[max(0, at - 3) : at + 1]], [t.type for t in tokens[at + 1 : at + 4]]
    # A list of one is the signature below a quote: "- Anna Berg".
    signed = around == (_ITEM, _ITEM_END) and tokens[at - 3].markup == "-"
    return ("- " if signed else "") + _words(token)


def _words(inline: "Token") -> str:
    """Return the text of a block's words, without emphasis, without where links lead, and without tags."""
    breaks = {"softbreak": "\n", "hardbreak": "\n", "html_inline": ""}
    return "".join(
        "\n" if child.type == "html_inline" and _BREAK.match(child.content) else breaks.get(child.type, child.content)
        for child in inline.children or []
    )


def _heading(tokens: "list[Token]") -> str | None:
    """Return the first heading of the highest level."""
    found = (_words(tokens[at + 1]) for at, t in enumerate(tokens) if t.tag == "h1" and t.nesting == 1)
    return " ".join(next(found, "").split()) or None
