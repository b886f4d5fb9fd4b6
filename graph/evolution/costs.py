"""What evaluations cost by now: the ledger's entries of their operations or sessions, whenever these came.

Adjustments count. Unknown stays unknown: a claim on usage that is not there, not priced, estimated, or in
another currency makes the whole cost unknown, never a part of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cypher import evolution as queries
from cypher.evolution import CostsRow, EvaluationsRow
from evolution.columns import UNKNOWN, Evaluations
from evolution.stored import StoredExperiment
from graph.database import Transaction
from ledger.model import uid_of
from ledger.tree import BudgetTree


@dataclass(frozen=True, slots=True)
class _Spent:
    """Usage that was charged to one budget directly. None is unknown."""

    budget_uid: str
    cost_nano: int | None
    tokens: int | None


def price(
    transaction: Transaction, experiment: StoredExperiment, tree: BudgetTree, row: EvaluationsRow
) -> Evaluations:
    """A page of evaluations by id, with their costs. ``tree`` are the budgets of the tenant."""
    order = sorted(range(len(row["uids"])), key=row["uids"].__getitem__)
    currency = experiment.record.currency
    operations = {uid for uids in row["operation_uids"] for uid in uids}
    sessions = {uid for uid in row["session_uids"] if uid}
    spent: dict[str, list[_Spent]] = {}
    if operations:
        found = transaction.run(queries.OPERATION_COSTS, {"uids": sorted(operations), "currency": currency})
        _add(spent, found, experiment.tenant, "operation")
    if sessions:
        found = transaction.run(queries.SESSION_COSTS, {"uids": sorted(sessions), "currency": currency})
        _add(spent, found, experiment.tenant, "session")
    costs, tokens, claims = list[int](), list[int](), list[tuple[str, ...]]()
    for i in order:
        session, scope = row["session_uids"][i], row["scope_uids"][i] or None
        named = [f"operation:{uid}" for uid in row["operation_uids"][i]]
        named += [f"session:{session}"] if session else []
        cost_nano, counted = _total(spent, named, tree, scope)
        costs.append(row["costs_nano"][i] if row["costs_nano"][i] != UNKNOWN else cost_nano)
        tokens.append(row["tokens"][i] if row["tokens"][i] != UNKNOWN else counted)
        claims.append(tuple(named))
    return Evaluations(
        [row["evaluation_ids"][i] for i in order],
        [row["agent_ids"][i] for i in order],
        [row["task_ids"][i] for i in order],
        [row["roles"][i] for i in order],
        np.array([row["scores"][i] for i in order], dtype=np.float64),
        np.array([row["seconds"][i] for i in order], dtype=np.float64),
        np.array(tokens, dtype=np.int64),
        np.array(costs, dtype=np.int64),
        [row["costs_nano"][i] != UNKNOWN for i in order],
        claims,
    )


def _add(spent: dict[str, list[_Spent]], rows: Iterable[CostsRow], tenant: str, kind: str) -> None:
    for row in rows:
        columns = (
            row["uids"],
            row["budget_ids"],
            row["costs_nano"],
            row["unknown"],
            row["tokens"],
            row["unreported"],
        )
        for uid, budget_id, cost_nano, unknown, tokens, unreported in zip(*columns, strict=True):
            each = _Spent(
                uid_of(tenant, budget_id), None if unknown else cost_nano, None if unreported else tokens
            )
            spent.setdefault(f"{kind}:{uid}", []).append(each)


def _total(
    spent: dict[str, list[_Spent]], named: list[str], tree: BudgetTree, scope_uid: str | None
) -> tuple[int, int]:
    """What the named usage cost, and its tokens, as far as whoever named it sees it; -1 where unknown."""
    found: list[_Spent] = []
    for name in named:
        seen = [
            each
            for each in spent.get(name, ())
            if scope_uid is None or tree.within(each.budget_uid, scope_uid)
        ]
        if not seen:
            return UNKNOWN, UNKNOWN
        found += seen
    return _sum([each.cost_nano for each in found]), _sum([each.tokens for each in found])


def _sum(figures: list[int | None]) -> int:
    known = [each for each in figures if each is not None]
    # More may be given back than was spent; nobody earns by an evaluation.
    return max(sum(known), 0) if known and len(known) == len(figures) else UNKNOWN
