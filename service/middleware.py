"""What surrounds every request: its id, the security headers, Server-Timing, the access log, the metrics."""

import logging
import random
import re
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


class Ledger:
    """What is said of every request: the headers of its answer, its counts, and its line in the log.

    Args:
        metrics: counts the requests.
        draining: whether connections should be given up after their answer.
        access_log: whether to write a line for each request. No line ever holds a text.
    """

    def __init__(self, metrics: Metrics, draining: Callable[[], bool], access_log: bool = True) -> None:
        self._metrics, self.draining, self._access_log = metrics, draining, access_log

    def dress(self, headers: list[tuple[bytes, bytes]], path: str, request_id: str, timings: dict[str, float]) -> None:
        """Add to the headers of an answer.

        Args:
            headers: of the app; changed in place.
            path: of the request.
            request_id: see `request_id_of`.
            timings: name of a stage -> milliseconds.
        """
        headers.extend(_DOCS_HEADERS if path == "/docs" else _HEADERS)
        headers.append((b"x-request-id", request_id.encode()))
        headers.append((b"server-timing", ", ".join(f"{k};dur={v:.2f}" for k, v in timings.items()).encode()))
        if path.startswith(_UNCACHED):
            headers.append((b"cache-control", b"no-store"))
        if self.draining() and not any(name == b"connection" for name, _ in headers):
            headers.append((b"connection", b"close"))

    def enter(self, scope: Scope, request_id: str, status: int, took_s: float, timings: dict[str, float]) -> None:
        """Count a request that was answered, and write its line.

        Args:
            scope: of the request.
            request_id: as in its answer.
            status: of its answer; 0 where nobody waited for one.
            took_s: until the end of the answer.
            timings: name of a stage -> milliseconds.
        """
        path = scope["path"]
        route = str(getattr(scope.get("route"), "path", scope.get(ROUTE, "other")))
        self._metrics.request(route, status or 499, took_s)
        if path in _PROBED:
            return
        if status >= 400:
            self._metrics.refused(CODES.get(status, "other"))
        if self._access_log:
            fields = {
                "request_id": request_id,
                "client": (scope.get("client") or ("-",))[0],
                "method": scope["method"],
                "path": path,
                "status": status or 499,
                "ms": round(1000 * took_s, 2),
                **{f"{name}_ms": round(value, 2) for name, value in timings.items() if name != "total"},
            }
            access.info("request", extra=fields)


class Frame:
    """ASGI middleware; the outermost.

    Args:
        app: the app behind it.
        ledger: what is said of every request.
    """

    def __init__(self, app: ASGIApp, ledger: Ledger) -> None:
        self._app, self._ledger = app, ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an unforeseen error becomes a 500 whose details only the log has."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = request_id_of(scope)
        timings: dict[str, float] = {}
        scope[TIMINGS] = timings
        status = 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                timings["total"] = 1000 * (time.perf_counter() - started)
                headers = message["headers"] = list(message.get("headers", ()))
                self._ledger.dress(headers, scope["path"], request_id, timings)
            await send(message)

        try:
            await self._app(scope, receive, framed)
        except Exception:
            log.exception("unexpected error", extra={"request_id": request_id, "path": scope["path"]})
            if status:
                raise  # half an answer is out: the connection must break
            await unknown_problem()(scope, receive, framed)
        self._ledger.enter(scope, request_id, status, time.perf_counter() - started, timings)


def request_id_of(scope: Scope) -> str:
    """Return the id that a request came with, or a new one: 64 bits that tell requests apart and keep no secret."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _REQUEST_ID.fullmatch(given):
                return str(given)
    return f"{random.getrandbits(64):016x}"


def note(scope: Any, name: str, seconds: float) -> None:
    """Note how long a stage of a request took."""
    timings = scope.get(TIMINGS)
    if timings is not None:
        timings[name] = 1000 * seconds
