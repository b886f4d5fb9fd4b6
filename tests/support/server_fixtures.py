"""Fixtures of tests that talk to a running server (``tests/conftest.py`` hands them out).

| fixture          | what it is                                                                            |
| ---------------- | ------------------------------------------------------------------------------------- |
| ``server_neo4j`` | a Neo4j of these tests' own: tests of the graph empty theirs, migrations and keys too |
| ``webhook_neo4j``| another, of webhooks alone: whatever server is on a graph may deliver its events      |
| ``server``       | a running ``costgraph serve``, once per engine; leave it as it is                     |
| ``client``       | its admin's client                                                                    |
| ``name``         | a prefix for ids that nobody else uses: tests share the server's graph                |
"""

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
