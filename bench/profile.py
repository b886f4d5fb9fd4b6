"""Where the time of a reservation goes: HTTP, ledger, graph, driver, engine; by processor time per request.

The server is the real one, in a process of its own that reads its threads' clocks around the parts
(``python -m bench.profile serve``). ``http_us`` is the event loop's thread, the next four the committer's:
``decide``, what else the ledger does for a batch, rows to and from the graph, the driver. ``commit_wait_ms``
is what a commit waits for the engine, and for its turn among Python's threads.
"""

import contextlib
import functools
import json
import os
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import orjson

from bench import wrk
from bench.engines import engine_in
from bench.reservations import CLIENTS, WARM_SECONDS, load_of
from bench.server import Server, serving
from bench.service import make_tree
from graph.database import Database, Transaction
from graph.ledger.store import GraphLedgerTransaction
from ledger import batch
from server.cli import main as costgraph

P = ParamSpec("P")
R = TypeVar("R")

FILE: Final = "BENCH_PROFILE"
"""Names the file in the environment that the server writes its clocks to."""
EVERY_SECONDS: Final = 0.2
COMMITTER: Final = "committer"


def run(engine: str, scale: float) -> Iterator[dict[str, Any]]:
    """Microseconds of processor time per request, by part, at 1, 50 and 200 clients."""
    if not wrk.available() or not Path("/proc/self/task").is_dir():
        yield {"left_out": "needs wrk, and Linux"}
        return
    with tempfile.TemporaryDirectory(prefix="costgraph-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        clocks = folder / "clocks.json"
        neo4j = stack.enter_context(engine_in(engine, folder / "neo4j")) if engine == "neo4j" else None
        program = ("-m", "bench.profile")
        server = stack.enter_context(serving(folder, neo4j, settings={FILE: str(clocks)}, program=program))
        make_tree(server)
        for settle in (False, True):
            load_of(server, 50, WARM_SECONDS, settle=settle)
        for clients in CLIENTS:
            for what, settle in (("reserve", False), ("reserve + settle", True)):
                before = _read(clocks, server)
                load = load_of(server, clients, max(3, round(10 * scale)), settle=settle)
                spent = _read(clocks, server).since(before)
                yield {"what": what, "clients": clients, **spent.per_request(load)}


@dataclass(frozen=True)
class Clocks:
    """What a server and its engine have used since they began, in seconds."""

    of: Mapping[str, float]

    def since(self, before: "Clocks") -> "Clocks":
        """What they used between two looks."""
        return Clocks({name: value - before.of[name] for name, value in self.of.items()})

    def per_request(self, load: wrk.Load) -> dict[str, Any]:
        """The parts of a request."""
        of, commits = self.of, max(1, self.of["commits"])
        ledger = of[COMMITTER] - of["decide"] - of["graph"] - of["driver"]
        parts = {
            "http": of["http"],
            "decide": of["decide"],
            "ledger": ledger,
            "graph": of["graph"],
            "driver": of["driver"],
            "other": of["process"] - of["http"] - of[COMMITTER],
            "engine": of["engine"],
        }
        return {
            "requests_per_s": round(load.rate),
            **{f"{name}_us": round(value / load.requests * 1e6, 1) for name, value in parts.items()},
            "requests_per_commit": round(load.requests / commits, 1),
            "commit_wait_ms": round((of["driver wall"] - of["driver"]) / commits * 1e3, 2),
        }


def _read(file: Path, server: Server) -> Clocks:
    """The clocks after the next look at them."""
    time.sleep(2 * EVERY_SECONDS)
    return Clocks({**orjson.loads(file.read_bytes()), "engine": _engine_seconds(server.pid)})


def _engine_seconds(server_pid: int) -> float:
    """Processor time of the processes below this one, but for the server: there is the engine only."""
    parents, ticks = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            # After the name, which may hold anything: state, parent, …, user and system time.
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            pid = int(stat.parent.name)
            parents[pid], ticks[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    ours = {os.getpid()}
    while below := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= below
    return sum(ticks[pid] for pid in ours - {os.getpid(), server_pid}) / os.sysconf("SC_CLK_TCK")


class Parts:
    """The clocks of the committer's thread around some parts: what is within another part counts there."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    def part(self, name: str, work: Callable[P, R]) -> Callable[P, R]:
        """A function whose time is counted."""

        @functools.wraps(work)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.within(name):
                return work(*args, **kwargs)

        return timed

    @contextlib.contextmanager
    def within(self, name: str) -> Generator[None]:
        """A block whose time is counted."""
        if threading.current_thread().name != COMMITTER:
            yield
            return
        self._inner.append(0.0)
        wall, started = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            took = time.thread_time() - started
            self.spent[name] += took - self._inner.pop()
            self.spent[f"{name} wall"] += time.perf_counter() - wall
            if self._inner:
                self._inner[-1] += took

    @contextlib.contextmanager
    def transaction(self, whole: contextlib.AbstractContextManager[R]) -> Generator[R]:
        """A transaction: its begin and its end are the driver's."""
        with contextlib.ExitStack() as stack:
            with self.within("driver"):
                entered = stack.enter_context(whole)
            yield entered
            with self.within("driver"):
                stack.close()
        self.spent["commits"] += threading.current_thread().name == COMMITTER


def serve() -> None:
    """``costgraph serve`` whose parts are timed; the clocks are written to a file all the time."""
    parts = Parts()
    batch.decide = parts.part("decide", batch.decide)
    for method in ("lock", "write"):
        setattr(GraphLedgerTransaction, method, parts.part("graph", getattr(GraphLedgerTransaction, method)))
    for method in ("run", "run_consume"):
        setattr(Transaction, method, parts.part("driver", getattr(Transaction, method)))
    whole = Database.transaction
    setattr(Database, "transaction", lambda database: parts.transaction(whole(database)))  # noqa: B010
    threading.Thread(target=_report, args=(parts, Path(os.environ[FILE])), daemon=True).start()
    costgraph()


def _report(parts: Parts, file: Path) -> None:
    fresh = file.with_suffix(".new")
    while True:
        threads = {each.name: each.ident for each in threading.enumerate()}
        clocks = {
            "http": _thread_seconds(threading.main_thread().ident),
            COMMITTER: _thread_seconds(threads.get(COMMITTER)),
            "process": time.process_time(),
            **parts.spent,
        }
        fresh.write_text(json.dumps(clocks), encoding="utf-8")
        fresh.rename(file)
        time.sleep(EVERY_SECONDS)


def _thread_seconds(ident: int | None) -> float:
    return 0.0 if ident is None else time.clock_gettime(time.pthread_getcpuclockid(ident))


if __name__ == "__main__":
    serve()
