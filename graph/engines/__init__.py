"""The engines that keep the graph: an external Neo4j, or the embedded ArcadeDB as a child process."""

import contextlib
from collections.abc import Generator
from pathlib import Path

from graph.engines.connection import Connection, EngineKind
from graph.engines.embedded import embedded_engine
from graph.engines.folder import RunningServer, read_server, remove_server, write_server

__all__ = [
    "Connection",
    "EngineKind",
    "RunningServer",
    "embedded_engine",
    "open_engine",
    "read_server",
    "remove_server",
    "write_server",
]


@contextlib.contextmanager
def open_engine(
    data_dir: Path,
    *,
    neo4j: Connection | None = None,
    heap_mib: int | None = None,
    orphan_seconds: float = 30.0,
) -> Generator[Connection]:
    """The external Neo4j where one is given, else the embedded engine of ``data_dir``.

    ``heap_mib`` is the embedded engine's Java heap (default: an eighth of memory, at most 2 GiB);
    ``orphan_seconds`` how long it lives on when its owner died. Raises ``EngineError``.
    """
    if neo4j is not None:
        yield neo4j
        return
    with embedded_engine(data_dir, heap_mib=heap_mib, orphan_seconds=orphan_seconds) as connection:
        yield connection
