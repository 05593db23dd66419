"""Files that the page sends -> documents, by the readers of folder scoring."""

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from model.errors import DocumentError
from service.folder.html import Article
from service.folder.readers import READERS, read_document


@dataclass(frozen=True, slots=True)
class Upload:
    """One document of a file that was sent, or why it cannot be read.

    Args:
        name: the file's name, as the page gave it.
        article: the text with its title, date and source; None where it cannot be read.
        problem: why not.
    """

    name: str
    article: Article | None = None
    problem: str | None = None


def read_upload(name: str, raw: bytes) -> list[Upload]:
    """Read the documents of one file.

    Args:
        name: its name; only the ending matters, and no path is made of the rest.
        raw: its bytes.
    """
    ending = PurePosixPath(name).suffix.lower()
    if ending not in READERS:
        return [Upload(name, problem=f"{ending or 'a name without an ending'} cannot be read ({', '.join(READERS)})")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"document{ending}")
        path.write_bytes(raw)
        try:
            return [Upload(name, read_document(path))]
        except DocumentError as error:
            return [Upload(name, problem=str(error))]
