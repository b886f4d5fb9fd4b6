"""The ledger's store on Bolt, and the budget trees that everybody reads."""

from graph.ledger.store import GraphLedgerStore, GraphLedgerTransaction
from graph.ledger.trees import Trees

__all__ = ["GraphLedgerStore", "GraphLedgerTransaction", "Trees"]
