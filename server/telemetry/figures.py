"""Metrics: the figures of ``/metrics``, as OpenTelemetry has them, sent at intervals.

There is one set of figures, counted once; this is its second way out. Names have a dot after ``costgraph``,
and seconds are durations: ``costgraph_commit_seconds`` is ``costgraph.commit.duration`` in ``s``. What an
HTTP server measures has the name that OpenTelemetry's conventions give it.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final, NamedTuple, cast

import structlog
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    DataT,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

from server.metrics import Metrics

NANO: Final = 1_000_000_000
SECONDS: Final = "_seconds"
CONVENTIONAL: Final = {"costgraph_request_seconds": "http.server.request.duration"}
ATTRIBUTES: Final = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
}
"""Our labels by the names of the conventions; others keep theirs."""

logger = structlog.get_logger("costgraph.telemetry")


class Sender:
    """A thread that sends the figures at intervals, and once more at its end."""

    def __init__(
        self, resource: Resource, metrics: Metrics, gauge: Callable[[], None], interval_seconds: float
    ) -> None:
        """``gauge`` reads what the metrics show of the graph; what it raises is not sent."""
        self._resource = resource
        self._metrics = metrics
        self._gauge = gauge
        self._interval_seconds = interval_seconds
        self._exporter = OTLPMetricExporter()
        self._started_ns = time.time_ns()
        self._stop = threading.Event()
        self._reading = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop_reading(self) -> None:
        """Read nothing of the graph any more: an engine that stops waits for whoever still does."""
        self._stop.set()
        with self._reading:
            pass

    def shutdown(self) -> None:
        """Send once more, and stop."""
        self._stop.set()
        self._thread.join()
        self._exporter.shutdown()  # pyright: ignore[reportUnknownMemberType] - untyped options

    def _run(self) -> None:
        while not self._stop.wait(self._interval_seconds):
            self._send()
        self._send()

    def _send(self) -> None:
        with self._reading:
            if not self._stop.is_set():
                self._read()
        scope = InstrumentationScope("costgraph", version("costgraph"))
        metrics = list(metrics_of(self._metrics.families(), self._started_ns, time.time_ns()))
        self._exporter.export(  # pyright: ignore[reportUnknownMemberType] - untyped options
            MetricsData([ResourceMetrics(self._resource, [ScopeMetrics(scope, metrics, "")], "")])
        )

    def _read(self) -> None:
        try:
            self._gauge()
        except Exception as error:  # noqa: BLE001 - the figures that are there go out all the same
            logger.warning("gauges_not_read", error=type(error).__name__)


def metrics_of(families: Iterable[Family], started_ns: int, now_ns: int) -> Iterator[Metric]:
    """OpenTelemetry's form of Prometheus' metric families; cumulative since the process started."""
    for family in families:
        data = _data_of(family, started_ns, now_ns)
        if data is not None:
            unit = "s" if family.name.endswith(SECONDS) else "1"
            yield Metric(name_of(family.name), family.documentation, unit, data)


def name_of(family: str) -> str:
    """A metric's name in OpenTelemetry's manner."""
    if family in CONVENTIONAL:
        return CONVENTIONAL[family]
    name = family.replace("_", ".", 1)
    return f"{name.removesuffix(SECONDS)}.duration" if name.endswith(SECONDS) else name


def _data_of(family: Family, started_ns: int, now_ns: int) -> DataT | None:
    match family.type:
        case "counter":
            return Sum(
                [
                    NumberDataPoint(_attributes(each.labels), started_ns, now_ns, each.value)
                    for each in family.samples
                    if each.name.endswith("_total")
                ],
                AggregationTemporality.CUMULATIVE,
                is_monotonic=True,
            )
        case "gauge":
            return Gauge(
                [
                    NumberDataPoint(_attributes(each.labels), started_ns, now_ns, each.value)
                    for each in family.samples
                ]
            )
        case "histogram":
            points = [each.point(started_ns, now_ns) for each in _series(family.samples)]
            return Histogram(points, AggregationTemporality.CUMULATIVE)
        case _:
            return None


class _Series(NamedTuple):
    """One histogram of a family."""

    labels: Mapping[str, str]
    below: list[tuple[float, float]]
    """Bounds, each with how many were at most that."""
    total: list[float]
    """The sum of what was observed."""

    def point(self, started_ns: int, now_ns: int) -> HistogramDataPoint:
        ordered = sorted(self.below)
        counts = [int(count) for _, count in ordered]
        return HistogramDataPoint(
            _attributes(self.labels),
            started_ns,
            now_ns,
            count=counts[-1],
            sum=self.total[0],
            bucket_counts=[count - before for count, before in zip(counts, [0, *counts], strict=False)],
            explicit_bounds=[bound for bound, _ in ordered[:-1]],  # the last one is infinite
            # Nobody keeps these, and they are optional on the wire.
            min=cast("float", None),
            max=cast("float", None),
        )


def _series(samples: Iterable[Sample]) -> Iterable[_Series]:
    found: dict[tuple[tuple[str, str], ...], _Series] = {}
    for sample in samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        series = found.setdefault(tuple(sorted(labels.items())), _Series(labels, [], [0.0]))
        if sample.name.endswith("_bucket"):
            series.below.append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_sum"):
            series.total[0] = sample.value
    return [each for each in found.values() if each.below]


def _attributes(labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        ATTRIBUTES.get(name, name): int(value) if name == "status" else value
        for name, value in labels.items()
    }
