"""The analyst's page and the routes that only it needs: files, explanations, corrections, exports.

Nothing of a request becomes a path. The page loads from this service alone: its Content-Security-Policy sees to that.
"""

import base64
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from model.encoding import Encoded
from model.records import Prediction
from model.store import default_store
from service import page_schemas as schemas
from service.corrections import Correction, CorrectionStore
from service.explain import pieces_of, weight, without_each
from service.exports import EXPORTS
from service.settings import Settings
from service.uploads import UploadReader

if TYPE_CHECKING:
    from service.engine import Engine

WEB = Path(__file__).parent / "web"
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
MAX_TRAIL = 10_000


class _Static(StaticFiles):
    """The page's files, each with the page's headers."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(PAGE_HEADERS)
        return response


def add_page_routes(
    app: FastAPI,
    settings: Settings,
    engine_of: Callable[[Request], "Engine"],
    score: Callable[[Request, Sequence[Encoded]], Awaitable[list[Prediction | Exception]]],
) -> None:
    """Add the page to an app.

    Args:
        app: what serves it.
        settings: where corrections are kept, and how long an explanation may take.
        engine_of: returns the engine that answers now, or raises `ServiceUnavailable`.
        score: labels texts by the queue of that engine, behind those that somebody waits for.
    """
    uploads = UploadReader(settings.request_timeout_s)
    store = CorrectionStore(settings.corrections or default_store() / "corrections.sqlite3")

    def target_of(engine: "Engine") -> str:
        return engine.manifest.target if engine.manifest else ""

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return FileResponse(WEB / "index.html", headers=PAGE_HEADERS)

    app.mount("/static", _Static(directory=WEB), name="static")

    @app.post("/files", response_model=schemas.FileAnswer)
    async def files(body: schemas.FileRequest) -> Any:
        """Read the documents of a file; their texts go to /articles."""
        try:
            raw = base64.b64decode(body.content, validate=True)
        except ValueError as error:
            raise _invalid("content", f"it is no base64: {error}") from error
        return {"documents": await uploads.read(body.name, raw)}

    @app.post("/explain", response_model=schemas.ExplainAnswer)
    async def explain(request: Request, body: schemas.ExplainRequest) -> Any:
        """Tell which words made the model decide."""
        engine = engine_of(request)
        labels = engine.classifier.labels.stance
        if body.label is not None and body.label not in labels:
            raise _invalid("label", f"it is none of {', '.join(labels)}")
        pieces = pieces_of(body.text)
        items = [engine.classifier.prepare(text) for text in (body.text, *without_each(pieces))]
        predictions = []
        for answer in await score(request, items):
            if isinstance(answer, Exception):
                raise answer
            predictions.append(answer)
        whole, *others = predictions
        label = body.label or whole.stance.label
        weights = [weight(whole, other, label) for other in others] or [0.0]
        return {
            "label": label,
            "confidence": whole.stance.scores[label],
            "pieces": [{"text": text, "weight": w} for text, w in zip(pieces, weights, strict=True)],
            "model": engine.classifier.checkpoint_id,
        }

    @app.get("/corrections", response_model=schemas.CorrectionsAnswer)
    def corrections(request: Request, trail: Annotated[bool, Query(description="Every line.")] = False) -> Any:
        """List the corrections that hold for the served target, or the whole audit trail."""
        target = target_of(engine_of(request))
        return {"corrections": store.trail(target, MAX_TRAIL) if trail else store.latest(target)}

    @app.post("/corrections", status_code=201, response_model=schemas.CorrectionAnswer)
    def correct(request: Request, body: schemas.CorrectionRequest) -> Any:
        """Say what a label should be; it holds for these words wherever they stand."""
        engine = engine_of(request)
        labels = engine.classifier.labels.stance
        if body.label not in labels:
            raise _invalid("label", f"it is none of {', '.join(labels)}")
        return store.add(Correction(**body.model_dump(), target=target_of(engine)))

    @app.delete("/corrections/{number}", response_model=schemas.CorrectionAnswer)
    def withdraw(number: int, who: Annotated[str, Query(max_length=200)] = "") -> Any:
        """Take a correction back; the trail keeps both."""
        line = store.withdraw(number, who)
        if line is None:
            raise HTTPException(404, "no such correction holds: it was taken back or corrected again")
        return line

    @app.get("/corrections/labelled.csv", response_class=Response)
    def labelled(request: Request) -> Response:
        """Return the corrections that hold as a labelled CSV, ready for a retrain."""
        text = store.labelled_csv(target_of(engine_of(request)))
        return _download(text.encode("utf-8", "replace"), "text/csv; charset=utf-8", "corrections.csv")

    @app.post("/export", response_class=Response)
    def export(body: schemas.ExportRequest) -> Response:
        """Return rows as a file: CSV, XLSX or JSONL."""
        media_type, write = EXPORTS[body.format]
        return _download(write(body.rows, body.columns), media_type, f"statements.{body.format}")


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("body", field), "msg": message}])


def _download(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type=media_type)
