"""Overrides against the reservations that passed by them: what is noted as used, and what they have of it."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

from graph.database import Database, Transaction
from graph.ledger import GraphLedgerTransaction
from graph.overrides import Overrides
from ledger.check import Finding
from ledger.model import Override, id_of
from pricing.money import format_nano

Figures = tuple[int, int]
Look = Callable[[GraphLedgerTransaction], Figures]
AT_ONCE = 1_000


def override_findings(
    database: Database, tenant: str, budget_uids: Collection[str], again: Callable[[Look], Figures]
) -> Iterator[Finding]:
    """Overrides that disagree; ``again`` looks between two commits, before anything is reported."""
    for override in _overrides(database, tenant):
        if override.budget_uid not in budget_uids:
            continue
        look = _look(override)
        used, held = database.reading(partial(_in_ledger, look))
        if used != held:
            used, held = again(look)
        if used != held:
            name = f"override_used {override.override_id}"
            yield Finding(name, id_of(override.budget_uid), format_nano(held), format_nano(used))


def _overrides(database: Database, tenant: str) -> Iterator[Override]:
    overrides, before = Overrides(database), None
    while True:
        page = overrides.page(tenant, before, AT_ONCE)
        yield from (override for _, override in page)
        if len(page) < AT_ONCE:
            return
        before = page[-1][0]


def _in_ledger(look: Look, transaction: Transaction) -> Figures:
    return look(GraphLedgerTransaction(transaction))


def _look(override: Override) -> Look:
    """What is noted as used, and what reservations hold or spent of it."""

    def look(transaction: GraphLedgerTransaction) -> Figures:
        now = transaction.overrides([override.uid]).get(override.uid, override)
        return now.used_nano, transaction.held_of_override(override.uid)

    return look
