"""The budget trees that readers use: one per tenant and process, renewed when the ledger's version moves."""

import threading

from cypher import ledger as queries
from cypher.ledger import HeadRow, OneTenant
from graph.database import Database
from graph.ledger.rows import budget_of
from graph.ledger.settled import settled_head
from ledger.tree import BudgetTree


class Trees:
    """Budget trees by tenant. Thread-safe; a tree that was handed out never changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._trees: dict[str, tuple[int, BudgetTree]] = {}
        self._renewing = threading.Lock()

    def get(self, tenant: str) -> BudgetTree:
        """The tenant's tree as committed now. A tenant without a ledger has an empty one."""
        head = self.head(tenant)
        return BudgetTree(tenant) if head is None else self.at(tenant, head["version"])

    def head(self, tenant: str) -> HeadRow | None:
        """The tenant's ledger as committed now."""
        params: OneTenant = {"tenant": tenant}
        return next(iter(self._database.read(queries.HEAD, params)), None)

    def knows(self, tenant: str, version: int) -> bool:
        """Whether a tree of that version of the tenant's ledger, or a later one, is at hand."""
        return self._known(tenant, version) is not None

    def settled(self, tenant: str) -> HeadRow | None:
        """The tenant's ledger once all that it counts can be seen, for what is asked seldom."""
        return settled_head(self._database, tenant)

    def at(self, tenant: str, version: int) -> BudgetTree:
        """The tenant's tree at that version of its ledger, as committed, or at a later one."""
        known = self._known(tenant, version)
        if known is not None:
            return known
        with self._renewing:
            # Whoever was here before may have brought it.
            known = self._known(tenant, version)
            return self._renew(tenant) if known is None else known

    def _known(self, tenant: str, version: int) -> BudgetTree | None:
        known = self._trees.get(tenant)
        return None if known is None or known[0] < version else known[1]

    def _renew(self, tenant: str) -> BudgetTree:
        known = self._trees.get(tenant)
        since, tree = (-1, BudgetTree(tenant)) if known is None else (known[0], known[1].copy())
        # The version first: budgets that come in between are loaded again the next time.
        head = self.settled(tenant)
        if head is not None:
            for row in self._database.read(queries.BUDGETS, {"tenant": tenant, "since_version": since}):
                tree.put(budget_of(row))
            self._trees[tenant] = (head["version"], tree)
        return tree
