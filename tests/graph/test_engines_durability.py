"""What was acknowledged is on the disk: engines are killed under load, commits are counted by the system."""

import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from graph.database import Database, Transaction
from graph.engines import Connection, open_engine
from graph.errors import GraphError
from tests.graph.test_engines import engine_of
from tests.support import neo4j

CLIENTS = 8
BEFORE_THE_KILL = 200
AFTER_THE_KILL = 50
COMMITS = 20
PATIENCE_SECONDS = 120

WRITE = "MATCH (c:Client {uid: $client}) SET c.written = c.written + 1 CREATE (:Written {uid: $uid})"


@dataclass
class Victim:
    """An engine of the test's own; ``kill`` sends SIGKILL, and it comes back at the same address."""

    connection: Connection
    pid: Callable[[], int]
    kill: Callable[[], None]


@contextlib.contextmanager
def arcadedb_victim(data_dir: Path) -> Generator[Victim]:
    def pid() -> int:
        return engine_of(data_dir)["pid"]

    with open_engine(data_dir, heap_mib=512) as connection:
        yield Victim(connection, pid, lambda: os.kill(pid(), signal.SIGKILL))  # its owner starts it again


@contextlib.contextmanager
def neo4j_victim(data_dir: Path) -> Generator[Victim]:
    if reason := neo4j.missing():
        pytest.skip(reason)
    running = [neo4j.Neo4jProcess(data_dir)]

    def kill() -> None:
        running[-1].kill()
        running.append(neo4j.Neo4jProcess(data_dir, running[-1].port))

    try:
        yield Victim(running[-1].connection, lambda: running[-1].process.pid, kill)
    finally:
        running[-1].kill()


@pytest.fixture(scope="module", params=[arcadedb_victim, neo4j_victim], ids=["arcadedb", "neo4j"])
def victim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Victim]:
    with request.param(tmp_path_factory.mktemp("victim")) as each:
        yield each


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_every_commit_is_flushed_to_the_disk(victim: Victim, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with Database(victim.connection) as database:

        def commit() -> None:
            with database.transaction() as transaction:
                transaction.run_text("CREATE (:Flushed)")

        commit()
        command = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(trace), "-p", str(victim.pid())]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            assert strace.stderr is not None
            assert "attached" in strace.stderr.readline()
            for _ in range(COMMITS):
                commit()
            strace.send_signal(signal.SIGINT)
    flushes = re.findall(r"\b(?:fsync|fdatasync)\(", trace.read_text())
    assert len(flushes) >= COMMITS


class Load:
    """Clients that write as fast as they can, and remember what was acknowledged to them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.acknowledged: list[str] = []
        self.grew = threading.Condition()
        self.stopped = threading.Event()
        self.clients = [threading.Thread(target=self.write, args=(number,)) for number in range(CLIENTS)]

    def write(self, client: int) -> None:
        for number in itertools.count():
            if self.stopped.is_set():
                return
            uid = f"{client}/{number}"
            with contextlib.suppress(GraphError):
                with self.database.transaction() as transaction:
                    transaction.run_text(WRITE, {"client": client, "uid": uid})
                with self.grew:
                    self.acknowledged.append(uid)
                    self.grew.notify_all()

    def wait_for(self, more: int) -> None:
        with self.grew:
            aim = len(self.acknowledged) + more
            assert self.grew.wait_for(lambda: len(self.acknowledged) >= aim, PATIENCE_SECONDS)


def test_an_engine_killed_under_load_comes_back_with_all_that_it_acknowledged(victim: Victim) -> None:
    with Database(victim.connection) as database:
        database.writing(
            lambda transaction: transaction.run_text(
                "UNWIND range(0, $clients - 1) AS client CREATE (:Client {uid: client, written: 0})",
                {"clients": CLIENTS},
            )
        )
        load = Load(database)
        for client in load.clients:
            client.start()
        load.wait_for(BEFORE_THE_KILL)
        victim.kill()
        load.wait_for(AFTER_THE_KILL)  # by the same driver: nobody has to restart anything
        load.stopped.set()
        for client in load.clients:
            client.join()

        def look(transaction: Transaction) -> tuple[set[str], int]:
            written = transaction.run_text("MATCH (w:Written) RETURN w.uid AS uid")
            (counted,) = transaction.run_text("MATCH (c:Client) RETURN sum(c.written) AS written")
            return {row["uid"] for row in written}, counted["written"]

        found, counted = database.reading(look)
    assert set(load.acknowledged) - found == set()
    assert counted == len(found)  # no half of a transaction
