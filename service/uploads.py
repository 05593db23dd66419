"""Files that the page sends -> documents, by the readers of folder scoring.

PDFs, office files and archives are read in a process of their own: some never end, or grow without bound, and no file
may take the service with it. As a program, this reads a file from standard input and prints its documents as JSON.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from model.apart import own_program
from model.errors import DocumentError
from service.folder.html import Article
from service.folder.listing import ENDINGS, Found, ending_of
from service.folder.parcels import TABLE_ENDINGS, Item, items_of
from service.folder.readers import read_document

APART = (".pdf", ".docx", ".zip")
MARKDOWN_APART = 1 << 18
"""From so many bytes on Markdown is read apart as well: brackets without end take a second for each 20 KB."""
MAX_DOCUMENTS = 1_000
MAX_CHARACTERS = 20_000_000
"""Most documents and most text of one file: what a page can show. Larger files are for `stance score`."""
MAX_MEMORY = 2 << 30


@dataclass(frozen=True, slots=True)
class Upload:
    """One document of a file that was sent, or why it cannot be read.

    Args:
        name: the file's name, as the page gave it, and the document's place in it.
        text: None where it cannot be read.
        title: headline, or None.
        date: ISO 8601 day, or None.
        source: site or publication, or None.
        problem: why it cannot be read, or None.
    """

    name: str
    text: str | None = None
    title: str | None = None
    date: str | None = None
    source: str | None = None
    problem: str | None = None


class UploadReader:
    """Reads uploads, the dangerous formats two at a time.

    Args:
        timeout_s: how long a file may take that is read apart.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._places = asyncio.Semaphore(2)

    async def read(self, name: str, raw: bytes) -> list[Upload]:
        """Read the documents of one file.

        Args:
            name: its name; only the ending matters, and no path is made of the rest.
            raw: its bytes.
        """
        ending = ending_of(name)
        if ending not in ENDINGS:
            known = ", ".join(ENDINGS)
            return [Upload(name, problem=f"{ending or 'a name without an ending'} cannot be read ({known})")]
        heavy = ending in (".md", ".markdown") and len(raw) >= MARKDOWN_APART
        if ending not in APART and not heavy:
            return await asyncio.to_thread(lambda: list(read_documents(name, ending, raw)))
        async with self._places:
            return await self._read_apart(name, ending, raw)

    async def _read_apart(self, name: str, ending: str, raw: bytes) -> list[Upload]:
        command, environment = own_program("service.uploads", ending)
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
        try:
            printed, _ = await asyncio.wait_for(process.communicate(raw), self._timeout_s)
        except TimeoutError:
            return [Upload(name, problem=f"it took over {self._timeout_s:g} s to read")]
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            return [Upload(name, problem="it broke the program that reads it: too large, or damaged")]
        return [Upload(**{**item, "name": name + item["name"]}) for item in json.loads(printed)]


def read_documents(name: str, ending: str, raw: bytes) -> Iterator[Upload]:
    """Yield the documents of a file, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        items: Iterator[Item] | Sequence[Item] = [Item(name, ending, content=raw)]
        if ending in TABLE_ENDINGS:
            path = Path(folder, f"file{ending}")
            path.write_bytes(raw)
            items = items_of(Found(name, str(path), len(raw)), None)
        left = MAX_CHARACTERS
        for number, item in enumerate(items):
            upload = _upload(item)
            left -= len(upload.text or "")
            if number >= MAX_DOCUMENTS or left < 0:
                yield Upload(
                    name, problem="it holds more than a page can show; the rest was left out: use stance score"
                )
                return
            yield upload


def _upload(item: Item) -> Upload:
    try:
        if item.problem is not None or item.content is None:
            return Upload(item.name, problem=item.problem or "it is empty")
        article = item.content if isinstance(item.content, Article) else read_document(item.content, item.ending)
    except DocumentError as error:
        return Upload(item.name, problem=str(error))
    return Upload(item.name, *(_clean(v) for v in (article.text, article.title, article.date, article.source)))


def _clean(value: str | None) -> str | None:
    """Replace half surrogate pairs, which PDF and JSON can smuggle in and no tokenizer takes."""
    return value and value.encode("utf-8", "replace").decode()


def _main(ending: str) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    name = f"file{ending}"
    found = [asdict(upload) for upload in read_documents(name, ending, sys.stdin.buffer.read())]
    sys.stdout.write(json.dumps([{**item, "name": item["name"].removeprefix(name)} for item in found]))


if __name__ == "__main__":
    _main(sys.argv[1])
