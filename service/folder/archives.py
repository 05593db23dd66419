"""Zip archives -> their members, never unpacked to disk, each guarded against bombs."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from model.errors import DocumentError
from service.folder.readers import READERS, check_size
from service.folder.tables import TABLES

MAX_RATIO = 200
"""Text shrinks to a tenth or so; what shrinks far more was made to fill a disk."""
RATIO_FROM = 1 << 20
MAX_TABLE = 8 << 30
MAX_MEMBERS = 2_000_000


def zip_members(stream: BinaryIO) -> Iterator[tuple[str, bytes | BinaryIO | DocumentError]]:
    """Yield the readable members of a zip: documents as bytes, tables as open streams, what cannot be read as an error.

    Raises:
        DocumentError: it is no zip, or holds nothing that can be read.
    """
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DocumentError(f"the zip is broken: {error}") from error
    with archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise DocumentError(f"the zip holds {len(members):,} members; one may hold {MAX_MEMBERS:,}")
        readable = False
        for member in members:
            path = PurePosixPath(member.filename)
            if member.is_dir() or any(part.startswith((".", "__MACOSX")) for part in path.parts):
                continue
            ending = path.suffix.lower()
            if ending == ".zip":
                yield member.filename, DocumentError("it is a zip within a zip: unpack the outer one")
            elif ending in READERS or ending in TABLES:
                try:
                    yield member.filename, _open(archive, member, ending)
                except DocumentError as error:
                    yield member.filename, error
            else:
                continue
            readable = True
    if not readable:
        raise DocumentError("the zip holds no file with an ending that can be read")


def _open(archive: zipfile.ZipFile, member: zipfile.ZipInfo, ending: str) -> bytes | BinaryIO:
    if member.flag_bits & 1:
        raise DocumentError("it needs a password: unpack the zip first")
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > RATIO_FROM and ratio > MAX_RATIO:
        raise DocumentError(f"it would unpack to {ratio:.0f} times its size: a zip bomb")
    try:
        if ending in TABLES:
            check_size(member.file_size, MAX_TABLE)
            return archive.open(member)  # type: ignore[return-value]  # ZipExtFile reads and seeks like a file
        limit = READERS[ending].limit
        check_size(member.file_size, limit)
        with archive.open(member) as stream:
            raw = stream.read(limit + 1)  # the sizes in the directory may lie
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise DocumentError(f"the zip is broken here: {error}") from error
    check_size(len(raw), limit)
    return raw
