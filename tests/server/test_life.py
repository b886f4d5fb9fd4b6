"""The life of a server process: start, second start, stop under load, death."""

import stat
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.test_rest_usage import usage
from tests.support import neo4j as neo4j_support
from tests.support.servers import Client, ServerProcess, costgraph, eventually, on_engine

EXIT_MISUSED, EXIT_UNREACHABLE = 2, 3
CLIENTS = 8


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_serve_on_an_empty_folder_gets_ready_and_stops_with_0(data_dir: Path) -> None:
    with ServerProcess(on_engine(data_dir)) as server:
        assert server.printed == [f"admin key in {data_dir / 'admin.key'}", f"ready {server.url}"]
        assert stat.S_IMODE((data_dir / "admin.key").stat().st_mode) == 0o600
        assert httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200
        with server.client() as client:
            assert client.post("/v1/usage", json=usage("first")).status_code == 201
        first_key = server.admin_key
        assert server.stop() == 0
        assert first_key not in server.last_words
    with ServerProcess(on_engine(data_dir)) as server:
        assert server.admin_key == first_key
        with server.client() as client:
            assert client.post("/v1/usage", json=usage("first")).json()["duplicate"]


def test_a_second_server_on_a_folder_refuses_and_says_where_the_first_is(data_dir: Path) -> None:
    with ServerProcess(on_engine(data_dir)) as server:
        second = costgraph("serve", "--port", "0", settings=on_engine(data_dir))
        assert second.returncode == EXIT_UNREACHABLE
        assert server.url in second.stderr
        assert "COSTGRAPH_DATA_DIR" in second.stderr


def test_a_taken_port_is_told_before_an_engine_starts(data_dir: Path, server: ServerProcess) -> None:
    port = server.url.rpartition(":")[2]
    second = costgraph("serve", "--port", port, settings=on_engine(data_dir))
    assert second.returncode == EXIT_UNREACHABLE
    assert "in use" in second.stderr
    assert not data_dir.exists()


def test_several_workers_on_an_embedded_engine_are_misuse(data_dir: Path) -> None:
    run = costgraph("serve", "--workers", "2", settings=on_engine(data_dir))
    assert run.returncode == EXIT_MISUSED
    assert "NEO4J_URI" in run.stderr


def test_a_neo4j_out_of_reach_is_told(data_dir: Path) -> None:
    settings = {
        "NEO4J_URI": "bolt://127.0.0.1:1",
        "COSTGRAPH_ADMIN_KEY": "k" * 32,
        "COSTGRAPH_DATA_DIR": str(data_dir),
    }
    run = costgraph("serve", "--port", "0", settings=settings)
    assert run.returncode == EXIT_UNREACHABLE
    assert "does not answer" in run.stderr
    assert "Traceback" not in run.stderr


INTERRUPTED_IN_A_DESTRUCTOR = """
import contextlib, signal
from server import run
from server.cli import main

class Interrupted:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

opened = run.opened

@contextlib.contextmanager
def opened_and_told_to_leave(settings):
    with opened(settings) as app:
        Interrupted()
        yield app

run.opened = opened_and_told_to_leave
main()
"""


def test_a_signal_that_meets_a_destructor_is_not_lost(data_dir: Path) -> None:
    """Python only prints what a ``__del__`` raises: the driver has one, and a worker stayed for ever."""
    program = (sys.executable, "-c", INTERRUPTED_IN_A_DESTRUCTOR)
    run = costgraph("serve", "--port", "0", settings=on_engine(data_dir), program=program)
    assert "Exception ignored" in run.stderr
    assert run.returncode == 0


class Load:
    """Clients that record one call after the other until told to stop, and note what was acknowledged."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        self.acknowledged: set[str] = set()
        self.answers: list[int] = []
        self._url, self._key, self._name = server.url, server.admin_key, name
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(each,)) for each in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _work(self, worker: int) -> None:
        with Client(self._url, self._key) as client:
            for number in range(1_000_000):
                if self._stop.is_set():
                    return
                row = usage(f"{self._name}-{worker}-{number}", agent_id=self._name)
                try:
                    answer = client.post("/v1/usage", json=row)
                except httpx.TransportError:
                    return
                self.answers.append(answer.status_code)
                if answer.status_code == 201:
                    self.acknowledged.add(row["operation_id"])

    def join(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def recorded(client: Client, ids: set[str], name: str) -> set[str]:
    """Which of the operations are there: a repetition says so."""
    rows: list[dict[str, Any]] = [usage(each, agent_id=name) for each in sorted(ids)]
    found: set[str] = set()
    for begin in range(0, len(rows), 1_000):
        results = client.post("/v1/usage", json=rows[begin : begin + 1_000]).json()["results"]
        found |= {each["operation_id"] for each in results if each.get("duplicate")}
    return found


@pytest.mark.parametrize("engine_kind", ["arcadedb", "neo4j"])
@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_nothing_acknowledged_is_lost(
    request: pytest.FixtureRequest, data_dir: Path, name: str, engine_kind: str, end: str
) -> None:
    neo4j = request.getfixturevalue("server_neo4j") if engine_kind == "neo4j" else None
    settings = on_engine(data_dir, neo4j)
    with ServerProcess(settings) as server:
        load = Load(server, name)
        eventually(lambda: len(load.acknowledged) > 200)
        if end == "SIGTERM":
            assert server.stop() == 0
        else:
            server.kill()
        load.join()
        assert set(load.answers) <= {201, 503}
    with ServerProcess(settings) as server, server.client() as client:
        assert recorded(client, load.acknowledged, name) == load.acknowledged


def test_without_its_engine_a_server_is_not_ready_and_asks_to_try_again(tmp_path: Path, name: str) -> None:
    if reason := neo4j_support.missing():
        pytest.skip(reason)
    engine = neo4j_support.Neo4jProcess(tmp_path / "neo4j")
    with ServerProcess(on_engine(tmp_path / "data", engine.connection)) as server, server.client() as client:
        assert client.post("/v1/usage", json=usage(name)).status_code == 201
        engine.kill()
        eventually(lambda: client.get("/readyz").status_code == 503)
        assert client.get("/readyz").json()["checks"]["engine"] is False
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200
        refused = client.post("/v1/usage", json=usage(f"{name}-2"))
        assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
        assert refused.headers["retry-after"] == "1"
        asked = client.ask("{ budgets { nodes { budgetId } } }")
        assert asked["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        engine = neo4j_support.Neo4jProcess(tmp_path / "neo4j", engine.port)
        eventually(lambda: client.get("/readyz").status_code == 200)
        assert client.post("/v1/usage", json=usage(f"{name}-2")).status_code in {200, 201}
        assert client.post("/v1/usage", json=usage(name)).json()["duplicate"]
        assert server.stop() == 0
    engine.stop()
