"""What Prometheus scrapes: the counters of all services, and how good the streams were that ended. No I/O.

Names and labels follow prometheus.io/docs/practices/naming: base units, `_total` for what only grows, and no label
whose values a stranger could multiply.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.services import ServiceView
from shared.broker import WorkerStatus
from shared.events import CallAnswered, CallEnded, CallStarted, Event, StreamEnded, StreamReport

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

# What a heartbeat counts that goes down too; everything else in it is a total since the start.
GAUGES: Final = frozenset(
    {
        "calls", "capacity", "clients", "draining", "forwarded", "lanes", "load", "registrations", "sources_banned",
        "tcp_connections", "timers", "tls_connections", "transactions",
    }
)  # fmt: skip
# The encoding names of SDP are chosen by strangers; these are shown, the rest is "other".
CODECS: Final = frozenset(
    {"PCMA", "PCMU", "G722", "G729", "OPUS", "G723", "GSM", "G726-32", "ILBC", "SPEEX", "AMR", "AMR-WB", "EVS"}
)
# The bounds of G.109 stand among them, as MOS: 2.58, 3.10, 3.60, 4.03, 4.34.
MOS_BUCKETS: Final = (1.5, 2.0, 2.58, 3.1, 3.6, 4.03, 4.34, 4.5)
LOSS_BUCKETS: Final = (0.0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
JITTER_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5)


class Tally:
    """Counts what ends, since this process began."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("codec", "direction")
        self._mos = Histogram(
            "vqm_stream_mos", "MOS-LQ of RTP streams that ended", labels, buckets=MOS_BUCKETS, registry=self._registry
        )
        self._loss = Histogram(
            "vqm_stream_loss_ratio",
            "packets lost over packets expected, of RTP streams that ended",
            labels,
            buckets=LOSS_BUCKETS,
            registry=self._registry,
        )
        self._jitter = Histogram(
            "vqm_stream_jitter_seconds",
            "highest RFC 3550 jitter of RTP streams that ended",
            labels,
            buckets=JITTER_BUCKETS,
            registry=self._registry,
        )
        self._attempts = Counter("vqm_call_attempts", "INVITEs that were routed", registry=self._registry)
        self._answered = Counter("vqm_calls_answered", "calls that were answered", registry=self._registry)
        self._ended = Counter(
            "vqm_calls_ended", "calls that are over, by final response", ("response",), registry=self._registry
        )

    def observe(self, event: Event) -> None:
        """Takes one event in."""
        match event:
            case CallStarted():
                self._attempts.inc()
            case CallAnswered():
                self._answered.inc()
            case CallEnded():
                code = event.final_code
                self._ended.labels("none" if code is None else f"{code // 100}xx").inc()
            case StreamEnded():
                self._stream(event.report)

    def page(self, services: Iterable[ServiceView], workers: Iterable[WorkerStatus]) -> bytes:
        """The text that a scrape gets."""
        others = CollectorRegistry()
        others.register(_Services(list(services)))
        others.register(_Workers(list(workers)))
        return generate_latest(self._registry) + generate_latest(others)

    def _stream(self, report: StreamReport) -> None:
        codec = (report.codec or "").upper()
        labels = (codec if codec in CODECS else "other", report.direction)
        total = report.total
        if total.quality is not None and total.quality.mos is not None:
            self._mos.labels(*labels).observe(total.quality.mos)
        if total.loss_percent is not None:
            self._loss.labels(*labels).observe(total.loss_percent / 100)
        if total.jitter_max_ms is not None:
            self._jitter.labels(*labels).observe(total.jitter_max_ms / 1000)


class _Services(Collector):
    """The heartbeats, as metrics of the services that sent them."""

    def __init__(self, services: list[ServiceView]) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("vqm_service_up", "1 while its heartbeat comes", labels=("service", "instance"))
        started = GaugeMetricFamily(
            "vqm_service_start_time_seconds", "when it started, epoch", labels=("service", "instance")
        )
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for service in self._services:
            labels = (service.service, service.instance or "")
            up.add_metric(labels, float(service.alive))
            if not service.alive:
                continue  # its last figures are no longer true
            if service.started_at is not None:
                started.add_metric(labels, service.started_at)
            for name, value in service.counters.items():
                family = _family(families, service.service, name)
                family.add_metric((service.instance or "",), value)
        yield up
        yield started
        yield from families.values()


class _Workers(Collector):
    """What the relay workers announce of themselves."""

    def __init__(self, workers: list[WorkerStatus]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """One sample a worker; unknown delays have none."""
        load = GaugeMetricFamily("vqm_worker_media", "media it carries", labels=("worker",))
        capacity = GaugeMetricFamily("vqm_worker_capacity", "media it can carry; 0: it drains", labels=("worker",))
        delay = GaugeMetricFamily(
            "vqm_worker_delay_seconds", "how long packets waited in it of late", labels=("worker", "quantile")
        )
        for status in self._workers:
            load.add_metric((status.worker,), status.load)
            capacity.add_metric((status.worker,), status.capacity)
            for quantile, delay_ms in (("0.5", status.delay_p50_ms), ("0.99", status.delay_p99_ms)):
                if delay_ms is not None:
                    delay.add_metric((status.worker, quantile), delay_ms / 1000)
        yield from (load, capacity, delay)


def _family(
    families: dict[str, CounterMetricFamily | GaugeMetricFamily], service: str, name: str
) -> CounterMetricFamily | GaugeMetricFamily:
    full = f"vqm_{service.replace('-', '_')}_{name}"
    if full not in families:
        kind = GaugeMetricFamily if name in GAUGES else CounterMetricFamily
        families[full] = kind(full, f"{name.replace('_', ' ')} of {service}", labels=("instance",))
    return families[full]
