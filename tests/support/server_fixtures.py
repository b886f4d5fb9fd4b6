"""Fixtures of tests that talk to a running server (``tests/conftest.py`` hands them out).

| fixture          | what it is                                                                            |
| ---------------- | ------------------------------------------------------------------------------------- |
| ``server_neo4j`` | a Neo4j of these tests' own: tests of the graph empty theirs, migrations and keys too |
| ``webhook_neo4j``| another, of webhooks alone: whatever server is on a graph may deliver its events      |
| ``server``       | a running ``costgraph serve``, once per engine; leave it as it is                     |
| ``servers``      | one on an embedded folder; on Neo4j two, in a full run four; of the module's own      |
| ``client``       | its admin's client                                                                    |
| ``name``         | a prefix for ids that nobody else uses: tests share the server's graph                |
"""

import os
import uuid
from collections.abc import Generator

import pytest

from graph.engines import Connection
from tests.support import neo4j
from tests.support.servers import Client, ServerProcess, on_engine


@pytest.fixture(scope="session")
def server_neo4j() -> Generator[Connection]:
    if reason := neo4j.missing():
        pytest.skip(reason)
    with neo4j.neo4j_server() as connection:
        yield connection


@pytest.fixture(scope="session")
def webhook_neo4j() -> Generator[Connection]:
    if reason := neo4j.missing():
        pytest.skip(reason)
    with neo4j.neo4j_server() as connection:
        yield connection


@pytest.fixture(scope="session", params=["arcadedb", "neo4j"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ServerProcess]:
    engine = request.getfixturevalue("server_neo4j") if request.param == "neo4j" else None
    with ServerProcess(on_engine(tmp_path_factory.mktemp("server") / "data", engine)) as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Generator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="module", params=["arcadedb, one server", "neo4j, several servers"])
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[list[ServerProcess]]:
    folder = tmp_path_factory.mktemp("servers")
    if request.param.startswith("arcadedb"):
        running = [ServerProcess(on_engine(folder))]
    else:
        neo4j = request.getfixturevalue("server_neo4j")
        count = 4 if os.environ.get("COSTGRAPH_TEST_FULL") else 2
        running = [ServerProcess(on_engine(folder / f"{number}", neo4j)) for number in range(count)]
    yield running
    for server in running:
        server.stop()
