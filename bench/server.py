"""A real server process to measure."""

import contextlib
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graph.engines import Connection

COSTGRAPH = ("-c", "from server.cli import main; main()")


@dataclass(frozen=True)
class Server:
    """Where a server listens, and a key that may do everything."""

    url: str
    key: str
    pid: int

    @property
    def port(self) -> int:
        """Its port on loopback."""
        return int(self.url.rpartition(":")[2])


@contextlib.contextmanager
def serving(
    folder: Path,
    neo4j: Connection | None,
    key: str | None = None,
    settings: Mapping[str, str] | None = None,
    program: Sequence[str] = COSTGRAPH,
) -> Generator[Server]:
    """``costgraph serve`` on a free port, with an admin key; stopped by SIGTERM at the end."""
    key = key or secrets.token_hex(32)
    environment = {
        **os.environ,
        "COSTGRAPH_DATA_DIR": str(folder / "data"),
        "COSTGRAPH_PORT": "0",
        "COSTGRAPH_ADMIN_KEY": key,
        **(settings or {}),
    }
    if neo4j is not None:
        if neo4j.database is not None:
            environment["NEO4J_DATABASE"] = neo4j.database
        environment |= {
            "NEO4J_URI": neo4j.uri,
            "NEO4J_USERNAME": neo4j.username,
            "NEO4J_PASSWORD": neo4j.password,
        }
    log = (folder / "serve.log").open("w", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, *program, "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        yield Server(_ready(process, folder), key, process.pid)
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _ready(process: "subprocess.Popen[str]", folder: Path) -> str:
    for line in process.stdout or ():
        if match := re.search(r"ready (http://\S+)", line):
            return match.group(1)
    process.wait()
    raise RuntimeError(f"the server did not start:\n{(folder / 'serve.log').read_text(encoding='utf-8')}")
