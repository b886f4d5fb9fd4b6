"""Opens everything that a server process works with, in order, and closes it in the reverse."""

import contextlib
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import structlog
from pydantic import SecretStr

from graph.check import Check
from graph.database import Database, untraced
from graph.engines import Connection
from graph.engines.folder import write_private
from graph.events import Relay
from graph.keys import hash_of, new_secret
from graph.ledger import GraphLedgerStore, Trees
from graph.migrations import MIGRATIONS, migrate
from graph.rollups import Folder, RollupCheck, Rollups
from ledger.changes import Changes, Event
from ledger.committer import Committer
from ledger.errors import Unavailable
from ledger.model import DEFAULT_TENANT
from ledger.ports import EventListener, Wanted
from ledger.reservations import ReservationService
from ledger.service import LedgerService
from pricing.bounds import Bounds, load_models
from pricing.catalogue import load_catalogue
from pricing.quote import Pricer
from pricing.resources import price_lists
from resolvers.context import Services
from server.archives.archiver import Archiver, Retention
from server.archives.reading import ArchiveReader
from server.closer import Closer
from server.deliveries import Deliveries, vet_url
from server.late_prices import LatePrices
from server.metrics import Metrics
from server.outbound import Outbound, Policy
from server.refresh import Refresher
from server.routes import RequestSpans
from server.settings import Settings
from server.sweeper import Sweeper
from server.telemetry import open_telemetry, sending_metrics
from server.warm import warm
from server.workers import (
    Worker,
    archive_worker,
    close_worker,
    delivery_worker,
    fold_worker,
    late_prices_worker,
    refresh_worker,
    relay_worker,
    sweep_worker,
)

logger = structlog.get_logger("costgraph.server")


@dataclass(frozen=True)
class Running:
    """The open services of one process. They are migrated and warm."""

    services: Services
    database: Database
    workers: Mapping[str, Worker | Committer]
    """By the names that readiness has for them."""
    metrics: Metrics
    observer: "Observer"
    spans: RequestSpans | None = None
    """Where requests are traced."""

    def gauge(self) -> None:
        """Read what the metrics show of the graph."""
        self.metrics.fold_lag.set(self.services.rollups.lag())
        self.metrics.show_sources(self.services.price_sources.health())

    def listen(self, listener: EventListener) -> None:
        """Tell a listener of every budget event that this process commits, from now on."""
        self.observer.listeners.append(listener)


class Observer:
    """Tells the metrics, the fold, the other workers, the relay and the listeners of every batch."""

    def __init__(self, metrics: Metrics, folder: Folder) -> None:
        self._metrics = metrics
        self._folder = folder
        self.workers: tuple[Sweeper | LatePrices, ...] = ()
        self.relay: Relay | None = None
        self.listeners: list[EventListener] = []

    def committed(self, changes: Changes, commands: int, seconds: float, waiting: int) -> None:
        """A tenant's part of a batch is durable."""
        self._metrics.commits.inc()
        self._metrics.commit_rows.observe(commands)
        self._metrics.commit_seconds.observe(seconds)
        self._metrics.queue_depth.set(waiting)
        self._metrics.holds_granted.inc(changes.granted)
        self._metrics.holds_expired.inc(changes.expired)
        self._folder.committed(changes)
        for worker in self.workers:
            worker.committed(changes)
        if self.relay is not None:
            self.relay.committed(changes.head.tenant)
        for event in changes.events if self.listeners else ():
            self._tell(event)

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            try:
                listener.happened(event)
            except Exception:
                # What is committed stays committed, and the other listeners are told.
                logger.exception("a listener failed", event_type=event.type)

    def settled(self, operations: int) -> None:
        """Operations that awaited a price got it."""
        self._metrics.late_prices.inc(operations)

    def retried(self, reason: str) -> None:
        """A batch is decided again."""
        self._metrics.commit_retries.inc()
        logger.info("commit_retried", reason=reason)


@contextlib.contextmanager
def open_services(settings: Settings, connection: Connection, *, hot: bool = True) -> Generator[Running]:
    """Migrations, admin key, workers; ``hot`` warms the statements first. Raises ``GraphError``.

    At the end nothing more is taken, and what waits is committed.
    """
    with contextlib.ExitStack() as stack:
        # Half a second of work: meanwhile the engine migrates.
        beside = stack.enter_context(ThreadPoolExecutor(1))
        catalogue = beside.submit(load_catalogue)
        telemetry = stack.enter_context(open_telemetry(settings))
        spans = telemetry.spans
        database = stack.enter_context(Database(connection, span=untraced if spans is None else spans.query))
        database.verify()
        migrate(database, MIGRATIONS)
        lists = price_lists(catalogue.result())
        pricer = Pricer(lists)
        bounds = Bounds(pricer, load_models(), catalogue.result())
        metrics = Metrics()
        outbound = Outbound(Policy(settings.networks, http=settings.outbound_http))
        store, trees = GraphLedgerStore(database), Trees(database)
        rollups = Rollups(database, trees)
        folder = Folder(database, rollups)
        observer = Observer(metrics, folder)
        committer = Committer(store, lists=lists, observer=observer, spans=spans)
        services = Services.on(
            database,
            ledger=LedgerService(committer, pricer),
            reserving=ReservationService(committer, pricer, bounds, refused=metrics.refused),
            trees=trees,
            rollups=rollups,
            check=Check(database, trees, RollupCheck(database, rollups)),
            lists=lists,
            vet_url=partial(vet_url, outbound),
        )
        refresher = Refresher(
            services.price_sources,
            services.prices,
            committer,
            outbound,
            catalogue.result(),
            files_dir=settings.price_files_dir,
            told=metrics.refreshed,
        )
        retention = Retention(settings.archives, settings.retention_days)
        tenants = services.reservations.tenants
        archiver = Archiver(services.archives, committer, retention, tenants, metrics)
        reader = ArchiveReader(services.archives, settings.archives)
        services = replace(services, refreshing=refresher, archiving=archiver, reading_archives=reader)
        found_default_tenant(store)
        services.keys.ensure_admin(hash_of(admin_key(settings).get_secret_value()))
        if hot:
            warm(store, pricer)
        deliveries = _deliveries(settings, services, outbound, metrics)
        # Those after the committer commit, so they start after it does, and stop before it.
        workers = {
            "fold": fold_worker(folder),
            "relay": relay_worker(services.relay),
            "deliveries": delivery_worker(deliveries),
            "committer": committer,
            "refresher": refresh_worker(refresher),
            "closer": close_worker(Closer(services.agreement_months, committer)),
            "archiver": archive_worker(archiver),
            **_woken_by_commits(services, committer, observer),
        }
        for worker in workers.values():
            worker.start()
            stack.callback(worker.stop)
        running = Running(services, database, workers, metrics, observer, spans)
        stack.enter_context(sending_metrics(settings, telemetry, metrics, running.gauge))
        yield running


def _deliveries(settings: Settings, services: Services, outbound: Outbound, metrics: Metrics) -> Deliveries:
    return Deliveries(
        services.webhooks,
        services.relay,
        services.trees,
        outbound,
        metrics,
        settings.webhook_pauses,
        settings.webhook_dead_letters,
    )


def _woken_by_commits(services: Services, committer: Committer, observer: Observer) -> dict[str, Worker]:
    """Workers that are told of every batch, and the observer that tells them."""
    sweeper = Sweeper(services.reservations, committer)
    late_prices = LatePrices(
        committer,
        services.usage,
        services.prices,
        services.trees,
        services.reservations.tenants,
        observer.settled,
    )
    observer.workers = (sweeper, late_prices)
    observer.relay = services.relay
    return {"sweeper": sweep_worker(sweeper), "late_prices": late_prices_worker(late_prices)}


def found_default_tenant(store: GraphLedgerStore) -> None:
    """Make the one tenant that everybody has, with its ``unattributed`` budget."""
    # Where another process is doing the same, it is done.
    with contextlib.suppress(Unavailable), store.transaction() as transaction:
        transaction.lock([DEFAULT_TENANT], Wanted())


def admin_key(settings: Settings) -> SecretStr:
    """The admin key of the environment, else the one in the data folder, made at the first start."""
    if settings.admin_key is not None:
        return settings.admin_key
    file = settings.admin_key_file
    if not file.exists():
        write_private(file, new_secret())
    return SecretStr(file.read_text(encoding="utf-8").strip())
