"""`POST /training` and what it leads to: a labelled file in, a checkpoint and its report out. For administrators."""

import asyncio
from email.parser import BytesParser
from email.policy import HTTP
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from pydantic import BaseModel

from model.store import Store
from service.admin import find_checkpoint
from service.http_errors import CODES, problem
from service.settings import Settings
from service.training_jobs import TrainingJobs, TrainingRuns

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MULTIPART = "multipart/form-data"
BASES = ("minilm", "mpnet")
UPLOADS = frozenset({CSV, XLSX, MULTIPART})
"""Media types of the upload."""
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


class TrainingAnswer(BaseModel):
    """How a training goes."""

    id: str
    state: Literal["running", "done", "failed"]
    progress: dict[str, Any]
    problems: list[str]
    checkpoint: str | None
    metrics: dict[str, Any]
    report: str | None


def add_training_routes(app: FastAPI, settings: Settings, problems: dict[int | str, dict[str, Any]]) -> None:
    """Add the routes to an app."""
    jobs = TrainingJobs(settings.store)
    refused: dict[int | str, dict[str, Any]] = {status: problems[status] for status in (401, 403, 404, 422)}
    page: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}

    @app.post(
        "/training",
        status_code=202,
        responses={status: problems[status] for status in (401, 403, 408, 409, 413, 415, 422)},
        response_model=TrainingAnswer,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in sorted(UPLOADS)},
            }
        },
    )
    async def start(
        request: Request,
        base: Annotated[str, Query(description="minilm, mpnet, or the id of an earlier checkpoint.")] = "minilm",
        recipe: Annotated[Literal["auto", "finetune", "warm", "frozen"], Query(description="Recipe.")] = "auto",
        epochs: Annotated[int | None, Query(ge=1, le=100, description="Passes over the rows.")] = None,
        seed: Annotated[int | None, Query(ge=0, description="Seed.")] = None,
        target: Annotated[str | None, Query(max_length=500, description="What the stance is toward.")] = None,
    ) -> Any:
        """Train from a labelled file, in a process of its own; the same file again returns the same training."""
        content, suffix = _upload(request.headers.get("content-type", ""), await request.body())
        if base not in BASES:
            folder = await asyncio.to_thread(find_checkpoint, Store(settings.store), base)
            if folder is None:
                raise _invalid("base", f"it is none of {', '.join(BASES)}, and no checkpoint has that id")
            base = str(folder)
        given = {"base": base, "recipe": recipe, "epochs": epochs, "seed": seed, "target": target}
        options = {name: str(value) for name, value in given.items() if value is not None}
        try:
            job = await asyncio.to_thread(jobs.start, content, suffix, options)
        except TrainingRuns as error:
            return problem(409, CODES[409], str(error))
        return job.answer()

    @app.get(
        "/training/{job_id}",
        responses=refused,
        response_model=TrainingAnswer,
    )
    async def show(job_id: str) -> Any:
        """Tell how far a training is, what went wrong, or what it reached."""
        job = await asyncio.to_thread(jobs.find, job_id)
        return problem(404, CODES[404], "there is no such training") if job is None else job.answer()

    @app.get(
        "/training/{job_id}/report",
        response_class=FileResponse,
        responses=refused | page,
    )
    async def report(job_id: str) -> Any:
        """Return the report of a finished training, one HTML page."""
        job = await asyncio.to_thread(jobs.find, job_id)
        if job is None or job.state != "done":
            return problem(404, CODES[404], "there is no finished training of that id")
        page = job.folder / "checkpoint" / "report" / "report.html"
        return FileResponse(page, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})


def _upload(content_type: str, body: bytes) -> tuple[bytes, str]:
    """Return the labelled file of a request, and its ending.

    Raises:
        RequestValidationError: there is none in it.
    """
    kind = content_type.split(";")[0].strip().lower()
    name = ""
    if kind == MULTIPART:
        head = b"content-type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
        parts = list(BytesParser(policy=HTTP).parsebytes(head + body).iter_parts())
        files = [part for part in parts if part.get_filename()]
        raw = files[0].get_payload(decode=True) if files else None
        name = files[0].get_filename() or "" if files else ""
        content = raw if isinstance(raw, bytes) else b""
    else:
        content = body
    if not content.strip():
        raise _invalid("file", "there is none: send it as text/csv, or as a file of multipart/form-data")
    return content, ".xlsx" if kind == XLSX or name.lower().endswith(".xlsx") else ".csv"


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("body", field), "msg": message}])
