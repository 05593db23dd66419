"""Refuses requests that cannot be answered, and bodies that are too large, too slow or of the wrong type."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Collection, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.batching import Overloaded
from service.http_errors import CODES, overloaded_problem, problem

QUEUED_PATHS = frozenset({"/classify", "/classify/batch", "/articles"})
_JSON = re.compile(rb"application/([^/\s]+\+)?json")
DRAINED = 10
"""How many times the largest body is read, and thrown away, before a client is told that its body is too large."""
PATIENCE_S = 1.0
"""How long that waits for more."""
ROUTE = "stance.route"
"""Where in a request's scope its path is noted when it never gets to the router."""


class Shed:
    """ASGI middleware: 429 for a request that needs the queue while that is full, before its body is looked at.

    Under overload most requests are refused, so a refusal must cost next to nothing.

    Args:
        app: the app behind it.
        full_for_s: seconds after which to try again, or None where there is room.
    """

    def __init__(self, app: ASGIApp, full_for_s: Callable[[], float | None]) -> None:
        self._app, self._full_for_s = app, full_for_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem document."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in QUEUED_PATHS:
            wait_s = self._full_for_s()
            if wait_s is not None:
                scope[ROUTE] = scope["path"]
                await overloaded_problem(Overloaded(wait_s))(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """ASGI middleware: 413 once a request's body passes a size, 408 when it is slow, 415 for a body that is no JSON.

    Args:
        app: the app behind it; sees a request only when its body is complete.
        max_bytes: largest body.
        timeout_s: longest time from the headers to the end of the body.
        uploads: path -> media types that it takes instead of JSON.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, timeout_s: float, uploads: Mapping[str, Collection[str]] | None = None
    ) -> None:
        self._app, self._max, self._timeout_s = app, max_bytes, timeout_s
        self._uploads = uploads or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem document."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        wanted = self._uploads.get(scope["path"])
        shown = media_type.decode("latin-1") or "none"
        if wanted is None and not _JSON.fullmatch(media_type):
            await problem(415, CODES[415], f"send application/json, not {shown}")(scope, receive, send)
            return
        if wanted is not None and shown not in wanted:
            await problem(415, CODES[415], f"send {' or '.join(sorted(wanted))}, not {shown}")(scope, receive, send)
            return
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._max:
            await self._too_large(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                messages = await self._read(receive)
        except TimeoutError:
            detail = f"the body did not arrive within {self._timeout_s:g} s"
            await problem(408, CODES[408], detail, headers={"Connection": "close"})(scope, receive, send)
            return
        if messages is None:
            await self._too_large(scope, receive, send)
            return
        if not messages:
            return  # the client has gone
        replay = iter(messages)

        async def again() -> Message:
            return next(replay, None) or await receive()

        await self._app(scope, again, send)

    async def _read(self, receive: Receive) -> list[Message] | None:
        """Return the messages of the whole body; none when the client has gone, None when it is too large."""
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return []
            size += len(message.get("body", b""))
            if size > self._max:
                return None
            messages.append(message)
            if not message.get("more_body", False):
                return messages

    async def _too_large(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413; clients that read no answer before they have sent everything would only see the door slammed."""
        if not any(name == b"expect" for name, _ in scope["headers"]):
            await self._drain(receive)
        detail = f"the body is over {self._max:,} bytes"
        await problem(413, CODES[413], detail, headers={"Connection": "close"})(scope, receive, send)

    async def _drain(self, receive: Receive) -> None:
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                while size <= DRAINED * self._max:
                    message = await asyncio.wait_for(receive(), PATIENCE_S)
                    size += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
