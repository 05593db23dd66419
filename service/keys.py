"""API keys: made here, kept as SHA-256 only, compared in constant time.

A key has 256 random bits, so that a plain hash of it cannot be searched back, and no salt is needed.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from model.errors import DataError
from service.http_errors import CODES, problem

OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"})
"""What needs no key: the page and its parts, health, metrics, documentation."""
OPEN_FOLDERS = ("/static/", "/docs/")
ADMIN_FOLDERS = ("/admin/", "/training")

_HASH = re.compile(r"[0-9a-f]{64}")


def new_key() -> tuple[str, str]:
    """Return a fresh key, and the hash of it that the service is given."""
    key = secrets.token_urlsafe(32)
    return key, hash_of(key)


def hash_of(key: str) -> str:
    """Return the SHA-256 of a key, in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The hashes of the keys that open something."""

    hashes: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def opens(self, key: str) -> bool:
        """Tell whether a key is one of them; takes as long for a wrong key as for a right one."""
        given = hash_of(key)
        found = [hmac.compare_digest(given, known) for known in self.hashes]
        return any(found)

    @classmethod
    def load(cls, listed: str, file: Path | None) -> "KeyRing":
        """Read hashes from a comma-separated list and a file with one a line.

        Raises:
            DataError: the file cannot be read, or something is no SHA-256.
        """
        named: list[tuple[str, str]] = [("the setting", part) for part in listed.split(",")]
        if file is not None:
            try:
                lines = file.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise DataError(f"the key file {file} cannot be read: {error}") from error
            named += [(f"{file}, line {number}", line) for number, line in enumerate(lines, start=1)]
        return cls(tuple(_checked(named)))


def _checked(named: Iterable[tuple[str, str]]) -> Iterable[str]:
    for where, text in named:
        value = text.split("#")[0].strip().lower().removeprefix("sha256:")
        if value and not _HASH.fullmatch(value):
            raise DataError(
                f"{where}: a key is given by its SHA-256, 64 hexadecimal digits; make one with 'stance key'"
            )
        if value:
            yield value


class KeyCheck:
    """ASGI middleware: 401 without a key that opens the path.

    The key comes as `Authorization: Bearer KEY` or `X-API-Key: KEY`. An admin key opens everything; without admin
    keys, what lies under `/admin/` and `/training` is closed to everybody (403).

    Args:
        app: the app behind it.
        callers: keys of callers; empty lets anybody call.
        admins: keys of administrators.
    """

    def __init__(self, app: ASGIApp, callers: KeyRing, admins: KeyRing) -> None:
        self._app, self._callers, self._admins = app, callers, admins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem document."""
        if scope["type"] != "http" or is_let_in(scope, self._callers, self._admins):
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith(ADMIN_FOLDERS) and not self._admins:
            refusal = problem(403, CODES[403], "no admin key is configured: /admin and /training are closed")
            await refusal(scope, receive, send)
            return
        detail = "send a key as 'Authorization: Bearer KEY'" if _key_of(scope) is None else "the key is not known"
        await problem(401, CODES[401], detail, headers={"WWW-Authenticate": "Bearer"})(scope, receive, send)


def is_let_in(scope: Scope, callers: KeyRing, admins: KeyRing) -> bool:
    """Tell whether a request needs no key, or has one that opens its path (see `KeyCheck`)."""
    path = scope["path"]
    admin = path.startswith(ADMIN_FOLDERS)
    if not admin and (not callers or path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)):
        return True
    key = _key_of(scope)
    return key is not None and (admins.opens(key) or (not admin and callers.opens(key)))


def _key_of(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return str(value.decode("latin-1"))
        if name == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer":
                return str(key.strip())
    return None
