"""The REST service.

One text from `POST /classify` to its answer makes five stops: the app validates, `classifier.prepare` tokenises,
the engine admits it to the queue (or finds it in its cache), one worker thread scores, the app answers.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST

from model.classifier import StanceClassifier
from model.encoding import Encoded
from model.errors import InputError, TextTooLongError
from model.quotes import extract_quotes
from model.records import Prediction
from service import admin, http_errors, schemas
from service.direct import DirectRoute
from service.door import Door
from service.engine import Engine, ModelHost
from service.folder.html import article_of_html
from service.http_errors import ClientGone, ServiceUnavailable
from service.keys import KeyCheck, KeyRing, is_let_in
from service.limits import BodyLimit, Shed
from service.metrics import Metrics
from service.middleware import Frame, Ledger, note
from service.page_routes import add_page_routes
from service.promotion_routes import add_promotion_routes
from service.settings import Settings
from service.training_routes import UPLOADS, add_training_routes

BULK_FROM = 4
"""A list of this many texts or more waits behind single ones."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.Problem, "content": {"application/problem+json": {}}, "description": text}
    for status, text in (
        (400, "The body is not JSON."),
        (401, "No key, or one that is not known."),
        (403, "Closed: no admin key is configured."),
        (404, "There is no such thing."),
        (408, "The body took too long to arrive."),
        (409, "It cannot be done now, or not with this."),
        (413, "Too large."),
        (415, "A body of another media type."),
        (422, "A field cannot be used."),
        (429, "The queue is full; see Retry-After."),
        (500, "The service failed."),
        (503, "Starting, draining, or without a model."),
        (504, "The answer took too long."),
    )
}
LABELLING: dict[int | str, dict[str, Any]] = {
    status: PROBLEMS[status] for status in (400, 401, 408, 413, 415, 422, 429, 500, 503, 504)
}


def create_app(settings: Settings, classifier: StanceClassifier | None = None) -> FastAPI:
    """Make the app.

    Args:
        settings: see `Settings`.
        classifier: served as it is; None loads the checkpoint of the settings in the background, and the service
            answers 503 until it is there.

    Raises:
        DataError: the API keys of the settings cannot be read.
    """
    metrics = Metrics()
    host = ModelHost(settings, metrics)
    callers = KeyRing.load(settings.api_keys, settings.api_keys_file)
    admins = KeyRing.load(settings.admin_keys, settings.admin_keys_file)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(host.start(classifier))
        if settings.workers > 1 or classifier is not None:
            await loading  # a worker takes no connection before it can answer
        yield
        loading.cancel()
        await host.close()

    app = FastAPIOffline(  # its `/docs` takes the scripts from this machine, not from the internet
        title="Stance",
        summary="Quoted statements in the news: who said them, their stance, their sentiment.",
        version="0.1.0",
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs/assets",
        telemetry=None if _telemetry_is_wanted() else {"tracing": False, "metrics": False, "logs": False},
    )
    app.state.host = host
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_body_bytes,
        timeout_s=settings.body_timeout_s,
        uploads={"/training": UPLOADS},
    )
    app.add_middleware(Shed, full_for_s=lambda: host.full_for_s)
    app.add_middleware(KeyCheck, callers=callers, admins=admins)
    ledger = Ledger(metrics, lambda: host.draining, settings.access_log)
    app.add_middleware(Frame, ledger=ledger)
    app.state.door = Door(lambda: host.full_for_s, lambda scope: is_let_in(scope, callers, admins), ledger)
    http_errors.install(app)
    _add_labelling(app, settings, host, metrics)
    _add_state(app, host, metrics)
    admin.add_routes(app, settings, host, PROBLEMS)
    add_training_routes(app, settings, PROBLEMS)
    add_promotion_routes(app, settings, host, PROBLEMS)
    add_page_routes(
        app,
        settings,
        host,
        PROBLEMS,
        lambda request, items: _answers(request, host.engine, settings.request_timeout_s, items, bulk=True),
    )
    return app


def _telemetry_is_wanted() -> bool:
    """Whether OpenTelemetry was set up from outside; to look for it at every request costs a twentieth of its time."""
    return any(name.startswith("OTEL_") for name in os.environ)


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("body", field), "msg": message}])


async def _answers(
    request: Request, engine: Engine, timeout_s: float, items: Sequence[Encoded], *, bulk: bool
) -> list[Prediction | Exception]:
    """Have texts labelled. Up to the first await nothing else runs, so the engine cannot be swapped in between."""
    submission = engine.submit(items, bulk=bulk)
    call = submission.call
    if call is not None:
        watcher = asyncio.create_task(_cancel_when_gone(request, call.future))
        try:
            async with asyncio.timeout(timeout_s):
                await call.future
        except asyncio.CancelledError:
            if watcher.done() and not watcher.cancelled():
                raise ClientGone from None
            raise
        finally:
            watcher.cancel()
        note(request.scope, "queue", call.waited_s)
        note(request.scope, "run", call.ran_s)
    return engine.collect(submission)


async def _cancel_when_gone(request: Request, future: "asyncio.Future[Any]") -> None:
    """Give up a call when its client has hung up; the batcher then drops its texts."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    future.cancel()


def _add_labelling(app: FastAPI, settings: Settings, host: ModelHost, metrics: Metrics) -> None:
    timeout_s = settings.request_timeout_s
    direct = APIRouter(route_class=DirectRoute)

    def prepared(request: Request, started: float) -> None:
        took = time.perf_counter() - started
        metrics.prepared.observe(took)
        note(request.scope, "prepare", took)

    @direct.post("/classify", responses=LABELLING, response_model=schemas.ClassifyAnswer)
    async def classify(request: Request, body: schemas.ClassifyRequest) -> Any:
        """Label one text."""
        engine = host.engine
        started = time.perf_counter()
        with http_errors.of_field("text"):
            if len(body.text) > settings.max_text_characters:
                raise TextTooLongError(
                    f"the text has {len(body.text):,} characters; at most {settings.max_text_characters:,} are allowed"
                )
            item = engine.classifier.prepare(body.text)
        prepared(request, started)
        (answer,) = await _answers(request, engine, timeout_s, [item], bulk=False)
        if isinstance(answer, Exception):
            raise answer
        return _json({**schemas.labels_of(answer), "model": engine.classifier.checkpoint_id})

    @direct.post("/classify/batch", responses=LABELLING, response_model=schemas.BatchAnswer)
    async def classify_batch(request: Request, body: schemas.BatchRequest) -> Any:
        """Label several texts; a text that fails carries its own error, the others answer."""
        engine = host.engine
        if len(body.texts) > settings.max_batch_texts:
            raise _invalid("texts", f"{len(body.texts)} texts; at most {settings.max_batch_texts} are allowed")
        started = time.perf_counter()
        items: list[Encoded | InputError] = []
        for text in body.texts:
            try:
                items.append(engine.classifier.prepare(text))
            except InputError as error:
                items.append(error)
        good = [item for item in items if isinstance(item, Encoded)]
        prepared(request, started)
        answers = iter(await _answers(request, engine, timeout_s, good, bulk=len(good) >= BULK_FROM))
        results: list[dict[str, Any]] = []
        for item in items:
            answer = next(answers) if isinstance(item, Encoded) else item
            if isinstance(answer, Exception):
                results.append({"error": http_errors.problem_of(answer)})
            else:
                results.append(schemas.labels_of(answer))
        return _json({"results": results, "model": engine.classifier.checkpoint_id})

    app.include_router(direct)

    @app.post("/articles", responses=LABELLING, response_model=schemas.ArticleAnswer)
    async def articles(request: Request, body: schemas.ArticleRequest) -> Any:
        """Find the statements of an article and label them."""
        _ = host.engine  # refuse before the work of reading the document
        if (body.text is None) == (body.html is None):
            raise _invalid("text", "send either text or html")
        sent = body.text if body.text is not None else body.html or ""
        meta: dict[str, str | None] = {"title": None, "date": None, "source": None}
        document = sent
        most = settings.max_article_characters
        with http_errors.of_field("text" if body.text is not None else "html"):
            if len(sent) > most:
                raise TextTooLongError(f"the document has {len(sent):,} characters; at most {most:,} are allowed")
            if body.html is not None:
                article = await asyncio.to_thread(article_of_html, body.html, body.url)
                document = article.text
                meta = {"title": article.title, "date": article.date, "source": article.source}
            statements = list(await asyncio.to_thread(extract_quotes, document))
            if len(statements) > settings.max_article_statements:
                raise TextTooLongError(
                    f"the document holds {len(statements):,} statements; at most {settings.max_article_statements:,} "
                    "are labelled in one request: send it in parts, or use 'stance score'"
                )
        engine = host.engine
        started = time.perf_counter()
        items = [
            engine.classifier.prepare(statement.context[: settings.max_text_characters]) for statement in statements
        ]
        prepared(request, started)
        answers = await _answers(request, engine, timeout_s, items, bulk=len(items) >= BULK_FROM)
        labelled = []
        for statement, answer in zip(statements, answers, strict=True):
            if isinstance(answer, Exception):
                raise answer
            labelled.append({**schemas.statement_of(statement), **schemas.labels_of(answer)})
        segments = schemas.segments_of(document, statements)
        return _json({"statements": labelled, "segments": segments, **meta, "model": engine.classifier.checkpoint_id})


def _add_state(app: FastAPI, host: ModelHost, metrics: Metrics) -> None:
    @app.get("/model", responses={s: PROBLEMS[s] for s in (401, 503)}, response_model=schemas.ModelCard)
    async def card() -> Any:
        """Describe the checkpoint that is served."""
        engine = host.engine
        manifest, classifier = engine.manifest, engine.classifier
        calibration = classifier.calibration
        return {
            "model": classifier.checkpoint_id,
            "target": manifest.target if manifest else "",
            "labels": {"stance": list(classifier.labels.stance), "sentiment": list(classifier.labels.sentiment)},
            "backend": classifier.backend.name,
            "base": dict(manifest.base) if manifest else {},
            "corpus": dict(manifest.corpus) if manifest else {},
            "calibration": {
                "stance_temperature": calibration.stance_temperature,
                "sentiment_temperature": calibration.sentiment_temperature,
                "threshold": calibration.threshold,
            },
            "metrics": dict(manifest.metrics) if manifest else {},
            "trained_at": manifest.trained_at if manifest else "",
            "versions": dict(manifest.versions) if manifest else {},
        }

    @app.get("/healthz", responses={503: PROBLEMS[503]}, response_model=schemas.Health)
    async def health() -> Any:
        """Tell that the process answers; 503 where only a restart helps."""
        if host.stuck:
            raise ServiceUnavailable("the worker has stopped: the service must be restarted")
        return {"status": "alive"}

    @app.get("/readyz", responses={503: PROBLEMS[503]}, response_model=schemas.Health)
    async def ready() -> Any:
        """Tell that a model is loaded, its worker runs, and requests will be answered."""
        if host.draining:
            raise ServiceUnavailable("the service is shutting down")
        _ = host.engine
        return {"status": "ready"}

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def prometheus() -> Response:
        """Return the metrics in Prometheus' text format."""
        metrics.queued.set(host.queued)
        return Response(metrics.render(), media_type=CONTENT_TYPE_LATEST)
