"""What the insight room needs to know of budgets and charge paths.

``ledger.model.Budget``, ``ledger.tree.BudgetTree`` and ``ledger.model.ChargePath`` have it; ``graph``
passes them.
"""

from collections.abc import Sequence
from typing import Protocol


class BudgetFacts(Protocol):
    """A budget, as far as rollups care. Its type and rollup zone never change."""

    @property
    def uid(self) -> str:
        """Its key in the graph."""
        ...

    @property
    def budget_id(self) -> str:
        """Its id in its tenant."""
        ...

    @property
    def budget_type(self) -> str:
        """One of ``project``, ``task``, ``team`` and the other types, in lower case."""
        ...

    @property
    def resource_id(self) -> str | None:
        """What it pays for."""
        ...

    @property
    def timezone(self) -> str:
        """The zone of its windows, an IANA name."""
        ...

    @property
    def rollup_timezone(self) -> str:
        """The zone of its rollup days, an IANA name."""
        ...


class Budgets(Protocol):
    """A tenant's budgets, closed ones included."""

    def get(self, uid: str | None, /) -> BudgetFacts | None:
        """The budget with that uid."""
        ...

    def within(self, uid: str, scope_uid: str | None, /) -> bool:
        """Whether a budget lies in the subtree of ``scope_uid`` (None: anywhere)."""
        ...


class Path(Protocol):
    """Who paid for an operation."""

    @property
    def uid(self) -> str:
        """Its key in the graph."""
        ...

    @property
    def chain(self) -> Sequence[str]:
        """Uids of leaf, parent, …, root."""
        ...

    @property
    def scoped(self) -> Sequence[str]:
        """Uids of the scoped budgets that were charged beside the leaf."""
        ...
