"""A loaded classifier with its queue and cache, and the host that loads, swaps and drains it."""

import asyncio
import logging
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from model.checkpoint import Manifest, read_manifest
from model.classifier import StanceClassifier
from model.encoding import Encoded
from model.errors import StanceError
from model.records import Prediction
from model.store import Store
from service.batching import Call, Limits, MicroBatcher
from service.http_errors import ServiceUnavailable, SwapInProgress
from service.metrics import Metrics
from service.settings import Settings

log = logging.getLogger(__name__)


class ResultCache:
    """The last answers, by token ids: news agencies spread the same words a hundred times.

    Args:
        entries: most answers kept; the one unused for longest goes first. 0 keeps none.
    """

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._kept: OrderedDict[bytes, Prediction] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @staticmethod
    def key(item: Encoded) -> bytes:
        """Return what two texts share when the network cannot tell them apart."""
        return array("I", item.ids).tobytes() + (b"+" if item.truncated else b"")

    def get(self, key: bytes) -> Prediction | None:
        """Return a kept answer, or None."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: bytes, prediction: Prediction) -> None:
        """Keep an answer."""
        if not self._entries:
            return
        self._kept[key] = prediction
        self._kept.move_to_end(key)
        if len(self._kept) > self._entries:
            self._kept.popitem(last=False)


@dataclass(slots=True)
class Submission:
    """Texts of one request: those that the cache answers, and a call for the others.

    Args:
        results: one for each text; None where `call` brings it.
        call: the call for the texts that are not in the cache; each different one is run once.
        where: key of a text that runs -> (its position in the call, the positions of its results).
    """

    results: list[Prediction | Exception | None]
    call: Call[Prediction] | None = None
    where: dict[bytes, tuple[int, list[int]]] = field(default_factory=dict)


class Engine:
    """A classifier with its queue and cache.

    Args:
        classifier: what answers.
        manifest: of its checkpoint, for the model card.
        settings: limits of queue and batches.
        metrics: is told of every batch and answer.
    """

    def __init__(
        self, classifier: StanceClassifier, manifest: Manifest | None, settings: Settings, metrics: Metrics
    ) -> None:
        limits = Limits(settings.max_run_items, settings.max_run_tokens, settings.max_queue_texts)
        self.classifier = classifier
        self.manifest = manifest
        self.batcher: MicroBatcher[Encoded, Prediction] = MicroBatcher(classifier.score, len, limits, metrics.batch)
        self._cache = ResultCache(settings.cache_entries)
        self._metrics = metrics

    def submit(self, items: Sequence[Encoded], *, bulk: bool) -> Submission:
        """Look texts up in the cache and admit the others to the queue, at once.

        Raises:
            Overloaded, Closed, WorkerDied: see `MicroBatcher.admit`.
        """
        submission = Submission([None] * len(items))
        run: list[Encoded] = []
        for position, item in enumerate(items):
            key = ResultCache.key(item)
            if (found := self._cache.get(key)) is not None:
                submission.results[position] = found
            elif key in submission.where:
                submission.where[key][1].append(position)
            else:
                submission.where[key] = (len(run), [position])
                run.append(item)
        if run:
            submission.call = self.batcher.admit(run, bulk=bulk)
        self._metrics.cache_hits.inc(len(items) - len(run))
        self._metrics.cache_misses.inc(len(run))
        return submission

    def collect(self, submission: Submission) -> list[Prediction | Exception]:
        """Put the answers of a finished call beside those of the cache, in the order of the texts."""
        if submission.call is not None:
            answers = submission.call.future.result()
            for key, (place, positions) in submission.where.items():
                answer = answers[place]
                if isinstance(answer, Prediction):
                    self._cache.put(key, answer)
                for position in positions:
                    submission.results[position] = answer
        results = [result for result in submission.results if result is not None]
        for result in results:
            if isinstance(result, Prediction):
                self._metrics.prediction(result)
        return results


class ModelHost:
    """Holds the engine that serves.

    Args:
        settings: see `Settings`.
        metrics: see `Metrics`.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._engine: Engine | None = None
        self._failure: StanceError | None = None
        self._swapping = False
        self._leaving: set[asyncio.Task[bool]] = set()
        self.draining = False

    @property
    def engine(self) -> Engine:
        """The engine that serves.

        Raises:
            ServiceUnavailable: none is loaded, or its worker has died.
        """
        if self._engine is None:
            raise ServiceUnavailable(
                f"no model is loaded: {self._failure}" if self._failure else "the model is still loading"
            )
        if not self._engine.batcher.alive:
            raise ServiceUnavailable("the worker has stopped: the service must be restarted")
        return self._engine

    @property
    def stuck(self) -> bool:
        """Whether only a restart helps: the worker of the engine has died."""
        return self._engine is not None and not self._engine.batcher.alive and not self.draining

    @property
    def queued(self) -> int:
        """Texts admitted and not answered."""
        return self._engine.batcher.queued if self._engine else 0

    async def start(self, classifier: StanceClassifier | None = None) -> None:
        """Serve a classifier, or load the checkpoint of the settings; a failure is kept and shown by /readyz."""
        try:
            if classifier is not None:
                self._serve(Engine(classifier, None, self._settings, self._metrics))
            else:
                await self._load(None)
        except StanceError as error:
            self._failure = error
            log.error("the checkpoint cannot be served: %s", error)
        except Exception as error:
            self._failure = StanceError(f"the checkpoint cannot be loaded ({type(error).__name__}); see the log")
            log.exception("the checkpoint cannot be loaded")

    async def swap(self, folder: Path | None = None) -> tuple[str | None, str]:
        """Load a checkpoint beside the one that serves, warm it up, switch; the old one finishes its requests.

        Args:
            folder: the checkpoint, or None for that of the settings, else the one that was promoted last.

        Returns:
            The ids of the old and the new checkpoint.

        Raises:
            SwapInProgress: another one has not ended.
            StanceError: it cannot be loaded; the old one goes on serving.
        """
        if self._swapping:
            raise SwapInProgress("a checkpoint is being loaded; try again when it is there")
        self._swapping = True
        old = self._engine
        try:
            await self._load(folder)
        except StanceError as error:
            self._metrics.swaps.labels("failed").inc()
            log.error("the checkpoint stays, the new one cannot be served: %s", error)
            raise
        finally:
            self._swapping = False
        self._metrics.swaps.labels("done").inc()
        if old is not None:
            self._metrics.model.labels(old.classifier.checkpoint_id, old.classifier.backend.name).set(0)
            self._metrics_of(self.engine)
            leaving = asyncio.create_task(asyncio.to_thread(old.batcher.close, self._settings.drain_timeout_s))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        return old.classifier.checkpoint_id if old else None, self.engine.classifier.checkpoint_id

    async def close(self) -> None:
        """Finish what was admitted."""
        self.draining = True
        if self._leaving:
            await asyncio.wait(self._leaving)
        engine = self._engine
        if engine and not await asyncio.to_thread(engine.batcher.close, self._settings.drain_timeout_s):
            log.error("requests were still running after %s s", self._settings.drain_timeout_s)

    async def _load(self, folder: Path | None) -> None:
        from model.loading import open_classifier

        settings = self._settings
        chosen = folder or settings.checkpoint or Store(settings.store).current()
        classifier = await asyncio.to_thread(
            open_classifier, chosen, backend=settings.backend, threads=settings.cores_of_a_run()
        )
        self._serve(Engine(classifier, read_manifest(chosen), settings, self._metrics))

    def _serve(self, engine: Engine) -> None:
        self._engine, self._failure = engine, None
        self._metrics_of(engine)
        log.info("ready: %s on %s", engine.classifier.checkpoint_id, engine.classifier.backend.name)

    def _metrics_of(self, engine: Engine) -> None:
        self._metrics.model.labels(engine.classifier.checkpoint_id, engine.classifier.backend.name).set(1)
