"""What all requests of a process share. ``server`` makes one and gives it to every ``Context``."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from anyio import CapacityLimiter

from graph.agents import Agents
from graph.budgets import Budgets
from graph.check import Check
from graph.database import Database
from graph.delegation import Delegations
from graph.events import EventStream, Relay
from graph.evolution import Experiments
from graph.keys import Keys
from graph.ledger import Trees
from graph.prices import PriceBooks
from graph.reservations import Reservations
from graph.rollups import Rollups
from graph.usage import UsagePages
from graph.webhooks import Webhooks
from ledger.reservations import ReservationService
from ledger.service import LedgerService
from pricing.ports import RateSource

READERS_MAX = 16
"""How many reads of a process run at once; the rest wait their turn."""
CHECKS_MAX = 2
"""The same for checks of the books, which read everything."""
SCORERS_MAX = 2
"""The same for experiments that are looked at as a whole."""


def system_clock() -> int:
    """Microseconds since the epoch by the system's clock."""
    return time.time_ns() // 1_000


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
    experiments: Experiments
    delegations: Delegations
    relay: Relay
    webhooks: Webhooks
    vet_url: Callable[[str], None]
    """Raises ``InvalidInput`` for an address that nothing is sent to."""
    clock: Callable[[], int] = system_clock
    readers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(READERS_MAX))
    checkers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(CHECKS_MAX))
    scorers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(SCORERS_MAX))

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
            experiments=Experiments(database),
            delegations=Delegations(database),
            relay=Relay(EventStream(database)),
            webhooks=Webhooks(database),
            vet_url=vet_url,
        )
