"""The budget tree of one tenant, in memory: who is above whom, and who pays for an operation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from ledger.model import UNATTRIBUTED, Budget, BudgetType, ChargePath, uid_of

SCOPED_BY: Mapping[BudgetType, str] = {
    BudgetType.USER: "user_id",
    BudgetType.PROVIDER: "provider",
    BudgetType.MODEL: "model_id",
    BudgetType.AGENT: "agent_id",
}
"""Budget types that match operations by a fact of theirs, beside the leaf that pays."""

TEAM_TAG: Final = "team"
_TAG: Final = "tag:"


def matched_by(budget: Budget) -> tuple[str, str] | None:
    """The fact that a scoped budget looks for, and its value; None of a budget that only tracks its tree.

    A TEAM matches the tag ``team``; a CUSTOM budget whose resource is ``tag:value`` matches that tag.
    """
    value = budget.resource_id
    if value is None:
        return None
    fact = SCOPED_BY.get(budget.budget_type)
    if fact is not None:
        return fact, value
    if budget.budget_type is BudgetType.TEAM:
        return _TAG + TEAM_TAG, value
    if budget.budget_type is BudgetType.CUSTOM:
        tag, colon, wanted = value.partition(":")
        return (_TAG + tag, wanted) if tag and colon and wanted else None
    return None


@dataclass(frozen=True, slots=True)
class _Scoped:
    """A budget that matches operations by a fact."""

    budget: Budget
    fact: str
    value: str

    def fits(self, facts: Mapping[str, str | None]) -> bool:
        return facts.get(self.fact) == self.value


class BudgetTree:
    """All budgets of a tenant, closed ones included. ``put`` replaces one; everything else reads."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self._budgets: dict[str, Budget] = {}
        self._children: dict[str | None, dict[str, Budget]] = {}
        self._scoped: dict[str | None, dict[str, _Scoped]] = {}
        self._tags: frozenset[str] = frozenset()
        """The tags that scoped budgets look at."""
        self._paths: dict[tuple[str, tuple[str, ...]], ChargePath] = {}

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
        twin._tags = self._tags
        return twin

    def put(self, budget: Budget) -> None:
        """Add a budget, or replace the one with its uid."""
        old = self._budgets.get(budget.uid)
        if old is not None:
            self._children[old.parent_uid].pop(old.uid)
            self._scoped.get(old.parent_uid, {}).pop(old.uid, None)
        self._budgets[budget.uid] = budget
        self._children.setdefault(budget.parent_uid, {})[budget.uid] = budget
        matched = matched_by(budget) if budget.closed_at_us is None else None
        if matched is not None:
            fact, value = matched
            self._scoped.setdefault(budget.parent_uid, {})[budget.uid] = _Scoped(budget, fact, value)
            if fact.startswith(_TAG):
                self._tags |= {fact.removeprefix(_TAG)}
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

    def tag_facts(self, tags: Mapping[str, str | float | bool] | None) -> dict[str, str | None]:
        """What scoped budgets look at of an operation's tags; mostly nothing."""
        if not tags or not self._tags:
            return {}
        return {_TAG + name: _text(tags[name]) for name in self._tags if name in tags}

    def path(self, leaf_uid: str, facts: Mapping[str, str | None]) -> ChargePath:
        """Who pays for an operation that charges ``leaf_uid``.

        ``facts`` are its ``user_id``, ``provider``, ``model_id``, ``agent_id``, and ``tag_facts``.

        Equal sets of budgets give the same path object until the tree changes.
        """
        scoped = self._matching(leaf_uid, facts) if self._scoped else ()
        path = self._paths.get(key := (leaf_uid, scoped))
        if path is None:
            path = self._paths[key] = self._new_path(leaf_uid, scoped)
        return path

    def _matching(self, leaf_uid: str, facts: Mapping[str, str | None]) -> tuple[str, ...]:
        chain = self.chain(leaf_uid)
        currency = self._budgets[leaf_uid].currency
        matched: dict[str, None] = {}
        parents: list[str | None] = [None, *chain]
        while parents:
            for scoped in self._scoped.get(parents.pop(), {}).values():
                budget = scoped.budget
                # One entry has one currency: a scoped root of another currency cannot share it.
                if (
                    scoped.fits(facts)
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


def _text(value: str | float | bool) -> str:  # noqa: FBT001 - a tag's value
    """A tag's value as a resource id writes it: true, 5, 0.5, words as they are."""
    return value if isinstance(value, str) else str(value).lower()
