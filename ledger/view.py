"""What a key sees of its tenant's budgets: everything, or the subtree of the budget that it is confined to.

Whatever lies outside is treated as unknown; nothing above the key's own budget shows, its id included.
"""

from bisect import bisect_right
from dataclasses import dataclass

from ledger.model import UNATTRIBUTED, Budget, Recurrence, Warning, uid_of
from ledger.tree import BudgetTree

LARGER_THAN_PARENT = "LARGER_THAN_PARENT"

# From the shortest period to the longest; without recurrence an amount is for the whole period or for life.
_LENGTHS = {
    each: length
    for length, each in enumerate(
        (
            Recurrence.DAILY,
            Recurrence.WEEKLY,
            Recurrence.MONTHLY,
            Recurrence.QUARTERLY,
            Recurrence.YEARLY,
            Recurrence.NONE,
        )
    )
}


@dataclass(frozen=True, slots=True)
class View:
    """A budget tree as one key sees it. ``scope_uid`` is the key's budget; None sees the whole tenant."""

    tree: BudgetTree
    scope_uid: str | None = None

    def sees(self, uid: str | None) -> bool:
        """Whether the budget exists and may be seen."""
        return uid is not None and self.tree.within(uid, self.scope_uid)

    def get(self, uid: str | None) -> Budget | None:
        """The budget with that uid, if it may be seen."""
        return self.tree.get(uid) if self.sees(uid) else None

    def find(self, budget_id: str) -> Budget | None:
        """The budget with that id, if it may be seen."""
        return self.get(uid_of(self.tree.tenant, budget_id))

    def parent(self, budget: Budget) -> Budget | None:
        """The parent; None for a root and for the key's own budget."""
        return None if budget.uid == self.scope_uid else self.tree.get(budget.parent_uid)

    def ancestors(self, budget: Budget) -> list[Budget]:
        """Parent, grandparent, … up to the root or to the key's own budget."""
        found: list[Budget] = []
        above = self.parent(budget)
        while above is not None:
            found.append(above)
            above = self.parent(above)
        return found

    def children(self, budget: Budget) -> list[Budget]:
        """The direct children, by id."""
        return self.tree.children(budget.uid)

    def roots(self) -> list[Budget]:
        """The topmost budgets that may be seen, by id."""
        if self.scope_uid is None:
            return self.tree.roots()
        own = self.tree.get(self.scope_uid)
        return [] if own is None else [own]

    def usual(self) -> Budget | None:
        """The budget that is meant where none is named: the key's own, else the only root that was made."""
        roots = [each for each in self.roots() if each.closed_at_us is None]
        made = [each for each in roots if each.budget_id != UNATTRIBUTED] or roots
        return made[0] if len(made) == 1 else None

    def all(self) -> list[Budget]:
        """Every budget that may be seen, by id."""
        if self.scope_uid is None:
            return self.tree.all()
        if self.tree.get(self.scope_uid) is None:
            return []
        return sorted(self.tree.subtree(self.scope_uid), key=lambda budget: budget.budget_id)

    def warnings(self, budget: Budget) -> list[Warning]:
        """What is odd about a budget as it stands in the tree, though it is allowed.

        A child with a larger amount than its parent, unless the parent's period is the shorter one: then
        the two amounts say nothing about each other.
        """
        parent = self.parent(budget)
        if parent is None or budget.amount_nano is None or parent.amount_nano is None:
            return []
        if budget.amount_nano <= parent.amount_nano:
            return []
        if _LENGTHS[parent.recurrence] < _LENGTHS[budget.recurrence]:
            return []
        text = (
            f"Budget {budget.budget_id} is larger than its parent {parent.budget_id}, which ends it sooner."
        )
        return [Warning(LARGER_THAN_PARENT, text, budget.budget_id)]


def page_of(budgets: list[Budget], after_id: str | None, first: int) -> tuple[list[Budget], bool]:
    """The next budgets of a list by id, and whether more follow."""
    begin = 0 if after_id is None else bisect_right(budgets, after_id, key=lambda budget: budget.budget_id)
    return budgets[begin : begin + first], len(budgets) > begin + first
