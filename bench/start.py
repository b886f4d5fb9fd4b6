"""How long ``costgraph serve`` takes on an empty folder until it says that it is ready."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.server import serving

RUNS = 3


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Seconds to ``ready``; the embedded engine only, as an outer Neo4j runs already."""
    del scale
    if engine != "arcadedb":
        return
    seconds: list[float] = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="costgraph-bench-") as folder:
            started = time.perf_counter()
            with serving(Path(folder), None):
                seconds.append(time.perf_counter() - started)
    yield {"ready_s_median": round(statistics.median(seconds), 2), "ready_s_max": round(max(seconds), 2)}
