"""What is to be read: the files under a path or a URL, with what tells later whether one has changed."""

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from model.errors import DocumentError
from service.folder.readers import READERS
from service.folder.tables import TABLES

ENDINGS = (*READERS, *TABLES, ".zip")


@dataclass(frozen=True, slots=True)
class Found:
    """One file.

    Args:
        name: relative to the root, with forward slashes; what rows call the document.
        location: a path or a URL that opens it.
        size: bytes.
        stamp: changes when the file does: the time of change in nanoseconds, or what a remote store offers.
        problem: why it cannot be read, or None.
    """

    name: str
    location: str
    size: int = 0
    stamp: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files count.

    Args:
        include: globs; a file must match one of them (any file, where there is none). `*` also matches `/`; a glob
            without `/` is held against the file's name alone.
        exclude: globs; a file must match none.
        skip: absolute paths never read: the files that the run itself writes.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    skip: Collection[str] = field(default_factory=frozenset)

    def takes(self, name: str) -> bool:
        """Whether a file counts."""
        if any(part.startswith(".") for part in PurePosixPath(name).parts):
            return False
        if self.include and not any(_matches(name, glob) for glob in self.include):
            return False
        return not any(_matches(name, glob) for glob in self.exclude)


def _matches(name: str, glob: str) -> bool:
    return fnmatchcase(name if "/" in glob else name.rpartition("/")[2], glob.removeprefix("./"))


def is_url(root: str) -> bool:
    """Whether a root is an fsspec URL rather than a path."""
    return "://" in root


def list_files(root: str, selection: Selection, left_out: Counter[str] | None = None) -> Iterator[Found]:
    """Yield the files under a root, in no particular order and in flat memory.

    Args:
        root: a file, a folder (searched with its subfolders, hidden ones left out), or an fsspec URL of either.
        selection: which files count.
        left_out: gets ending -> files that have no reader.

    Raises:
        DocumentError: there is no such file or folder.
    """
    counts: Counter[str] = Counter() if left_out is None else left_out
    for found in _list_url(root, selection) if is_url(root) else _list_path(root, selection):
        ending = ending_of(found.name)
        if ending in ENDINGS or selection.include or found.problem:
            yield found
        else:
            counts[ending or "(none)"] += 1


def ending_of(name: str) -> str:
    """Return the ending that chooses the reader."""
    return PurePosixPath(name).suffix.lower()


def _list_path(root: str, selection: Selection) -> Iterator[Found]:
    if Path(root).is_dir():
        yield from _walk(root, "", selection, (_identity(os.stat(root)),))  # noqa: PTH116
        return
    if not os.path.lexists(root):
        raise DocumentError(f"there is no file or folder {root}")
    name = _shown(Path(root).name)
    if ending_of(name) not in ENDINGS:
        raise DocumentError(f"{root} has no ending that can be read ({', '.join(ENDINGS)})")
    yield _file(name, str(Path(root).absolute()))


def _walk(folder: str, prefix: str, selection: Selection, above: tuple[tuple[int, int], ...]) -> Iterator[Found]:
    try:
        entries = os.scandir(folder)
    except OSError as error:
        yield Found(prefix.rstrip("/") or folder, folder, problem=f"the folder cannot be read: {error.strerror}")
        return
    folders: list[tuple[str, str]] = []
    with entries:
        for entry in entries:
            name = prefix + _shown(entry.name)
            if entry.name.startswith("."):
                continue
            try:
                is_folder = entry.is_dir()
            except OSError:
                is_folder = False
            if is_folder:
                folders.append((name, entry.path))
            elif selection.takes(name):
                path = str(Path(entry.path).absolute())
                if path not in selection.skip:
                    yield _file(name, path)
    for name, path in folders:
        try:
            identity = _identity(os.stat(path))  # noqa: PTH116
        except OSError as error:
            yield Found(name, path, problem=f"the folder cannot be read: {error.strerror}")
            continue
        if identity in above:
            yield Found(name, path, problem="it is a link to a folder that contains it: a loop, not followed")
        else:
            yield from _walk(path, name + "/", selection, (*above, identity))


def _file(name: str, path: str) -> Found:
    try:
        info = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return Found(name, path, problem=f"it cannot be read: {error.strerror or error}")
    if not stat.S_ISREG(info.st_mode):
        return Found(name, path, problem="it is no regular file")
    return Found(name, path, info.st_size, str(info.st_mtime_ns))


def _identity(info: os.stat_result) -> tuple[int, int]:
    return info.st_dev, info.st_ino


def _shown(name: str) -> str:
    """Return a file name as text, whatever bytes it is made of."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _list_url(root: str, selection: Selection) -> Iterator[Found]:
    import fsspec

    try:
        files, path = fsspec.core.url_to_fs(root)
        single = files.isfile(path)
        listed = {path: files.info(path)} if single else files.find(path, detail=True)
    except Exception as error:  # each store raises its own
        raise DocumentError(f"{root} cannot be listed: {error}") from error
    if not listed:
        raise DocumentError(f"there is no file or folder {root}")
    for location, info in listed.items():
        name = PurePosixPath(location).name if single else location.removeprefix(path).lstrip("/")
        if selection.takes(name):
            stamps = (info.get(key) for key in ("etag", "ETag", "mtime", "LastModified", "updated", "created"))
            stamp = next((str(value) for value in stamps if value), "")
            yield Found(name, files.unstrip_protocol(location), int(info.get("size") or 0), stamp)


def open_location(location: str) -> BinaryIO:
    """Open a file by path or URL for reading.

    Raises:
        OSError: it cannot be opened.
    """
    if is_url(location):
        import fsspec

        return fsspec.open(location, "rb").open()  # type: ignore[no-any-return]
    return Path(location).open("rb")
