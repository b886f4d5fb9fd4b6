"""Agreements' months against the entries: what is said that a budget's subtree used, and what it used."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

from cypher import agreements as queries
from graph.database import Database, Transaction
from graph.ledger import GraphLedgerTransaction
from graph.ledger.agreement_rows import month_of
from graph.ledger.price_store import read_said
from ledger.changes import AgreementMonth
from ledger.check import Finding
from ledger.model import id_of
from pricing.agreements import Agreements, month_named
from pricing.money import format_nano
from pricing.prices import Prices
from pricing.volume import MonthSums

Sums = tuple[MonthSums, MonthSums]
Look = Callable[[GraphLedgerTransaction], Sums]


def agreement_findings(
    database: Database, tenant: str, budget_uids: Collection[str], again: Callable[[Look], Sums]
) -> Iterator[Finding]:
    """Months that disagree; ``again`` looks between two commits, before anything is reported."""
    agreements = _agreements(database, tenant)
    if not agreements:
        return
    every = database.read(queries.MONTHS_OF, {"from_key": f"{tenant}/", "to_key": f"{tenant}0"})
    for month in (month_of(row["month"]) for row in every):
        versions = agreements.versions(month.agreement_id)
        if not versions or versions[-1].budget_uid not in budget_uids:
            continue
        budget_uid = versions[-1].budget_uid
        span = month_named(month.key, versions[-1].timezone)
        look = _look(month, budget_uid, span.start_us, span.end_us)
        said, used = database.reading(partial(_in_ledger, look))
        if said != used:
            said, used = again(look)
        if said != used:
            name = f"agreement_month {month.agreement_id} {month.key}"
            yield Finding(name, id_of(budget_uid), _text(used), _text(said))


def _agreements(database: Database, tenant: str) -> Agreements:
    prices = Prices()
    database.reading(lambda transaction: read_said(transaction, tenant, -1, prices))
    return prices.agreements


def _in_ledger(look: Look, transaction: Transaction) -> Sums:
    return look(GraphLedgerTransaction(transaction))


def _look(month: AgreementMonth, budget_uid: str, start_us: int, end_us: int) -> Look:
    """What a month says, and what the entries do."""

    def look(transaction: GraphLedgerTransaction) -> Sums:
        now = transaction.agreement_months([month.uid]).get(month.uid, month)
        (used,) = transaction.month_sums(budget_uid, [(start_us, end_us)])
        return now.sums, used

    return look


def _text(sums: MonthSums) -> str:
    listed, contracted = format_nano(sums.list_nano), format_nano(sums.contracted_nano)
    return f"list {listed}, contracted {contracted}, {sums.tokens} tokens"
