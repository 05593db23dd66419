"""What Prometheus is told."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from model.records import Prediction
from service.batching import BatchReport

LATENCIES_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""Where several workers keep their numbers together; set by `service.server`."""


class Metrics:
    """The metrics of one app."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "stance_requests", "Requests by route and status.", ["route", "status"], registry=registry
        )
        self.latency = Histogram(
            "stance_request_seconds", "Time to answer a request.", ["route"], buckets=LATENCIES_S, registry=registry
        )
        self.stage = Histogram(
            "stance_stage_seconds",
            "Time of a stage: prepare (tokenise) a request, wait for and run a batch.",
            ["stage"],
            buckets=LATENCIES_S,
            registry=registry,
        )
        self.queued = Gauge(
            "stance_queue_texts", "Texts admitted and not answered.", registry=registry, multiprocess_mode="livesum"
        )
        self.batch_texts = Histogram(
            "stance_batch_texts", "Texts in a batch.", buckets=(1, 2, 4, 8, 12, 16, 32, 64), registry=registry
        )
        self.tokens = Counter("stance_tokens", "Tokens run, padding not counted.", registry=registry)
        self.padding = Counter(
            "stance_padding_tokens", "Padding beside them; compiled, attention alone reads it.", registry=registry
        )
        self.failed = Counter("stance_failed_texts", "Texts on which the network failed.", registry=registry)
        self.rejected = Counter("stance_rejected", "Requests refused, by code.", ["code"], registry=registry)
        self.labels = Counter("stance_labels", "Texts answered, by stance.", ["stance"], registry=registry)
        self.uncertain = Counter("stance_uncertain", "Texts answered as uncertain.", registry=registry)
        self.truncated = Counter("stance_truncated", "Texts whose end was not seen.", registry=registry)
        self.cache_hits = Counter("stance_cache_hits", "Texts answered from the cache.", registry=registry)
        self.cache_misses = Counter("stance_cache_misses", "Texts that were not in the cache.", registry=registry)
        self.swaps = Counter("stance_checkpoint_swaps", "Changes of the checkpoint.", ["outcome"], registry=registry)
        self.model = Gauge(
            "stance_model_info",
            "1 for the checkpoint that serves.",
            ["model", "backend"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._waited, self._ran = self.stage.labels("queue"), self.stage.labels("run")
        self.prepared = self.stage.labels("prepare")
        self._of_request: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._of_stance: dict[str, Counter] = {}
        self._of_code: dict[str, Counter] = {}

    def request(self, route: str, status: int, took_s: float) -> None:
        """Count one request; to look its counters up by their labels costs as much as to count."""
        found = self._of_request.get((route, status))
        if found is None:
            found = self.requests.labels(route, str(status)), self.latency.labels(route)
            self._of_request[route, status] = found
        found[0].inc()
        found[1].observe(took_s)

    def refused(self, code: str) -> None:
        """Count one request that got an error."""
        counter = self._of_code.get(code) or self._of_code.setdefault(code, self.rejected.labels(code))
        counter.inc()

    def batch(self, report: BatchReport) -> None:
        """Count one batch; called in the worker thread."""
        self.batch_texts.observe(report.items)
        self.tokens.inc(report.cost)
        self.padding.inc(max(0, report.padded_cost - report.cost))
        self._waited.observe(report.waited_s)
        self._ran.observe(report.ran_s)
        if report.failed:
            self.failed.inc(report.failed)

    def prediction(self, prediction: Prediction) -> None:
        """Count one answer."""
        stance = prediction.stance.label
        counter = self._of_stance.get(stance) or self._of_stance.setdefault(stance, self.labels.labels(stance))
        counter.inc()
        if prediction.uncertain:
            self.uncertain.inc()
        if prediction.truncated:
            self.truncated.inc()

    def render(self) -> bytes:
        """Return all metrics in the text format; of all workers, where there are several."""
        if os.environ.get(MULTIPROCESS):
            together = CollectorRegistry()
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]
            return generate_latest(together)
        return generate_latest(self._registry)
