"""The one door to an engine: typed queries in read and write transactions, errors of our own tree.

A ``Database`` is thread-safe and belongs to a process; it wraps the synchronous driver.
"""

import contextlib
from collections.abc import Callable, Generator, Mapping
from typing import Any, LiteralString, Self, TypeVar, cast

import neo4j
from neo4j import exceptions as driver_errors

from cypher import CypherQuery
from graph.engines import Connection
from graph.errors import (
    CommitUncertain,
    ConstraintViolation,
    EngineRefused,
    EngineUnavailable,
    GraphError,
    StatementError,
    TransactionConflict,
)

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")

CONNECT_SECONDS = 3.0
ACQUIRE_SECONDS = 10.0
RETRY_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.02

NO_PARAMETERS: dict[str, Any] = {}


class Transaction:
    """One open transaction. Not thread-safe, and of no use after its end."""

    def __init__(self, driver_transaction: neo4j.Transaction | neo4j.ManagedTransaction) -> None:
        """Wrap the driver's transaction."""
        self._transaction = driver_transaction

    def run(self, query: CypherQuery[P, R], params: P) -> list[R]:
        """Run a query and return all its rows as plain dictionaries of the declared shape."""
        result = self._transaction.run(query.text, cast("dict[str, Any]", params))
        keys = result.keys()
        return [cast("R", dict(zip(keys, record, strict=True))) for record in result]

    def run_consume(self, query: CypherQuery[P, Any], params: P) -> None:
        """Run a statement whose rows, if any, do not matter."""
        self._transaction.run(query.text, cast("dict[str, Any]", params)).consume()

    def run_text(
        self, text: LiteralString, params: Mapping[str, Any] = NO_PARAMETERS
    ) -> list[dict[str, Any]]:
        """Run a bare text: for tests and tools. Code of the service declares a ``CypherQuery``."""
        result = self._transaction.run(text, dict(params))
        keys = result.keys()
        return [dict(zip(keys, record, strict=True)) for record in result]


class Database:
    """One database of one engine, for the life of the process."""

    def __init__(self, connection: Connection, *, max_pool_size: int = 50) -> None:
        """Prepare a driver; nothing is sent before the first use or ``verify``."""
        self.connection = connection
        quiet: dict[str, Any] = (
            # Bolt 4.4, which the embedded engine speaks, cannot switch notifications off.
            {"notifications_min_severity": "OFF"} if connection.kind == "neo4j" else {}
        )
        self._driver = neo4j.GraphDatabase.driver(
            connection.uri,
            auth=(connection.username, connection.password),
            user_agent="costgraph",
            max_connection_pool_size=max_pool_size,
            connection_timeout=CONNECT_SECONDS,
            connection_acquisition_timeout=ACQUIRE_SECONDS,
            max_transaction_retry_time=RETRY_SECONDS,
            initial_retry_delay=FIRST_RETRY_SECONDS,
            fetch_size=-1,
            telemetry_disabled=True,
            **quiet,
        )
        # Every session sees what every session of this process wrote, also on a cluster's followers.
        self._bookmarks = neo4j.GraphDatabase.bookmark_manager()

    def read(self, query: CypherQuery[P, R], params: P) -> list[R]:
        """The rows of one query, in a read transaction that is retried where that helps."""
        return self.reading(lambda transaction: transaction.run(query, params))

    def reading(self, work: Callable[[Transaction], T]) -> T:
        """Several queries in one read transaction; ``work`` may run more than once."""
        with translated(), self._session() as session:
            return session.execute_read(lambda each: work(Transaction(each)))

    def write(self, query: CypherQuery[P, R], params: P) -> list[R]:
        """The rows of one query, in a write transaction that is retried where that helps."""
        return self.writing(lambda transaction: transaction.run(query, params))

    def writing(self, work: Callable[[Transaction], T]) -> T:
        """Several queries in one write transaction; ``work`` may run more than once."""
        with translated(), self._session() as session:
            return session.execute_write(lambda each: work(Transaction(each)))

    @contextlib.contextmanager
    def transaction(self) -> Generator[Transaction]:
        """A write transaction without any retry: commits at the end, rolls back on an exception."""
        with translated(), self._session() as session, session.begin_transaction() as each:
            yield Transaction(each)

    def verify(self) -> None:
        """Reach the engine once. Raises ``EngineUnavailable`` or ``EngineRefused``."""
        with translated():
            self._driver.verify_connectivity()

    def close(self) -> None:
        """Close every connection."""
        self._driver.close()

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _session(self) -> neo4j.Session:
        return self._driver.session(database=self.connection.database, bookmark_manager=self._bookmarks)


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (driver_errors.DriverError, driver_errors.Neo4jError) as error:
        raise translate(error) from error


def translate(error: driver_errors.DriverError | driver_errors.Neo4jError) -> GraphError:
    """Our error for one of the driver's."""
    match error:
        case driver_errors.IncompleteCommit():
            return CommitUncertain(f"The connection to the engine broke during a commit: {error}")
        case driver_errors.AuthError() | driver_errors.Forbidden():
            return EngineRefused(f"The engine refused us: {error}")
        case driver_errors.ConstraintError():
            return ConstraintViolation(str(error), error.code)
        case driver_errors.Neo4jError():
            conflict = error.is_retryable()
            return (TransactionConflict if conflict else StatementError)(str(error), error.code)
        case driver_errors.ServiceUnavailable() | driver_errors.SessionExpired():
            return EngineUnavailable(f"The engine does not answer: {error}")
        case driver_errors.ConnectionPoolError():
            return EngineUnavailable(f"No connection to the engine became free: {error}")
        case _:
            return StatementError(str(error))
