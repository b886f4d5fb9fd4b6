"""Agents, read back."""

from collections.abc import Iterable, Sequence

from cypher import agents as queries
from cypher import ledger as ledger_queries
from graph.database import Database, Transaction
from graph.ledger.rows import agent_of
from ledger.model import Agent, uid_of


def uid_range(tenant: str, after_id: str | None = None) -> tuple[str, str]:
    """All uids of a tenant, or those after an id, lie between the two; neither is one of them."""
    return uid_of(tenant, after_id or ""), f"{tenant}0"  # "0" is the character after "/"


class Agents:
    """Reads of agents. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def get(self, uids: Iterable[str]) -> dict[str, Agent]:
        """Those of the agents that exist, by uid, with the ids of their parents."""
        return self._database.reading(lambda transaction: _get(transaction, uids))

    def page(self, tenant: str, after_id: str | None, first: int) -> list[Agent]:
        """The next agents of a tenant, by id."""
        after_uid, before_uid = uid_range(tenant, after_id)
        params: queries.UidRange = {"after_uid": after_uid, "before_uid": before_uid, "first": first}

        def read(transaction: Transaction) -> list[Agent]:
            uids = [row["uid"] for row in transaction.run(queries.PAGE, params)]
            found = _get(transaction, uids)
            return [found[uid] for uid in uids if uid in found]

        return self._database.reading(read)

    def at_home(self, tenant: str, budget_uids: Iterable[str]) -> list[str]:
        """The uids of the agents whose own budget is one of these."""
        after_uid, before_uid = uid_range(tenant)
        params: queries.HomeParams = {
            "after_uid": after_uid,
            "before_uid": before_uid,
            "budget_uids": list(budget_uids),
        }
        return [row["uid"] for row in self._database.read(queries.AT_HOME, params)]

    def children(self, asked: Sequence[tuple[str, str]]) -> list[list[str]]:
        """For each (agent uid, uid after which to begin): the uids of its children, by uid, at most 500."""
        rows: list[dict[str, str | int]] = [
            {"number": number, "uid": uid, "after_uid": after_uid}
            for number, (uid, after_uid) in enumerate(asked)
        ]
        found = {row["number"]: row["uids"] for row in self._database.read(queries.CHILDREN, {"rows": rows})}
        return [found.get(number, []) for number in range(len(asked))]


def _get(transaction: Transaction, uids: Iterable[str]) -> dict[str, Agent]:
    rows = transaction.run(ledger_queries.AGENTS, {"uids": list(uids)})
    return {row["uid"]: agent_of(row) for row in rows}
