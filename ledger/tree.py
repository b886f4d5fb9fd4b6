"""The budget tree of one tenant, in memory: who is above whom, and who pays for an operation."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b

from ledger.model import UNATTRIBUTED, Budget, BudgetType, ChargePath, uid_of

SCOPED_BY: Mapping[BudgetType, str] = {
    BudgetType.USER: "user_id",
    BudgetType.PROVIDER: "provider",
    BudgetType.MODEL: "model_id",
    BudgetType.AGENT: "agent_id",
}
"""Budget types that match operations by a fact of theirs, beside the leaf that pays."""


class BudgetTree:
    """All budgets of a tenant, closed ones included. ``put`` replaces one; everything else reads."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self._budgets: dict[str, Budget] = {}
        self._children: dict[str | None, dict[str, Budget]] = {}
        self._scoped: dict[str | None, dict[str, Budget]] = {}
        self._paths: dict[tuple[str, ...], ChargePath] = {}

    def __len__(self) -> int:
        return len(self._budgets)

    def __contains__(self, uid: object) -> bool:
        return uid in self._budgets

    def copy(self) -> "BudgetTree":
        """An independent tree with the same budgets."""
        twin = BudgetTree(self.tenant)
        twin._budgets = dict(self._budgets)
        twin._children = {parent: dict(each) for parent, each in self._children.items()}
        twin._scoped = {parent: dict(each) for parent, each in self._scoped.items()}
        return twin

    def put(self, budget: Budget) -> None:
        """Add a budget, or replace the one with its uid."""
        old = self._budgets.get(budget.uid)
        if old is not None:
            self._children[old.parent_uid].pop(old.uid)
            self._scoped.get(old.parent_uid, {}).pop(old.uid, None)
        self._budgets[budget.uid] = budget
        self._children.setdefault(budget.parent_uid, {})[budget.uid] = budget
        if budget.budget_type in SCOPED_BY and budget.resource_id is not None and budget.closed_at_us is None:
            self._scoped.setdefault(budget.parent_uid, {})[budget.uid] = budget
        self._paths.clear()

    def get(self, uid: str | None) -> Budget | None:
        """The budget with that uid, closed ones included."""
        return None if uid is None else self._budgets.get(uid)

    def children(self, uid: str | None) -> list[Budget]:
        """The direct children of a budget, by id; of None, the roots."""
        return sorted(self._children.get(uid, {}).values(), key=lambda budget: budget.budget_id)

    def roots(self) -> list[Budget]:
        """The budgets without a parent, by id."""
        return self.children(None)

    def all(self) -> list[Budget]:
        """Every budget, by id."""
        return sorted(self._budgets.values(), key=lambda budget: budget.budget_id)

    def chain(self, uid: str) -> tuple[str, ...]:
        """The uids of a budget, its parent, … up to its root."""
        chain: list[str] = []
        at: str | None = uid
        while at is not None:
            chain.append(at)
            at = self._budgets[at].parent_uid
        return tuple(chain)

    def height(self, uid: str) -> int:
        """How many levels a budget and what is below it take; 0 where there is no such budget."""
        levels, level = 0, [uid] if uid in self._budgets else []
        while level:
            levels += 1
            level = [child for each in level for child in self._children.get(each, ())]
        return levels

    def within(self, uid: str, scope_uid: str | None) -> bool:
        """Whether a budget exists and lies in the subtree of ``scope_uid`` (None: anywhere)."""
        if uid not in self._budgets:
            return False
        return scope_uid is None or scope_uid in self.chain(uid)

    def subtree(self, uid: str) -> Iterator[Budget]:
        """A budget and all below it, parents first."""
        waiting = [self._budgets[uid]]
        while waiting:
            budget = waiting.pop()
            yield budget
            waiting.extend(reversed(self.children(budget.uid)))

    @property
    def unattributed_uid(self) -> str:
        """The root budget that pays for what nobody else does."""
        return uid_of(self.tenant, UNATTRIBUTED)

    def path(self, leaf_uid: str, facts: Mapping[str, str | None]) -> ChargePath:
        """Who pays for an operation that charges ``leaf_uid``.

        ``facts`` are its ``user_id``, ``provider``, ``model_id`` and ``agent_id``.

        Equal sets of budgets give the same path object until the tree changes.
        """
        scoped = self._matching(leaf_uid, facts) if self._scoped else ()
        key = (leaf_uid, *scoped)
        path = self._paths.get(key)
        if path is None:
            path = self._paths[key] = self._new_path(leaf_uid, scoped)
        return path

    def _matching(self, leaf_uid: str, facts: Mapping[str, str | None]) -> tuple[str, ...]:
        chain = self.chain(leaf_uid)
        currency = self._budgets[leaf_uid].currency
        matched: dict[str, None] = {}
        parents: list[str | None] = [None, *chain]
        while parents:
            for budget in self._scoped.get(parents.pop(), {}).values():
                fits = facts.get(SCOPED_BY[budget.budget_type]) == budget.resource_id
                # One entry has one currency: a scoped root of another currency cannot share it.
                if (
                    fits
                    and budget.uid not in chain
                    and budget.uid not in matched
                    and budget.currency == currency
                ):
                    matched[budget.uid] = None
                    parents.append(budget.uid)
        return tuple(sorted(matched))

    def _new_path(self, leaf_uid: str, scoped: tuple[str, ...]) -> ChargePath:
        chain = self.chain(leaf_uid)
        text = "\x1f".join(chain) + "\x1e" + "\x1f".join(scoped)
        digest = blake2b(text.encode(), digest_size=12).hexdigest()
        return ChargePath(uid_of(self.tenant, digest), self.tenant, chain, scoped)
