"""Wallets against their top-ups: what a budget's credit is said to be, and what it was topped up by."""

from collections.abc import Callable, Collection, Iterator

from cypher import wallets as queries
from graph.database import Database
from graph.ledger import GraphLedgerTransaction, Trees
from ledger.check import Finding
from ledger.model import WALLET_LIMIT, id_of
from pricing.money import format_nano

Credits = dict[str, tuple[int, int]]
"""By budget: what its top-ups add up to, and the amount of its wallet."""
Look = Callable[[GraphLedgerTransaction], Credits]


def wallet_findings(
    database: Database,
    trees: Trees,
    tenant: str,
    budget_uids: Collection[str],
    again: Callable[[Look], Credits],
) -> Iterator[Finding]:
    """Wallets that disagree; ``again`` looks between two commits, before anything is reported."""

    def look(_transaction: GraphLedgerTransaction | None) -> Credits:
        sums = {
            row["budget_uid"]: row["amount_nano"] for row in database.read(queries.SUMS, {"tenant": tenant})
        }
        tree = trees.get(tenant)
        found: Credits = {}
        for budget in tree.all():
            wallet = budget.wallet
            pair = sums.get(budget.uid, 0), 0 if wallet is None else wallet.amount or 0
            if budget.uid in budget_uids and pair[0] != pair[1]:
                found[budget.uid] = pair
        return found

    if look(None):
        for uid, (topped_up, amount) in again(look).items():
            name = f"{WALLET_LIMIT} of {id_of(uid)}"
            yield Finding(name, id_of(uid), format_nano(topped_up), format_nano(amount))
