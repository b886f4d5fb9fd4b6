"""What ``/metrics`` tells. No label names a tenant, a budget, an agent or a key.

With several workers each process writes into the files of ``PROMETHEUS_MULTIPROC_DIR``, which
``costgraph serve`` provides, and any of them answers for all.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import Response

from cypher.price_sources import HealthRow
from ledger.price_sources import RefreshOutcome
from pricing.sources import SourceKind
from server.run import MULTIPROCESS_DIR

_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ARCHIVING: Final = {
    "archived_operations": "Operations whose raw usage was archived",
    "archived_files": "Files that raw usage was archived in",
    "archive_failures": "Runs of archiving that broke off",
}
_SOURCES: Final = {
    "sources": ("costgraph_price_sources", "Price sources that are set up"),
    "failing": ("costgraph_price_sources_failing", "Price sources whose last refresh failed"),
    "waiting": ("costgraph_prices_held", "Prices that wait for somebody's approval"),
}


def _counters(meanings: Mapping[str, str], registry: CollectorRegistry) -> dict[str, Counter]:
    return {name: Counter(f"costgraph_{name}", text, registry=registry) for name, text in meanings.items()}


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.commits = Counter("costgraph_commits", "Committed ledger transactions", registry=registry)
        self.commit_rows = Histogram(
            "costgraph_commit_rows", "Commands per committed transaction", buckets=_ROWS, registry=registry
        )
        self.commit_seconds = Histogram(
            "costgraph_commit_seconds",
            "Seconds per committed transaction",
            buckets=_SECONDS,
            registry=registry,
        )
        self.commit_retries = Counter(
            "costgraph_commit_retries", "Ledger transactions that had to be run again", registry=registry
        )
        self.queue_depth = Gauge(
            "costgraph_queue_depth",
            "Commands that wait for a commit",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.fold_lag = Gauge(
            "costgraph_fold_lag_entries",
            "Entries that the rollups' fold has yet to read (queries add them on their own)",
            multiprocess_mode="livemostrecent",
            registry=registry,
        )
        self.sockets = Gauge(
            "costgraph_websockets",
            "WebSockets that are open",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.deliveries = Counter(
            "costgraph_webhook_deliveries",
            "Attempts to deliver an event to a webhook endpoint, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.requests = Histogram(
            "costgraph_request_seconds",
            "Seconds per request",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.refusals = Counter(
            "costgraph_refusals", "Refusals and errors by their code", ["code"], registry=registry
        )
        self.holds_granted = Counter("costgraph_holds_granted", "Reservations granted", registry=registry)
        self.holds_expired = Counter(
            "costgraph_holds_expired", "Reservations that ended by themselves", registry=registry
        )
        self.late_prices = Counter(
            "costgraph_late_prices",
            "Operations that were settled when their price was known",
            registry=registry,
        )
        self._archiving = _counters(_ARCHIVING, registry)
        self.refreshes = Counter(
            "costgraph_price_refreshes",
            "Refreshes of price sources by what is read and how it ended",
            ["kind", "outcome"],
            registry=registry,
        )
        self._sources = {
            figure: Gauge(name, meaning, multiprocess_mode="livemostrecent", registry=registry)
            for figure, (name, meaning) in _SOURCES.items()
        }

    def refreshed(self, kind: SourceKind, outcome: RefreshOutcome) -> None:
        """A price source was refreshed."""
        self.refreshes.labels(kind.lower(), outcome.lower()).inc()

    def show_sources(self, row: HealthRow) -> None:
        """How the price sources are, of all tenants together."""
        self._sources["sources"].set(row["sources"])
        self._sources["failing"].set(row["failing"])
        self._sources["waiting"].set(row["waiting"])

    def archived(self, operations: int) -> None:
        """A file was archived."""
        self._archiving["archived_operations"].inc(operations)
        self._archiving["archived_files"].inc()

    def archiving_failed(self) -> None:
        """A run of archiving broke off."""
        self._archiving["archive_failures"].inc()

    def refused(self, code: str) -> None:
        """Something was refused."""
        self.refusals.labels(code).inc()

    def families(self) -> Iterable[Metric]:
        """What this process counts."""
        return self._registry.collect()

    def response(self) -> Response:
        """All of it, in Prometheus' text format."""
        registry = self._registry
        if os.environ.get(MULTIPROCESS_DIR):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
