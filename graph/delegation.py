"""Delegated operations, read back in three queries however many there are and however deep."""

from collections.abc import Iterable, Sequence
from typing import Final

from cypher import delegation as queries
from cypher.delegation import StartsRow
from graph.database import Database, Transaction
from insight.delegation import Node
from ledger.errors import InvalidInput
from ledger.model import uid_of
from pricing.calendar import INSTANT_MAX_US

OPERATIONS_MAX: Final = 10_000
"""How many operations one answer adds up at most."""


class Delegations:
    """Thread-safe. Each read raises ``InvalidInput`` where there are more than ``OPERATIONS_MAX``."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def of_session(self, tenant: str, session_id: str) -> list[Node]:
        """A session's operations, and all that is below them."""
        params: queries.OneSession = {
            "session_uid": uid_of(tenant, session_id),
            "most": OPERATIONS_MAX + 1,
        }

        def work(transaction: Transaction) -> list[Node]:
            (row,) = transaction.run(queries.SESSION, params)
            return _below(transaction, tenant, _tops(tenant, row))

        return self._database.reading(work)

    def of_agent(self, tenant: str, agent_id: str, from_us: int | None, to_us: int | None) -> list[Node]:
        """An agent's operations in [from_us, to_us), and all that is below them."""
        owner = uid_of(tenant, agent_id)
        params: queries.AgentSpan = {
            "from_key": f"{owner}/{from_us or 0:016d}/",
            "to_key": f"{owner}/{INSTANT_MAX_US if to_us is None else to_us:016d}/",
            "most": OPERATIONS_MAX + 1,
        }

        def work(transaction: Transaction) -> list[Node]:
            (row,) = transaction.run(queries.AGENT, params)
            return _below(transaction, tenant, _tops(tenant, row))

        return self._database.reading(work)

    def of_operations(self, tenant: str, uids: Sequence[str]) -> list[Node]:
        """Some operations, and all that is below them."""
        return self._database.reading(lambda transaction: _below(transaction, tenant, list(uids)))


def _tops(tenant: str, row: StartsRow) -> list[str]:
    """Those that none of the others delegated: from these the rest is reached, each once."""
    _check(len(row["uid"]))
    known = set(row["uid"])
    return [
        uid
        for uid, parent_id in zip(row["uid"], row["parent_id"], strict=True)
        if not parent_id or uid_of(tenant, parent_id) not in known
    ]


def _below(transaction: Transaction, tenant: str, uids: list[str]) -> list[Node]:
    if not uids:
        return []
    (row,) = transaction.run(queries.BELOW, {"uids": uids, "most": OPERATIONS_MAX + 1})
    _check(len(row["uid"]))
    costs = _costs(transaction, row["uid"])
    return [
        Node(
            uid,
            uid_of(tenant, row["parent_id"][number]) if row["parent_id"][number] else None,
            row["operation_id"][number],
            row["agent_id"][number],
            row["session_id"][number] or None,
            uid_of(tenant, row["budget_id"][number]),
            row["outcome"][number],
            row["pricing"][number],
            row["timestamp_us"][number],
            row["prompt_tokens"][number],
            row["completion_tokens"][number],
            costs.get(uid, {}),
        )
        for number, uid in enumerate(row["uid"])
    ]


def _costs(transaction: Transaction, uids: Iterable[str]) -> dict[str, dict[str, tuple[int, int, int]]]:
    (row,) = transaction.run(queries.COSTS, {"uids": list(uids)})
    costs: dict[str, dict[str, tuple[int, int, int]]] = {}
    for uid, currency, *parts in zip(
        row["uid"],
        row["currency"],
        row["prompt_cost_nano"],
        row["completion_cost_nano"],
        row["other_cost_nano"],
        strict=True,
    ):
        prompt, completion, other = parts
        costs.setdefault(uid, {})[currency] = (prompt, completion, other)
    return costs


def _check(operations: int) -> None:
    if operations > OPERATIONS_MAX:
        raise InvalidInput(
            f"There are more than {OPERATIONS_MAX} operations to add up: ask for a shorter span, "
            "or for fewer at once."
        )
