"""Files -> articles. A reader is a function from a path to an `Article`, registered by file ending."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from model.errors import DocumentError
from service.folder.html import Article, article_of_html

Reader = Callable[[Path], Article]


def decode(path: Path) -> str:
    """Read a file as UTF-8, with or without BOM; line ends stay as they are, so that spans fit the file.

    Raises:
        DocumentError: the file cannot be read, is empty, or is not UTF-8.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path.name} cannot be read: {error.strerror or error}") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"{path.name} is not UTF-8 (byte {error.start} is 0x{raw[error.start]:02x}): convert it, or check that it "
            "is a text file"
        ) from error
    if "\0" in text:
        raise DocumentError(f"{path.name} is not a text file: it holds a NUL character")
    if not text.strip():
        raise DocumentError(f"{path.name} is empty")
    return text


def read_text(path: Path) -> Article:
    """Read plain text or Markdown as it stands."""
    return Article(decode(path))


def read_html(path: Path) -> Article:
    """Read the main text of an HTML page."""
    return article_of_html(decode(path))


READERS: Mapping[str, Reader] = {
    ".txt": read_text,
    ".text": read_text,
    ".md": read_text,
    ".html": read_html,
    ".htm": read_html,
}


def find_documents(path: Path) -> list[tuple[str, Path]]:
    """List the readable files under a path.

    Args:
        path: a file, or a folder that is searched with all its subfolders.

    Returns:
        (name, path) sorted by name; the name is the path relative to the folder, with forward slashes.

    Raises:
        DocumentError: no such path, or nothing in it has an ending that can be read.
    """
    if path.is_file():
        if path.suffix.lower() not in READERS:
            raise DocumentError(f"{path} has no ending that can be read ({', '.join(READERS)})")
        return [(path.name, path)]
    if not path.is_dir():
        raise DocumentError(f"there is no file or folder {path}")
    found = sorted((file.relative_to(path).as_posix(), file) for file in _walk(path) if file.suffix.lower() in READERS)
    if not found:
        raise DocumentError(f"{path} holds no file with an ending that can be read ({', '.join(READERS)})")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, hidden ones left out; links to folders are not followed."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in files if not name.startswith("."))


def read_document(path: Path) -> Article:
    """Read one file with the reader of its ending.

    Raises:
        DocumentError: the file cannot be read as a document.
    """
    return READERS[path.suffix.lower()](path)
