"""The analyst's page and the routes that only it needs: files, explanations, corrections, exports.

Nothing of a request becomes a path. The page loads from this service alone: the Content-Security-Policy of
`service.middleware` sees to that.
"""

import base64
import pathlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from model.encoding import Encoded
from model.records import Prediction
from model.store import default_store
from service import page_schemas as schemas
from service.corrections import Correction, CorrectionStore, corpus_rows
from service.engine import ModelHost
from service.explain import pieces_of, weight, without_each
from service.exports import EXPORTS
from service.settings import Settings
from service.uploads import UploadReader

Score = Callable[[Request, Sequence[Encoded]], Awaitable[list[Prediction | Exception]]]
BODY = (400, 408, 413, 415, 422)
"""What a request with a body may be refused for."""
WEB = pathlib.Path(__file__).parent / "web"
PAGE_HEADERS = {"Cache-Control": "no-cache"}
CORPUS = tuple(
    WEB.parent.parent / "training" / "corpus" / f"{name}.csv"
    for name in ("rewritten", "written", "variants", "implied", "frozen")
)
"""What a retrain from the page adds: a part of what the shipped checkpoints were trained on, so that it does not take
hours, and the rows that they are measured on."""
MAX_TRAIL = 10_000


class _Static(StaticFiles):
    """The page's files; a browser asks each time whether they have changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(PAGE_HEADERS)
        return response


def add_page_routes(
    app: FastAPI, settings: Settings, host: ModelHost, problems: dict[int | str, dict[str, Any]], score: Score
) -> None:
    """Add the page to an app.

    Args:
        app: what serves it.
        settings: where corrections are kept, and how long a file may take to read.
        host: holds the engine that answers.
        problems: status -> its description for the API document.
        score: labels texts by the queue, behind those that somebody waits for.
    """

    def fails(*statuses: int) -> dict[int | str, dict[str, Any]]:
        return {status: problems[status] for status in (401, *statuses)}

    def target() -> str:
        manifest = host.engine.manifest
        return manifest.target if manifest else ""

    def shipped() -> tuple[dict[str, str], ...]:
        return corpus_rows(CORPUS, tuple(host.engine.classifier.labels.stance))

    uploads = UploadReader(settings.request_timeout_s)
    store = CorrectionStore(settings.corrections or (settings.store or default_store()) / "corrections.sqlite3")

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return FileResponse(WEB / "index.html", headers=PAGE_HEADERS)

    app.mount("/static", _Static(directory=WEB), name="static")

    @app.post("/files", responses=fails(*BODY), response_model=schemas.FileAnswer)
    async def files(body: schemas.FileRequest) -> Any:
        """Read the documents of a file; their texts go to /articles."""
        try:
            raw = base64.b64decode(body.content, validate=True)
        except ValueError as error:
            raise _invalid("content", f"it is no base64: {error}") from error
        return {"documents": await uploads.read(body.name, raw)}

    @app.post("/explain", responses=fails(*BODY, 429, 500, 503, 504), response_model=schemas.ExplainAnswer)
    async def explain(request: Request, body: schemas.ExplainRequest) -> Any:
        """Tell which words made the model decide."""
        engine = host.engine
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

    @app.get("/corrections", responses=fails(422, 503), response_model=schemas.CorrectionsAnswer)
    def corrections(trail: Annotated[bool, Query(description="Every line.")] = False) -> Any:
        """List the corrections that hold for the served target, or the whole audit trail."""
        found = store.trail(target(), MAX_TRAIL) if trail else store.latest(target())
        return {"corrections": found, "corpus_rows": len(shipped())}

    @app.post("/corrections", status_code=201, responses=fails(*BODY, 503), response_model=schemas.CorrectionAnswer)
    def correct(body: schemas.CorrectionRequest) -> Any:
        """Say what a label should be; it holds for these words wherever they stand."""
        engine = host.engine
        labels = engine.classifier.labels.stance
        if body.label not in labels:
            raise _invalid("label", f"it is none of {', '.join(labels)}")
        return store.add(Correction(**body.model_dump(), target=target()))

    @app.delete("/corrections/{number}", responses=fails(404, 422, 503), response_model=schemas.CorrectionAnswer)
    def withdraw(number: Annotated[int, Path(ge=0, lt=2**63)], who: Annotated[str, Query(max_length=200)] = "") -> Any:
        """Take a correction back; the trail keeps both."""
        line = store.withdraw(number, who)
        if line is None:
            raise HTTPException(404, "no such correction holds: it was taken back or corrected again")
        return line

    @app.get(
        "/corrections/labelled.csv",
        responses=fails(422, 503) | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
        response_class=Response,
    )
    def labelled(
        corpus: Annotated[bool, Query(description="Put a part of the corpus that ships before them.")] = False,
    ) -> Response:
        """Return the corrections that hold as a labelled CSV, ready for a retrain."""
        text = store.labelled_csv(target(), shipped() if corpus else ())
        return _download(text.encode("utf-8", "replace"), "text/csv; charset=utf-8", "corrections.csv")

    @app.post(
        "/export",
        responses=fails(*BODY) | {200: {"content": {media_type: {} for media_type, _ in EXPORTS.values()}}},
        response_class=Response,
    )
    def export(body: schemas.ExportRequest) -> Response:
        """Return rows as a file: CSV, XLSX or JSONL."""
        media_type, write = EXPORTS[body.format]
        return _download(write(body.rows, body.columns), media_type, f"statements.{body.format}")


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("body", field), "msg": message}])


def _download(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type=media_type)
