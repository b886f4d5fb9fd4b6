"""The one door to an engine: typed queries in read and write transactions, errors of our own tree.

A ``Database`` is thread-safe and belongs to a process; it wraps the synchronous driver. A row costs
the driver about 50 µs whatever is in it: thousands of rows are cheaper as one row of columns,
``RETURN collect(n.a) AS a, collect(n.b) AS b``.
"""

import contextlib
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, LiteralString, Self, TypeVar, cast

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
    RecordMissed,
    StatementError,
    TransactionConflict,
)

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")

CONNECT_SECONDS = 3.0
ACQUIRE_SECONDS = 10.0
RETRY_SECONDS = 3.0
FIRST_RETRY_SECONDS = 0.02
TRANSACTION_SECONDS = 60.0
"""The engine ends a transaction after this long: a process that hangs cannot keep its locks."""

MEANINGS: tuple[tuple[type[Exception], type[GraphError], str], ...] = (
    (driver_errors.IncompleteCommit, CommitUncertain, "The connection to the engine broke during a commit"),
    (driver_errors.ServiceUnavailable, EngineUnavailable, "The engine does not answer"),
    (driver_errors.SessionExpired, EngineUnavailable, "The engine does not answer"),
    (driver_errors.ConnectionPoolError, EngineUnavailable, "No connection to the engine became free"),
    (driver_errors.AuthError, EngineRefused, "The engine does not accept our user name and password"),
    (driver_errors.Forbidden, EngineRefused, "The engine does not allow this"),
)

MISSED: Final = "Neo.ClientError.Statement.EntityNotFound"
"""Not the query's fault: an index of the embedded engine names what others just added, of which this
transaction's page knows nothing yet; Neo4j says so of what others just deleted."""
MISSED_TRIES = 8
MADE_BY_OTHERS: Final = "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists"
"""Neo4j's ``CREATE ... IF NOT EXISTS`` says so where another transaction makes the same at that moment."""

QUERY_OPTIONS: Final[Mapping[str, LiteralString]] = {"neo4j": "CYPHER replan=skip "}
"""Neo4j plans a query again whenever the graph has grown a lot, and whoever waits for it waits 0.1 to 0.6 s.
Every query of ours finds its nodes by an index whatever the graph's size (a test looks at its first plan)."""

NO_PARAMETERS: Mapping[str, Any] = {}

QuerySpan = Callable[[str], contextlib.AbstractContextManager[object]]
"""Around one query, by its name: for traces."""


def untraced(_name: str) -> contextlib.AbstractContextManager[object]:
    """Nobody traces."""
    return _NOTHING


_NOTHING: Final = contextlib.nullcontext()


class _Record(dict[str, Any]):
    """A parameter that the driver does not spell out."""

    def __repr__(self) -> str:
        return "{...}"


class _Rows(list[Any]):
    """Likewise."""

    def __repr__(self) -> str:
        return f"[... {len(self)}]"


def unspoken(params: object) -> dict[str, Any]:
    """Parameters as the driver gets them.

    It spells out all of them for its debugging log, whether or not anybody logs: for a batch that takes
    longer than packing it, and customers' words have no place there.
    """
    return {name: _hidden(value) for name, value in cast("dict[str, Any]", params).items()}


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return _Record(cast("dict[str, Any]", value))
    return _Rows(cast("list[Any]", value)) if isinstance(value, list) else value


class Transaction:
    """One open transaction. Not thread-safe, and of no use after its end."""

    def __init__(
        self,
        driver_transaction: neo4j.Transaction | neo4j.ManagedTransaction,
        options: LiteralString = "",
        span: QuerySpan = untraced,
    ) -> None:
        """Wrap the driver's transaction, which stays visible for tests that look closer.

        ``options`` come before every declared query, ``span`` is around it.
        """
        self.driver_transaction = driver_transaction
        self._options: LiteralString = options
        self._span = span

    def run(self, query: CypherQuery[P, R], params: P) -> list[R]:
        """Run a query and return all its rows as plain dictionaries of the declared shape."""
        with self._span(query.name):
            result = self.driver_transaction.run(self._options + query.text, unspoken(params))
            return cast("list[R]", rows_of(result))

    def run_consume(self, query: CypherQuery[P, Any], params: P) -> None:
        """Run a statement whose rows, if any, do not matter."""
        with self._span(query.name):
            self.driver_transaction.run(self._options + query.text, unspoken(params)).consume()

    def run_text(
        self, text: LiteralString, params: Mapping[str, Any] = NO_PARAMETERS
    ) -> list[dict[str, Any]]:
        """Run a bare text: for tests and tools. Code of the service declares a ``CypherQuery``."""
        return rows_of(self.driver_transaction.run(text, unspoken(params)))


class Database:
    """One database of one engine, for the life of the process."""

    def __init__(
        self, connection: Connection, *, max_pool_size: int = 50, span: QuerySpan = untraced
    ) -> None:
        """Prepare a driver; nothing is sent before the first use or ``verify``."""
        self.connection = connection
        self._span = span
        self._options: LiteralString = QUERY_OPTIONS.get(connection.kind, "")
        quiet: dict[str, Any] = (
            # Bolt 4.4, which the embedded engine speaks, cannot switch notifications off.
            {"notifications_min_severity": "OFF"} if connection.kind == "neo4j" else {}
        )
        self._driver = neo4j.GraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType] - untyped options
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
        return self._execute(query, params, neo4j.RoutingControl.READ)

    def write(self, query: CypherQuery[P, R], params: P) -> list[R]:
        """The rows of one query, in a write transaction that is retried where that helps."""
        return self._execute(query, params, neo4j.RoutingControl.WRITE)

    def reading(self, work: Callable[[Transaction], T]) -> T:
        """Several queries in one read transaction; ``work`` may run more than once."""
        return self._managed(work, lambda session, unit: session.execute_read(unit))

    def writing(self, work: Callable[[Transaction], T]) -> T:
        """Several queries in one write transaction; ``work`` may run more than once."""
        return self._managed(work, lambda session, unit: session.execute_write(unit))

    @contextlib.contextmanager
    def transaction(self) -> Generator[Transaction]:
        """A write transaction without any retry: commits at the end, rolls back on an exception."""
        with translated(), self._session() as session:
            # As ``execute_query`` does: BEGIN travels with the first statement, which saves a round trip.
            with session._pipelined_begin:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                begun = session.begin_transaction(timeout=TRANSACTION_SECONDS)
            with begun as each:
                yield Transaction(each, self._options, self._span)

    def verify(self) -> None:
        """Reach the engine once. Raises ``EngineUnavailable`` or ``EngineRefused``."""
        with translated():
            self._driver.verify_connectivity()  # pyright: ignore[reportUnknownMemberType] - untyped options

    def close(self) -> None:
        """Close every connection."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _managed(
        self,
        work: Callable[[Transaction], T],
        execute: Callable[[neo4j.Session, Callable[[neo4j.ManagedTransaction], T]], T],
    ) -> T:
        @neo4j.unit_of_work(timeout=TRANSACTION_SECONDS)
        def unit(transaction: neo4j.ManagedTransaction) -> T:
            return work(Transaction(transaction, self._options, self._span))

        def once() -> T:
            with translated(), self._session() as session:
                return execute(session, unit)

        return persistent(once)

    def _session(self) -> neo4j.Session:
        return self._driver.session(  # pyright: ignore[reportUnknownMemberType] - untyped options
            database=self.connection.database, bookmark_manager=self._bookmarks
        )

    def _execute(self, query: CypherQuery[P, R], params: P, routing: neo4j.RoutingControl) -> list[R]:
        """One query is one transaction: its BEGIN travels with it, which saves a round trip."""

        def once() -> list[R]:
            with translated(), self._span(query.name):
                return self._driver.execute_query(
                    neo4j.Query(self._options + query.text, timeout=TRANSACTION_SECONDS),
                    unspoken(params),
                    routing_=routing,
                    database_=self.connection.database,
                    bookmark_manager_=self._bookmarks,
                    result_transformer_=lambda result: cast("list[R]", rows_of(result)),
                )

        return persistent(once)


def rows_of(result: neo4j.Result) -> list[dict[str, Any]]:
    """All rows as plain dictionaries (``Record.data`` takes twice as long)."""
    keys = result.keys()
    return [dict(zip(keys, each, strict=True)) for each in result]  # pyright: ignore[reportUnknownArgumentType] - Record is an untyped tuple


def persistent(once: Callable[[], T]) -> T:
    """The whole transaction again where it met a record in motion: the driver repeats all but that."""
    for _ in range(MISSED_TRIES - 1):
        with contextlib.suppress(RecordMissed):
            return once()
    return once()


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (driver_errors.DriverError, driver_errors.Neo4jError) as error:
        raise translate(error) from error


def translate(error: driver_errors.DriverError | driver_errors.Neo4jError) -> GraphError:
    """Our error for one of the driver's."""
    for theirs, ours, meaning in MEANINGS:
        if isinstance(error, theirs):
            return ours(f"{meaning}: {error}")
    if isinstance(error, driver_errors.DriverError):
        return StatementError(str(error))
    kind = StatementError
    if isinstance(error, driver_errors.ConstraintError):
        kind = ConstraintViolation
    elif error.code == MISSED:
        kind = RecordMissed
    elif error.code == MADE_BY_OTHERS or error.is_retryable():
        kind = TransactionConflict
    return kind(error.message or str(error), error.code)
