"""Fixtures of every test that needs an engine.

| fixture            | what it is                                                                     |
| ------------------ | ------------------------------------------------------------------------------ |
| ``engine``         | a running engine's ``Connection``; the test runs once per engine (-k arcadedb) |
| ``database``       | its migrated graph, shared by the session's tests: work below your ``tenant``  |
| ``tenant``         | a tenant's name that nobody else uses                                          |
| ``empty_database`` | the same graph, emptied first: for tests that look at the whole graph          |
| ``raw_database``   | a graph of the engine that nobody has migrated                                 |
| ``data_dir``       | a folder for an embedded engine of the test's own                              |
"""

import signal
import uuid
from collections.abc import Generator
from pathlib import Path

import pytest

from graph.database import Database
from graph.engines import Connection, open_engine
from graph.migrations import MIGRATIONS, migrate
from tests.support import arcadedb, neo4j
from tests.support.graphs import unmake, wipe
from tests.support.server_fixtures import client, name, server, server_neo4j, servers, webhook_neo4j

__all__ = ["client", "name", "server", "server_neo4j", "servers", "webhook_neo4j"]

collect_ignore = ["graph/test_neo4j_calendar.py"] if neo4j.calendar_missing() else []
"""What needs a newer Java than Neo4j 5.26 does is tested beside it where there is one."""

# A shell that runs pytest in the background lets it ignore Ctrl-C, and so would every server started here.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def arcadedb_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arcadedb")


@pytest.fixture(scope="session")
def arcadedb_engine(arcadedb_folder: Path) -> Generator[Connection]:
    with open_engine(arcadedb_folder, heap_mib=1024) as connection:
        yield connection


@pytest.fixture(scope="session")
def neo4j_engine() -> Generator[Connection]:
    if reason := neo4j.missing():
        pytest.skip(reason)
    with neo4j.neo4j_server() as connection:
        yield connection


@pytest.fixture(scope="session", params=["arcadedb", "neo4j"])
def engine(request: pytest.FixtureRequest) -> Connection:
    return request.getfixturevalue(f"{request.param}_engine")


@pytest.fixture(scope="session")
def shared_databases() -> Generator[dict[str, Database]]:
    """One driver per engine and session; ``database`` fills it."""
    opened: dict[str, Database] = {}
    yield opened
    for each in opened.values():
        each.close()


@pytest.fixture
def database(engine: Connection, shared_databases: dict[str, Database]) -> Database:
    if engine.kind not in shared_databases:
        shared_databases[engine.kind] = Database(engine)
        migrate(shared_databases[engine.kind], MIGRATIONS)
    return shared_databases[engine.kind]


@pytest.fixture
def empty_database(database: Database) -> Database:
    wipe(database)
    return database


@pytest.fixture
def raw_database(database: Database, arcadedb_folder: Path) -> Generator[Database]:
    if database.connection.kind == "arcadedb":  # what it once declared it never quite forgets
        with Database(arcadedb.another_database(arcadedb_folder, database.connection)) as fresh:
            yield fresh
    else:
        unmake(database)
        yield database
        unmake(database)
        migrate(database, MIGRATIONS)


@pytest.fixture
def tenant() -> str:
    return f"tenant-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"
