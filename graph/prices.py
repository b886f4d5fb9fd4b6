"""What organisations say about prices, as readers use it: one per tenant and process.

It is renewed when the ledger's version moves, as the budget trees are: a card that was changed anywhere
prices nothing more in the next request, in every process.
"""

import threading
from collections.abc import Sequence

from cypher import ledger as ledger_queries
from cypher import prices as queries
from cypher.prices import PricedRow
from graph.database import Database
from graph.ledger.price_rows import add_said, since
from graph.ledger.price_store import read_bills, read_months
from graph.ledger.settled import settled_head
from graph.ledger.usage_rows import request_of
from ledger.changes import MonthUse
from ledger.explain import Priced
from ledger.model import ChargePath
from ledger.reader import Bill
from pricing.ports import RateSource
from pricing.prices import Prices


class PriceBooks:
    """Prices by tenant. Thread-safe; what was handed out never changes."""

    def __init__(self, database: Database, lists: Sequence[RateSource]) -> None:
        """``lists`` are the price lists that the tenants' own cards lie over."""
        self._database = database
        self._lists = tuple(lists)
        self._prices: dict[str, tuple[int, Prices]] = {}
        self._renewing = threading.Lock()

    def get(self, tenant: str) -> Prices:
        """What the tenant has said, as committed now. A tenant without a ledger has said nothing."""
        head = next(iter(self._database.read(ledger_queries.HEAD, {"tenant": tenant})), None)
        if head is None:
            return Prices(self._lists)
        known = self._prices.get(tenant)
        if known is not None and known[0] >= head["version"]:
            return known[1]
        with self._renewing:
            known = self._prices.get(tenant)
            if known is not None and known[0] >= head["version"]:
                return known[1]
            return self._renew(tenant, known)

    def months(self, uids: Sequence[str]) -> dict[str, MonthUse]:
        """Those of the months' uses that exist, by uid."""
        return self._database.reading(lambda transaction: read_months(transaction, uids))

    def bills(self, uids: Sequence[str]) -> list[Bill]:
        """Those of the usages that exist, as far as their prices go."""
        return self._database.reading(lambda transaction: read_bills(transaction, uids))

    def priced(self, entry_uids: Sequence[str]) -> dict[str, Priced]:
        """What entries were for and who paid, by uid."""
        found = self._database.read(queries.PRICED, {"uids": list(entry_uids)})
        return {row["uid"]: _priced_of(row) for row in found}

    def _renew(self, tenant: str, known: tuple[int, Prices] | None) -> Prices:
        version, prices = (-1, Prices(self._lists)) if known is None else known

        # The version first: what comes in between is loaded again the next time.
        head = settled_head(self._database, tenant)
        (said,) = self._database.read(queries.SAID, since(tenant, version))
        if any(said.values()):
            prices = prices.copy()
            add_said(prices, said)
        if head is not None:
            self._prices[tenant] = (head["version"], prices)
        return prices


def _priced_of(row: PricedRow) -> Priced:
    usage = row["usage"]
    path = ChargePath(row["path_uid"], usage["tenant"], tuple(row["chain"]), tuple(row["scoped"]))
    return Priced(request_of(usage), path, row["entries"], usage["timestamp_us"])
