"""Agreements as readers see them: what months used, and what is to be closed."""

from collections.abc import Sequence
from typing import NamedTuple

from cypher import agreements as queries
from graph.database import Database
from graph.ledger.agreement_store import read_months, read_sums
from ledger.changes import AgreementMonth
from pricing.volume import MonthSums


class Due(NamedTuple):
    """An agreement with a month that is over and not closed, or in which something came late."""

    tenant: str
    agreement_id: str


class AgreementMonths:
    """Reads of one database. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def months(self, uids: Sequence[str]) -> dict[str, AgreementMonth]:
        """Those of the agreements' months that exist, by uid."""
        return self._database.reading(lambda transaction: read_months(transaction, uids))

    def sums(self, budget_uid: str, start_us: int, end_us: int) -> MonthSums:
        """What was charged to a budget in a span, from its entries: as slow as they are many."""
        spans = [(start_us, end_us)]
        return self._database.reading(lambda transaction: read_sums(transaction, budget_uid, spans)[0])

    def due(self, now_us: int, limit: int) -> list[Due]:
        """The agreements of all tenants that are to be closed, those that wait longest first."""
        params: queries.DueParams = {"after": "0", "before": f"{now_us:016d}", "limit": limit}
        rows = self._database.read(queries.DUE, params)
        return list(dict.fromkeys(Due(row["tenant"], row["agreement_id"]) for row in rows))
