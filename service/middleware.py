"""What surrounds every request: its id, the security headers, Server-Timing, the access log, the metrics."""

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http_errors import CODES, unknown_problem
from service.limits import ROUTE
from service.metrics import Metrics

log = logging.getLogger(__name__)
access = logging.getLogger("service.access")

TIMINGS = "stance.timings"
"""Where in a request's scope its stages are noted: name -> milliseconds."""

_PROBED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: not logged."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_COMMON = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_HEADERS = (*_COMMON, (b"content-security-policy", _POLICY.encode()))
_DOCS_HEADERS = (*_COMMON, (b"content-security-policy", _DOCS_POLICY.encode()))
_UNCACHED = ("/classify", "/articles", "/model", "/admin", "/training", "/healthz", "/readyz", "/metrics")


class Frame:
    """ASGI middleware; the outermost.

    Args:
        app: the app behind it.
        metrics: counts the requests.
        draining: whether connections should be given up after their answer.
        access_log: whether to write a line for each request. No line ever holds a text.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, draining: Callable[[], bool], access_log: bool = True) -> None:
        self._app, self._metrics, self._draining, self._access_log = app, metrics, draining, access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an unforeseen error becomes a 500 whose details only the log has."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        timings: dict[str, float] = {}
        scope[TIMINGS] = timings
        status = 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                timings["total"] = 1000 * (time.perf_counter() - started)
                headers = message["headers"] = list(message.get("headers", ()))
                self._dress(headers, scope["path"], request_id, timings)
            await send(message)

        try:
            await self._app(scope, receive, framed)
        except Exception:
            log.exception("unexpected error", extra={"request_id": request_id, "path": scope["path"]})
            if status:
                raise  # half an answer is out: the connection must break
            await unknown_problem()(scope, receive, framed)
        took_s = time.perf_counter() - started
        self._count(scope, status, took_s)
        if self._access_log and scope["path"] not in _PROBED:
            fields = {
                "request_id": request_id,
                "client": (scope.get("client") or ("-",))[0],
                "method": scope["method"],
                "path": scope["path"],
                "status": status or 499,
                "ms": round(1000 * took_s, 2),
                **{f"{name}_ms": round(value, 2) for name, value in timings.items() if name != "total"},
            }
            access.info("request", extra=fields)

    def _dress(self, headers: list[tuple[bytes, bytes]], path: str, request_id: str, timings: dict[str, float]) -> None:
        headers.extend(_DOCS_HEADERS if path == "/docs" else _HEADERS)
        headers.append((b"x-request-id", request_id.encode()))
        headers.append((b"server-timing", ", ".join(f"{k};dur={v:.2f}" for k, v in timings.items()).encode()))
        if path.startswith(_UNCACHED):
            headers.append((b"cache-control", b"no-store"))
        if self._draining() and not any(name == b"connection" for name, _ in headers):
            headers.append((b"connection", b"close"))

    def _count(self, scope: Scope, status: int, took_s: float) -> None:
        route = str(getattr(scope.get("route"), "path", scope.get(ROUTE, "other")))
        self._metrics.request(route, status or 499, took_s)
        if status >= 400 and scope["path"] not in _PROBED:
            self._metrics.rejected.labels(CODES.get(status, "other")).inc()


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _REQUEST_ID.fullmatch(given):
                return str(given)
    return secrets.token_hex(8)


def note(scope: Any, name: str, seconds: float) -> None:
    """Note how long a stage of a request took."""
    timings = scope.get(TIMINGS)
    if timings is not None:
        timings[name] = 1000 * seconds
