"""Real servers for tests: ``costgraph serve`` as a process, on an engine of the test's choice."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import orjson

from graph.database import Database
from graph.engines import Connection
from graph.engines.embedded import DATABASE
from graph.engines.folder import ENGINE_FILE, PASSWORD_FILE

COMMAND = Path(sys.executable).with_name("costgraph")
READY_SECONDS = 180
STOP_SECONDS = 60
ADMIN_KEY = "an-admin-key-for-tests-of-32-characters-or-more"
OURS = ("NEO4J_", "COSTGRAPH_", "OTEL_")


def environment(**variables: str) -> dict[str, str]:
    """The environment without any setting of ours, then these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**inherited, "COLUMNS": "160", **variables}


def on_engine(data_dir: Path, neo4j: Connection | None = None) -> dict[str, str]:
    """The settings of a server on that Neo4j, else on the embedded engine of the folder."""
    if neo4j is None:
        return {"COSTGRAPH_DATA_DIR": str(data_dir)}
    return {
        "COSTGRAPH_DATA_DIR": str(data_dir),
        "NEO4J_URI": neo4j.uri,
        "NEO4J_USERNAME": neo4j.username,
        "NEO4J_PASSWORD": neo4j.password,
        "NEO4J_DATABASE": neo4j.database or "",
        "COSTGRAPH_ADMIN_KEY": ADMIN_KEY,
    }


def costgraph(
    *arguments: str, settings: Mapping[str, str], stdin: str = "", program: Sequence[str | Path] = (COMMAND,)
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*program, *arguments],
        env=environment(**settings),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=READY_SECONDS,
    )


class ServerProcess:
    """``costgraph serve --port 0`` until it is stopped or killed."""

    def __init__(self, settings: Mapping[str, str], *options: str, port: int = 0) -> None:
        """Start it, and wait for its ready line."""
        self.settings = dict(settings)
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            [COMMAND, "serve", "--port", str(port), *options],
            env=environment(**settings),
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,
        )
        self.printed: list[str] = []
        self.url = self._wait_ready()

    def _wait_ready(self) -> str:
        timer = threading.Timer(READY_SECONDS, self.process.kill)
        timer.start()
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                self.printed.append(line.strip())
                if line.startswith("ready "):
                    return line.split()[1]
        finally:
            timer.cancel()
        self.process.wait()
        message = f"The server did not become ready (exit {self.process.returncode}):\n{self.logged()}"
        self._close()
        raise RuntimeError(message)

    def logged(self) -> str:
        """What it wrote to standard error."""
        self.log.seek(0)
        return self.log.read()

    @property
    def data_dir(self) -> Path:
        """Its data folder."""
        return Path(self.settings["COSTGRAPH_DATA_DIR"])

    @property
    def admin_key(self) -> str:
        """The admin key, as an operator finds it."""
        if "COSTGRAPH_ADMIN_KEY" in self.settings:
            return self.settings["COSTGRAPH_ADMIN_KEY"]
        return (self.data_dir / "admin.key").read_text(encoding="utf-8").strip()

    @property
    def kind(self) -> str:
        """The engine's kind."""
        return "neo4j" if "NEO4J_URI" in self.settings else "arcadedb"

    def engine(self) -> dict[str, Any]:
        """The description of its embedded engine: pid, ports."""
        return orjson.loads((self.data_dir / ENGINE_FILE).read_bytes())

    @contextlib.contextmanager
    def database(self) -> Generator[Database]:
        """Its graph, past the API."""
        if self.kind == "neo4j":
            connection = Connection(
                uri=self.settings["NEO4J_URI"],
                username=self.settings["NEO4J_USERNAME"],
                password=self.settings["NEO4J_PASSWORD"],
                database=self.settings["NEO4J_DATABASE"] or None,
                kind="neo4j",
            )
        else:
            connection = Connection(
                uri=f"bolt://127.0.0.1:{self.engine()['bolt_port']}",
                username="root",
                password=(self.data_dir / PASSWORD_FILE).read_text(encoding="utf-8").strip(),
                database=DATABASE,
                kind="arcadedb",
            )
        with Database(connection) as database:
            yield database

    def client(self, key: str | None = None) -> "Client":
        """A client with that key, else the admin's."""
        return Client(self.url, key or self.admin_key)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._end()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self._end()

    def _end(self) -> int:
        code = self.process.wait(STOP_SECONDS)
        self._close()
        return code

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.last_words = self.logged()
        self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()
        elif not self.log.closed:
            self._close()


class Client(httpx.Client):
    """HTTP with a key, and GraphQL."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(
            base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        )

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer of one GraphQL operation."""
        return self.post("/graphql", json={"query": query, "variables": variables}).json()

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of one that must succeed."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


def eventually(happened: Callable[[], bool], seconds: float = 60.0) -> float:
    """Wait until something happened; after how many seconds. Fails when it does not."""
    started = time.monotonic()
    while not happened():
        elapsed = time.monotonic() - started
        assert elapsed < seconds, f"it did not happen within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - started
