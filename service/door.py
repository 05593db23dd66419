"""Refuses what the queue has no room for before it gets as far as the app.

Under overload three requests of four are refused, on the cores that the network needs for the fourth. `limits.Shed`
does the same within the app, for servers that do not ask here.
"""

import time
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from starlette.types import Scope

from service.batching import Overloaded
from service.http_errors import overloaded_problem
from service.limits import QUEUED_PATHS, ROUTE
from service.middleware import Ledger, request_id_of

STATUS = HTTPStatus.TOO_MANY_REQUESTS


class Door:
    """Answers 429 with the bytes that the app would have sent.

    Args:
        full_for_s: seconds after which to try again, or None where there is room.
        is_let_in: whether a request has the key that it needs.
        ledger: what is said of every request.
    """

    def __init__(
        self, full_for_s: Callable[[], float | None], is_let_in: Callable[[Scope], bool], ledger: Ledger
    ) -> None:
        self._full_for_s, self._is_let_in, self._ledger = full_for_s, is_let_in, ledger

    def refusal(self, scope: MutableMapping[str, Any], *, closing: bool) -> bytes | None:
        """Return the rest of an answer after its status line and date, or None for a request that may come in.

        Args:
            scope: of the request, as in ASGI.
            closing: whether the connection ends with this answer.
        """
        if scope["path"] not in QUEUED_PATHS or scope["method"] != "POST" or self._ledger.draining():
            return None
        wait_s = self._full_for_s()
        if wait_s is None or not self._is_let_in(scope):
            return None
        started = time.perf_counter()
        scope[ROUTE] = scope["path"]
        request_id = request_id_of(scope)
        given, body = _document(round(wait_s))
        headers = [*given, (b"connection", b"close")] if closing else list(given)
        took_s = time.perf_counter() - started
        timings = {"total": 1000 * took_s}
        self._ledger.dress(headers, scope["path"], request_id, timings)
        self._ledger.enter(scope, request_id, STATUS, took_s, timings)
        return b"".join([b"%s: %s\r\n" % header for header in headers]) + b"\r\n" + body


@lru_cache(maxsize=64)
def _document(wait_s: int) -> tuple[list[tuple[bytes, bytes]], bytes]:
    answer = overloaded_problem(Overloaded(wait_s))
    return answer.raw_headers, bytes(answer.body)
