"""The embedded engine's own HTTP interface, for what Bolt cannot do."""

import dataclasses
import json
import uuid
from pathlib import Path

import httpx

from graph.engines import Connection


def another_database(folder: Path, connection: Connection) -> Connection:
    """A new, empty database of the engine that runs on a folder."""
    port = json.loads((folder / "engine.json").read_text())["http_port"]
    name = f"raw_{uuid.uuid4().hex[:8]}"
    httpx.post(
        f"http://127.0.0.1:{port}/api/v1/server",
        json={"command": f"create database {name}"},
        auth=(connection.username, connection.password),
    ).raise_for_status()
    return dataclasses.replace(connection, database=name)
