"""One running server per engine, shared by the tests that leave it as it was."""

import uuid
from collections.abc import Generator

import pytest

from tests.support.servers import Client, ServerProcess, on_engine


@pytest.fixture(scope="session", params=["arcadedb", "neo4j"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[ServerProcess]:
    neo4j = request.getfixturevalue("neo4j_engine") if request.param == "neo4j" else None
    with ServerProcess(on_engine(tmp_path_factory.mktemp("server") / "data", neo4j)) as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Generator[Client]:
    """The admin's client."""
    with server.client() as client:
        yield client


@pytest.fixture
def name() -> str:
    """A prefix for ids that nobody else uses: tests share a graph."""
    return f"t{uuid.uuid4().hex[:10]}"
