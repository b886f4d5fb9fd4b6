"""Opens everything that a server process works with, in order, and closes it in the reverse."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass

import structlog

from graph.database import Database
from graph.engines import open_engine
from graph.ledger import GraphLedgerStore, Trees
from graph.migrations import MIGRATIONS, migrate
from ledger.changes import Changes
from ledger.committer import Committer
from ledger.service import LedgerService
from pricing.catalogue import load_catalogue
from pricing.quote import Pricer
from server.metrics import Metrics
from server.settings import Settings
from server.warm import warm

logger = structlog.get_logger("costgraph.server")


@dataclass(frozen=True)
class Running:
    """The open services of one process. They are migrated and warm."""

    settings: Settings
    database: Database
    trees: Trees
    ledger: LedgerService
    committer: Committer
    metrics: Metrics


class _Observer:
    """Tells the metrics of every batch."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def committed(self, changes: Changes, commands: int, seconds: float, waiting: int) -> None:
        self._metrics.commits.inc()
        self._metrics.commit_rows.observe(commands)
        self._metrics.commit_seconds.observe(seconds)
        self._metrics.queue_depth.set(waiting)

    def retried(self, reason: str) -> None:
        self._metrics.commit_retries.inc()
        logger.info("commit_retried", reason=reason)


@contextlib.contextmanager
def open_services(settings: Settings) -> Generator[Running]:
    """Engine, migrations, committer, warm. Raises ``GraphError``.

    At the end nothing more is taken, what waits is committed, then the engine is let go.
    """
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(open_engine(settings.data_dir, neo4j=settings.neo4j))
        database = stack.enter_context(Database(connection))
        database.verify()
        migrate(database, MIGRATIONS)
        metrics = Metrics()
        store = GraphLedgerStore(database)
        pricer = Pricer([load_catalogue()])
        warm(store, pricer)
        committer = Committer(store, observer=_Observer(metrics))
        stack.callback(committer.stop)
        committer.start()
        yield Running(
            settings, database, Trees(database), LedgerService(committer, pricer), committer, metrics
        )
