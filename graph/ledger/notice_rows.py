"""Between notices and their nodes: when budgets that cool down told something last, and what is due."""

from collections.abc import Iterable

from cypher import ledger as queries
from graph.database import Transaction
from ledger.changes import Changes, Notice


def write(transaction: Transaction, changes: Changes) -> None:
    """Write what a batch told, or held back."""
    rows = [
        {
            "uid": each.budget_uid,
            "properties": {
                "tenant": each.tenant,
                "at_us": each.at_us,
                "threshold_ppm": each.threshold_ppm,
                "due_us": each.due_us,
                "due_key": None
                if each.due_us is None
                else f"{each.tenant}/{each.due_us:016d}/{each.budget_uid}",
            },
        }
        for each in changes.notices.values()
    ]
    if rows:
        transaction.run_consume(queries.WRITE_NOTICES, {"rows": rows})


def read(transaction: Transaction, budget_uids: Iterable[str]) -> dict[str, Notice]:
    """Those of some budgets, by the budget's uid."""
    found = transaction.run(queries.NOTICES, {"uids": list(budget_uids)})
    return {row["budget_uid"]: Notice(**row) for row in found}


def read_due(transaction: Transaction, tenant: str, now_us: int, limit: int) -> list[tuple[str, int]]:
    """Budgets that may tell by an instant what they held back, and since when, the first one first."""
    # A key is tenant/due/budget, and 0 is what follows the slash.
    params: queries.DueParams = {"after": f"{tenant}/", "before": f"{tenant}/{now_us:016d}0", "limit": limit}
    return [(row["budget_uid"], row["due_us"]) for row in transaction.run(queries.DUE_NOTICES, params)]
