"""Refuses bodies that are too large or of the wrong type, before anything reads them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http_errors import CODES, problem


class BodyLimit:
    """ASGI middleware: 413 once a request's body passes a size, 415 for a body that is no JSON.

    Args:
        app: the app behind it.
        max_bytes: largest body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem document."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if media_type != b"application/json" and not media_type.endswith(b"+json"):
            shown = media_type.decode("latin-1") or "none"
            await problem(415, CODES[415], f"send application/json, not {shown}")(scope, receive, send)
            return
        too_large = problem(413, CODES[413], f"the body is over {self._max:,} bytes")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._max:
            await too_large(scope, receive, send)
            return
        body, messages = 0, []
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has gone
            body += len(message.get("body", b""))
            if body > self._max:
                await too_large(scope, receive, send)
                return
            messages.append(message)
            if not message.get("more_body", False):
                break
        replay = iter(messages)

        async def again() -> Message:
            return next(replay, None) or await receive()

        await self._app(scope, again, send)
