"""A database that tells which queries were asked of it."""

from collections.abc import Callable
from typing import Any, TypeVar

from cypher import CypherQuery
from graph.database import Database, Transaction
from graph.engines import Connection

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")


class _Counted(Transaction):
    """A transaction that notes the name of every query."""

    def __init__(self, transaction: Transaction, asked: list[str]) -> None:
        super().__init__(transaction.driver_transaction)
        self._asked = asked

    def run(self, query: CypherQuery[Any, Any], params: Any) -> list[Any]:
        """Note it, then run it."""
        self._asked.append(query.name)
        return super().run(query, params)


class CountingDatabase(Database):
    """The same database; ``asked`` holds the names of the queries that were read."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.asked: list[str] = []

    def read(self, query: CypherQuery[P, R], params: P) -> list[R]:
        """Note the query."""
        self.asked.append(query.name)
        return super().read(query, params)

    def reading(self, work: Callable[[Transaction], T]) -> T:
        """Note what the work asks."""
        return super().reading(lambda transaction: work(_Counted(transaction, self.asked)))
