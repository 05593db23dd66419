"""What an error looks like over HTTP: one table from error class to status, and RFC 9457 problem documents."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from model import errors
from service.batching import Closed, Overloaded, WorkerDied

STATUS: Mapping[type[errors.StanceError], int] = {
    errors.StanceError: 500,
    errors.InputError: 422,
    errors.EmptyTextError: 422,
    errors.TextTooLongError: 413,
    errors.DocumentError: 422,
    errors.DataError: 422,
    errors.CheckpointError: 503,
    errors.CheckpointMissingError: 503,
    errors.CheckpointDamagedError: 503,
    errors.LabelMismatchError: 503,
    errors.BaseError: 503,
    errors.BackendError: 500,
    errors.TrainingError: 500,
}
"""Every class of the error tree; a test walks the tree and fails when one is missing."""

CODES: Mapping[int, str] = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "overloaded",
    500: "internal_error",
    503: "unavailable",
    504: "timeout",
}


UNREADABLE = "There was an error parsing the body"
"""What FastAPI says of a body that is not UTF-8."""


class ServiceUnavailable(Exception):  # noqa: N818
    """The service cannot answer now: it is starting, draining, or its worker has died."""


class SwapInProgress(Exception):  # noqa: N818
    """Another checkpoint is being loaded."""


class ClientGone(Exception):  # noqa: N818
    """Whoever asked has hung up; nobody reads the answer."""


def problem(status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any) -> Response:
    """Return an `application/problem+json` response (RFC 9457).

    Args:
        status: HTTP status.
        code: stable, for machines.
        detail: one sentence, for people.
        headers: more headers.
        extra: more members of the document (`field`, ...).
    """
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    content = json.dumps({**body, **extra})  # ASCII: what a client sent may be no valid Unicode
    return Response(content, status, headers, media_type="application/problem+json")


def problem_of(error: Exception) -> dict[str, Any]:
    """Return status, code and detail of an error, as an item of a batch shows it."""
    if isinstance(error, errors.StanceError):
        return {"status": STATUS[type(error)], "code": error.code, "detail": str(error)}
    return {"status": 500, "code": CODES[500], "detail": "the service failed on this text"}


@contextmanager
def of_field(name: str) -> Iterator[None]:
    """Note which field of a request held what cannot be used."""
    try:
        yield
    except errors.InputError as error:
        error.field = error.field or name
        raise


def _validation(error: RequestValidationError) -> Response:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part != "body"]
    if first["type"] == "json_invalid":
        return problem(400, CODES[400], f"the body is not valid JSON: {first.get('ctx', {}).get('error', 'broken')}")
    field = ".".join(where) or "body"
    message = first["msg"].removeprefix("Value error, ")
    return problem(422, CODES[422], f"the field {field!r} cannot be used: {message}", field=field)


def install(app: FastAPI) -> None:
    """Make every foreseen error of an app leave it as a problem document; `service.middleware.Frame` does the rest."""

    @app.exception_handler(errors.StanceError)
    async def _ours(request: Request, error: errors.StanceError) -> Response:
        found = problem_of(error)
        named: dict[str, Any] = {}
        if isinstance(error, errors.InputError) and error.field:
            named["field"] = error.field
        return problem(found["status"], found["code"], found["detail"], **named)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return _validation(error)

    @app.exception_handler(Overloaded)
    async def _overloaded(request: Request, error: Overloaded) -> Response:
        return overloaded_problem(error)

    @app.exception_handler(SwapInProgress)
    async def _busy(request: Request, error: SwapInProgress) -> Response:
        return problem(409, CODES[409], str(error))

    @app.exception_handler(ClientGone)
    async def _gone(request: Request, error: ClientGone) -> Response:
        return Response(status_code=499)

    @app.exception_handler(ServiceUnavailable)
    @app.exception_handler(Closed)
    @app.exception_handler(WorkerDied)
    async def _unavailable(request: Request, error: Exception) -> Response:
        return problem(503, CODES[503], str(error), headers={"Retry-After": "2"})

    @app.exception_handler(TimeoutError)
    async def _timeout(request: Request, error: TimeoutError) -> Response:
        return problem(504, CODES[504], "the answer took too long; send fewer or shorter texts")

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        code = CODES.get(error.status_code, "http_error")
        told = "the body is no JSON in UTF-8" if error.detail == UNREADABLE else str(error.detail)
        return problem(error.status_code, code, told, headers=error.headers)


def overloaded_problem(error: Overloaded) -> Response:
    """Return a 429 that says when to try again."""
    seconds = str(max(1, round(error.retry_after_s)))
    return problem(429, CODES[429], str(error), headers={"Retry-After": seconds})


def unknown_problem() -> Response:
    """Return what an unforeseen error looks like from outside."""
    return problem(500, CODES[500], "the service failed; the log has the details")
