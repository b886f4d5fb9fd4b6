"""The engines under measure: each in a folder of its own that is thrown away."""

import contextlib
import tempfile
from collections.abc import Generator
from pathlib import Path

from graph.engines import Connection, open_engine
from tests.support import neo4j

ENGINES = ("arcadedb", "neo4j")


def missing(engine: str) -> str | None:
    """Why an engine cannot be measured here, or None where it can."""
    return neo4j.missing() if engine == "neo4j" else None


@contextlib.contextmanager
def engine_in(engine: str, folder: Path) -> Generator[Connection]:
    """A running engine with its data below ``folder``."""
    if engine == "neo4j":
        with neo4j.neo4j_server(folder) as connection:
            yield connection
    else:
        with open_engine(folder) as connection:
            yield connection


@contextlib.contextmanager
def fresh_engine(engine: str) -> Generator[Connection]:
    """A running engine with an empty graph."""
    with (
        tempfile.TemporaryDirectory(prefix="costgraph-bench-") as folder,
        engine_in(engine, Path(folder)) as each,
    ):
        yield each
