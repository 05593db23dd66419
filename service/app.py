"""The REST service.

One text from `POST /classify` to its answer makes five stops: the app validates, `classifier.prepare` tokenises,
`batcher.submit` awaits, one worker thread scores, the app answers.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError

from model.checkpoint import Manifest, read_manifest
from model.classifier import StanceClassifier
from model.encoding import Encoded
from model.errors import InputError, StanceError, TextTooLongError
from model.quotes import extract_quotes
from model.records import Prediction
from model.store import Store
from service import http_errors, schemas
from service.batching import Limits, MicroBatcher
from service.folder.html import article_of_html
from service.http_errors import ServiceUnavailable
from service.limits import BodyLimit
from service.page_routes import add_page_routes
from service.settings import Settings

log = logging.getLogger(__name__)

BULK_FROM = 4
"""A list of this many texts or more waits behind single ones."""


@dataclass
class Engine:
    """A loaded classifier with its queue."""

    classifier: StanceClassifier
    batcher: MicroBatcher[Encoded, Prediction]
    manifest: Manifest | None

    @classmethod
    def start(cls, classifier: StanceClassifier, settings: Settings, manifest: Manifest | None) -> "Engine":
        """Start the worker thread for a classifier."""
        limits = Limits(settings.max_run_items, settings.max_run_tokens, settings.max_queue_texts)
        return cls(classifier, MicroBatcher(classifier.score, len, limits), manifest)


def create_app(settings: Settings, classifier: StanceClassifier | None = None) -> FastAPI:
    """Make the app.

    Args:
        settings: see `Settings`.
        classifier: served as it is; None loads the checkpoint of the settings in the background, and the service
            answers 503 until it is there.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.engine, app.state.failure = None, None
        loading = asyncio.create_task(_load(app, settings, classifier))
        yield
        loading.cancel()
        engine: Engine | None = app.state.engine
        if engine and not await asyncio.to_thread(engine.batcher.close, settings.drain_timeout_s):
            log.error("requests were still running after %s s", settings.drain_timeout_s)

    app = FastAPI(
        title="Stance",
        summary="Quoted statements in the news: who said them, their stance, their sentiment.",
        version="0.1.0",
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    http_errors.install(app)
    _add_routes(app, settings)
    add_page_routes(
        app, settings, _engine, lambda request, items: _answers(_engine(request), settings, items, bulk=True)
    )
    return app


async def _load(app: FastAPI, settings: Settings, classifier: StanceClassifier | None) -> None:
    """Load the checkpoint in a thread; a failure is kept and shown by /readyz."""
    try:
        manifest = None
        if classifier is None:
            from model.loading import open_classifier

            folder = settings.checkpoint or Store().current()
            classifier = await asyncio.to_thread(open_classifier, folder)
            manifest = read_manifest(folder)
        app.state.engine = Engine.start(classifier, settings, manifest)
        log.info("ready: %s on %s", classifier.checkpoint_id, classifier.backend.name)
    except StanceError as error:
        app.state.failure = error
        log.error("the checkpoint cannot be served: %s", error)


def _engine(request: Request) -> Engine:
    engine: Engine | None = request.app.state.engine
    if engine is None:
        failure: StanceError | None = request.app.state.failure
        raise ServiceUnavailable(f"no model is loaded: {failure}" if failure else "the model is still loading")
    if not engine.batcher.alive:
        raise ServiceUnavailable("the worker has stopped: the service must be restarted")
    return engine


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("body", field), "msg": message}])


async def _answers(
    engine: Engine, settings: Settings, items: Sequence[Encoded], *, bulk: bool
) -> list[Prediction | Exception]:
    return await asyncio.wait_for(engine.batcher.submit(items, bulk=bulk), settings.request_timeout_s)


def _add_routes(app: FastAPI, settings: Settings) -> None:
    problems: dict[int | str, dict[str, Any]] = {
        status: {"model": schemas.Problem, "content": {"application/problem+json": {}}, "description": text}
        for status, text in (
            (400, "The body is not JSON."),
            (413, "Too large."),
            (415, "Not application/json."),
            (422, "A field cannot be used."),
            (429, "The queue is full; see Retry-After."),
            (500, "The service failed."),
            (503, "Starting, draining, or without a model."),
            (504, "The answer took too long."),
        )
    }

    @app.post("/classify", responses=problems, response_model=schemas.ClassifyAnswer)
    async def classify(request: Request, body: schemas.ClassifyRequest) -> Any:
        """Label one text."""
        engine = _engine(request)
        if len(body.text) > settings.max_text_characters:
            raise TextTooLongError(
                f"the text has {len(body.text):,} characters; at most {settings.max_text_characters:,} are allowed"
            )
        (answer,) = await _answers(engine, settings, [engine.classifier.prepare(body.text)], bulk=False)
        if isinstance(answer, Exception):
            raise answer
        return {**schemas.labels_of(answer), "model": engine.classifier.checkpoint_id}

    @app.post("/classify/batch", responses=problems, response_model=schemas.BatchAnswer)
    async def classify_batch(request: Request, body: schemas.BatchRequest) -> Any:
        """Label several texts; a text that fails carries its own error, the others answer."""
        engine = _engine(request)
        if len(body.texts) > settings.max_batch_texts:
            raise _invalid("texts", f"{len(body.texts)} texts; at most {settings.max_batch_texts} are allowed")
        prepared: list[Encoded | InputError] = []
        for text in body.texts:
            try:
                prepared.append(engine.classifier.prepare(text))
            except InputError as error:
                prepared.append(error)
        good = [item for item in prepared if isinstance(item, Encoded)]
        answers = iter(await _answers(engine, settings, good, bulk=len(good) >= BULK_FROM))
        results = []
        for item in prepared:
            answer = next(answers) if isinstance(item, Encoded) else item
            if isinstance(answer, Exception):
                results.append({"error": http_errors.problem_of(answer)})
            else:
                results.append(schemas.labels_of(answer))
        return {"results": results, "model": engine.classifier.checkpoint_id}

    @app.post("/articles", responses=problems, response_model=schemas.ArticleAnswer)
    async def articles(request: Request, body: schemas.ArticleRequest) -> Any:
        """Find the statements of an article and label them."""
        engine = _engine(request)
        if (body.text is None) == (body.html is None):
            raise _invalid("text", "send either text or html")
        sent = body.text if body.text is not None else body.html or ""
        if len(sent) > settings.max_article_characters:
            raise TextTooLongError(
                f"the document has {len(sent):,} characters; at most {settings.max_article_characters:,} are allowed"
            )
        meta: dict[str, str | None] = {}
        document = sent
        if body.html is not None:
            article = await asyncio.to_thread(article_of_html, body.html, body.url)
            document = article.text
            meta = {"title": article.title, "date": article.date, "source": article.source}
        statements = list(await asyncio.to_thread(extract_quotes, document))
        if len(statements) > settings.max_article_statements:
            raise TextTooLongError(
                f"the document holds {len(statements):,} statements; at most {settings.max_article_statements:,} are "
                "labelled in one request: send it in parts, or use 'stance score'"
            )
        items = [
            engine.classifier.prepare(statement.context[: settings.max_text_characters]) for statement in statements
        ]
        answers = await _answers(engine, settings, items, bulk=len(items) >= BULK_FROM)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return {
            "statements": [
                {**schemas.statement_of(statement), **schemas.labels_of(answer)}
                for statement, answer in zip(statements, answers, strict=True)
                if not isinstance(answer, Exception)
            ],
            "segments": schemas.segments_of(document, statements),
            **meta,
            "model": engine.classifier.checkpoint_id,
        }

    @app.get("/model", responses={503: problems[503]}, response_model=schemas.ModelCard)
    async def card(request: Request) -> Any:
        """Describe the checkpoint that is served."""
        engine = _engine(request)
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

    @app.get("/healthz", response_model=schemas.Health)
    async def health() -> Any:
        """Tell that the process answers."""
        return {"status": "alive"}

    @app.get("/readyz", responses={503: problems[503]}, response_model=schemas.Health)
    async def ready(request: Request) -> Any:
        """Tell that a model is loaded, its worker runs, and requests will be answered."""
        _engine(request)
        return {"status": "ready"}
