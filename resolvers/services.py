"""What all requests of a process share. ``server`` makes one and gives it to every ``Context``."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from anyio import CapacityLimiter

from graph.agents import Agents
from graph.agreements import AgreementMonths
from graph.anomalies import Anomalies
from graph.archives import Archives
from graph.audit import AuditLog
from graph.budgets import Budgets
from graph.check import Check
from graph.database import Database
from graph.delegation import Delegations
from graph.events import EventStream, Relay
from graph.evolution import Experiments
from graph.keys import Keys
from graph.ledger import Trees
from graph.overrides import Overrides
from graph.price_sources import PriceSources
from graph.prices import PriceBooks
from graph.reservations import Reservations
from graph.rollups import Rollups
from graph.usage import UsagePages
from graph.webhooks import Webhooks
from ledger.archive import ArchiveState, Step, StoredArchive
from ledger.errors import Unavailable
from ledger.price_sources import HeldPrice, StoredSource
from ledger.reservations import ReservationService
from ledger.service import LedgerService
from pricing.ports import RateSource
from pricing.sources import PriceSource

READERS_MAX = 16
"""How many reads of a process run at once; the rest wait their turn."""
CHECKS_MAX = 2
"""The same for checks of the books, which read everything."""
SCORERS_MAX = 2
"""The same for experiments that are looked at as a whole."""
REFRESHERS_MAX = 2
"""The same for what waits for the servers of others."""


def system_clock() -> int:
    """Microseconds since the epoch by the system's clock."""
    return time.time_ns() // 1_000


class Refreshing(Protocol):
    """What changes price sources, and reads them; all of it blocks. Raises ``LedgerError``."""

    def put(self, tenant: str, author: str, source: PriceSource) -> StoredSource:
        """Set up a source, or anew."""
        ...

    def remove(self, tenant: str, author: str, source_id: str) -> StoredSource:
        """Forget a source."""
        ...

    def refresh(self, tenant: str, source_id: str) -> StoredSource:
        """Read a source now."""
        ...

    def decide(
        self, tenant: str, author: str, held_ids: Sequence[str], reason: str | None, *, approve: bool
    ) -> list[HeldPrice]:
        """Take held prices, or turn them down."""
        ...


class Archiving(Protocol):
    """What archives raw usage; it blocks. Raises ``LedgerError``."""

    def horizon_us(self, days: int) -> int:
        """Usage that happened before this instant is that many days old."""
        ...

    def step(
        self,
        tenant: str,
        horizon_us: int,
        after: str,
        first: int,
        *,
        author: str | None = None,
        dry_run: bool = False,
    ) -> Step:
        """Look at the next operations before an instant, and archive what may go into one file."""
        ...


class ArchiveFiles(Protocol):
    """What reads archives' files; all of it blocks. Raises ``LedgerError``."""

    def row(self, usage_uid: str) -> tuple[StoredArchive, dict[str, Any]] | None:
        """An operation's archive and its line there; None where it is not archived."""
        ...

    def state(self, archive: StoredArchive) -> ArchiveState:
        """Whether a file is what was archived."""
        ...

    def orphans(self, tenant: str) -> Sequence[str]:
        """Files of a tenant that no archive names."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The stores and the ledger of a process."""

    ledger: LedgerService
    reserving: ReservationService
    trees: Trees
    rollups: Rollups
    check: Check
    budgets: Budgets
    agents: Agents
    reservations: Reservations
    usage: UsagePages
    keys: Keys
    prices: PriceBooks
    price_sources: PriceSources
    experiments: Experiments
    delegations: Delegations
    relay: Relay
    webhooks: Webhooks
    vet_url: Callable[[str], None]
    """Raises ``InvalidInput`` for an address that nothing is sent to."""
    audit: AuditLog
    overrides: Overrides
    anomalies: Anomalies
    agreement_months: AgreementMonths
    archives: Archives
    archiving: Archiving | None = None
    """None in a process that archives nothing; so is the next one."""
    reading_archives: ArchiveFiles | None = None
    refreshing: Refreshing | None = None
    """None in a process that reads no price sources."""
    clock: Callable[[], int] = system_clock
    readers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(READERS_MAX))
    checkers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(CHECKS_MAX))
    scorers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(SCORERS_MAX))
    refreshers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(REFRESHERS_MAX))

    @property
    def refresher(self) -> Refreshing:
        """What reads price sources. Raises ``Unavailable`` where nothing does."""
        if self.refreshing is None:
            raise Unavailable("This process reads no price sources.")
        return self.refreshing

    @property
    def archiver(self) -> Archiving:
        """What archives raw usage. Raises ``Unavailable`` where nothing does."""
        if self.archiving is None:
            raise Unavailable("This process archives no usage.")
        return self.archiving

    @property
    def archive_files(self) -> ArchiveFiles:
        """What reads archives' files. Raises ``Unavailable`` where nothing does."""
        if self.reading_archives is None:
            raise Unavailable("This process reads no archives.")
        return self.reading_archives

    @classmethod
    def on(
        cls,
        database: Database,
        *,
        ledger: LedgerService,
        reserving: ReservationService,
        trees: Trees,
        rollups: Rollups,
        check: Check,
        lists: Sequence[RateSource],
        vet_url: Callable[[str], None],
    ) -> "Services":
        """With the plain stores of a database; ``lists`` are the price lists that tenants' cards lie over."""
        return cls(
            ledger=ledger,
            reserving=reserving,
            trees=trees,
            rollups=rollups,
            check=check,
            budgets=Budgets(database),
            agents=Agents(database),
            reservations=Reservations(database),
            usage=UsagePages(database),
            keys=Keys(database),
            prices=PriceBooks(database, lists),
            price_sources=PriceSources(database),
            experiments=Experiments(database),
            audit=AuditLog(database),
            overrides=Overrides(database),
            anomalies=Anomalies(database),
            agreement_months=AgreementMonths(database),
            archives=Archives(database),
            delegations=Delegations(database),
            relay=Relay(EventStream(database)),
            webhooks=Webhooks(database),
            vet_url=vet_url,
        )
