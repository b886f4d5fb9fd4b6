"""The embedded engine, seen from the server that owns it: own the folder, start or adopt, watch, stop.

``engine.lock`` tells everything about an engine's life: the server takes it, hands its descriptor to
the new engine process and closes its own, so the lock lasts exactly as long as that process. Waiting
for the lock is waiting for the engine's end; a lock that is held is an engine to adopt.
"""

import contextlib
import importlib.util
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

from graph.engines import folder as files
from graph.engines.connection import Connection
from graph.errors import DataFolderInUse, EngineStartFailed, EngineUnsupported

log = logging.getLogger(__name__)

DATABASE = "costgraph"
SCRIPT = Path(__file__).with_name("arcadedb_process.py")
LOG_FILE = "engine.log"
START_SECONDS = 120.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02
OWNER_SECONDS = 0.5
"""How long to try for the owner's lock: an engine without an owner probes it for a moment now and then."""
START_ATTEMPTS = 3
"""A free port may be taken before the engine listens on it."""
RESTART_PAUSE_SECONDS = 2.0

ELSE_NEO4J = "Costgraph also runs on any Neo4j: NEO4J_URI=bolt://HOST:7687 NEO4J_USERNAME=… NEO4J_PASSWORD=…"
NO_ENGINE = (
    "There is no embedded engine here: the package arcadedb-embedded has builds for Linux with glibc 2.34 "
    f"or later (x86-64, ARM64) and for macOS on Apple silicon. {ELSE_NEO4J}"
)


@contextlib.contextmanager
def embedded_engine(
    data_dir: Path, *, heap_mib: int | None = None, orphan_seconds: float = 30.0
) -> Generator[Connection]:
    """Own ``data_dir`` and run its engine for the length of the context.

    An engine that dies meanwhile is started again, on the same ports. Raises ``DataFolderInUse``
    where another server owns the folder, ``EngineUnsupported`` where the platform has no build,
    ``EngineStartFailed`` where the engine does not become ready.
    """
    if sys.platform == "win32" or importlib.util.find_spec("arcadedb_embedded") is None:
        raise EngineUnsupported(NO_ENGINE)
    folder = files.prepare(data_dir)
    owner = own(folder)
    try:
        engine = EmbeddedEngine(folder, heap_mib or default_heap_mib(), orphan_seconds)
        try:
            yield engine.connection
        finally:
            engine.stop()
    finally:
        files.remove_server(folder)
        os.close(owner)


class EmbeddedEngine:
    """The one engine process of a data folder that we own."""

    def __init__(self, folder: Path, heap_mib: int, orphan_seconds: float) -> None:
        """Adopt the folder's engine or start one; from now on see to it that it runs."""
        self.folder = folder
        self._heap_mib = heap_mib
        self._orphan_seconds = orphan_seconds
        self._process: subprocess.Popen[bytes] | None = None  # None: adopted, another server's child
        self._stopping = threading.Event()
        self._ports = self._adopt_or_start()
        self._watcher = threading.Thread(target=self._watch, name="embedded-engine", daemon=True)
        self._watcher.start()

    @property
    def connection(self) -> Connection:
        """How to reach it; stays the same over a restart of the engine."""
        return connection_of(self.folder, self._ports[0])

    def stop(self) -> None:
        """Stop the engine, started or adopted, and wait until it is gone."""
        self._stopping.set()
        deadline = time.monotonic() + STOP_SECONDS
        asked: int | None = None
        while self._watcher.is_alive():
            described = files.read_json(self.folder / files.ENGINE_FILE)
            if described is not None and described["pid"] != asked:  # it may have been starting again
                asked = int(described["pid"])
                self._signal(asked, signal.SIGTERM)
            if asked is not None and time.monotonic() > deadline:
                self._signal(asked, signal.SIGKILL)
            self._watcher.join(POLL_SECONDS)

    def _signal(self, pid: int, number: signal.Signals) -> None:
        """Signal the process that holds the engine's lock; without the lock the pid may be anybody's."""
        if files.is_locked(self.folder / files.ENGINE_LOCK):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _adopt_or_start(self) -> tuple[int, int]:
        """Bolt and HTTP port of the engine that a dead server left behind, or of a new one."""
        deadline = time.monotonic() + START_SECONDS
        while (lock := files.try_lock(self.folder / files.ENGINE_LOCK)) is None:
            if described := files.read_json(self.folder / files.ENGINE_FILE):
                log.info("adopted the running engine, process %d", described["pid"])
                return described["bolt_port"], described["http_port"]
            if time.monotonic() > deadline:
                message = f"An engine of the data folder {self.folder} neither becomes ready nor ends."
                raise EngineStartFailed(message)
            time.sleep(POLL_SECONDS)  # it is starting or stopping
        try:
            for _ in range(START_ATTEMPTS):
                ports = free_port(), free_port()
                if self._start(lock, ports):
                    return ports
        finally:
            os.close(lock)
        log_file = self.folder / LOG_FILE
        message = (
            f"The embedded engine did not start. {ELSE_NEO4J}\nIts log, {log_file}, ends:\n{tail(log_file)}"
        )
        raise EngineStartFailed(message)

    def _start(self, lock: int, ports: tuple[int, int]) -> bool:
        """Start a process and wait: whether it became ready. It inherits the lock and nothing else."""
        (self.folder / files.ENGINE_FILE).unlink(missing_ok=True)
        files.root_password(self.folder)
        options = {
            "folder": str(self.folder),
            "database": DATABASE,
            "bolt_port": ports[0],
            "http_port": ports[1],
            "heap_mib": self._heap_mib,
            "orphan_seconds": self._orphan_seconds,
        }
        with open_log(self.folder / LOG_FILE) as output:
            process = subprocess.Popen(
                [sys.executable, "-P", str(SCRIPT), json.dumps(options)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(lock,),
                # Ctrl-C in the terminal is for the server, which then stops it. No session of its own: Linux
                # shares the processors between sessions, and the engine's compiler would use up the part of
                # the thread that the server waits for.
                process_group=0,
            )
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if (self.folder / files.ENGINE_FILE).exists():
                self._process = process
                return True
            time.sleep(POLL_SECONDS)
        process.kill()
        process.wait()
        return False

    def _watch(self) -> None:
        """Wait for the engine's end; start it again unless it was meant."""
        while True:
            lock = files.wait_lock(self.folder / files.ENGINE_LOCK)
            try:
                if self._process is not None:
                    self._process.wait()
                if self._stopping.is_set():
                    return
                log.error("the embedded engine ended unexpectedly; starting it again")
                if not self._start(lock, self._ports):
                    log.error("the embedded engine did not start again:\n%s", tail(self.folder / LOG_FILE))
                    self._stopping.wait(RESTART_PAUSE_SECONDS)
            finally:
                os.close(lock)


def connection_of(folder: Path, bolt_port: int) -> Connection:
    """How to reach the engine of a folder."""
    return Connection(
        uri=f"bolt://127.0.0.1:{bolt_port}",
        username="root",
        password=files.root_password(folder),
        database=DATABASE,
        kind="arcadedb",
    )


def graph_folder(folder: Path) -> Path:
    """Where the engine of a data folder keeps the graph."""
    return folder / "databases" / DATABASE


def has_graph(folder: Path) -> bool:
    """Whether a data folder holds a graph."""
    return graph_folder(folder).is_dir()


def running_engine(folder: Path) -> Connection | None:
    """How to reach the engine that runs on a folder now, whoever owns it; None where none does."""
    described = files.read_json(folder / files.ENGINE_FILE)
    if described is None or not files.is_locked(folder / files.ENGINE_LOCK):
        return None
    return connection_of(folder, described["bolt_port"])


def own(folder: Path) -> int:
    """Take the folder's lock (a descriptor), or say who has it."""
    deadline = time.monotonic() + OWNER_SECONDS
    while (owner := files.try_lock(folder / files.OWNER_LOCK)) is None:
        if time.monotonic() > deadline:
            running = files.read_server(folder)
            where = f" at {running.address} (process {running.pid})" if running else ""
            message = (
                f"Another Costgraph server{where} owns the data folder {folder}. "
                "Use that one, stop it, or choose another folder with COSTGRAPH_DATA_DIR."
            )
            raise DataFolderInUse(message, running.address if running else None)
        time.sleep(POLL_SECONDS)
    return owner


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def default_heap_mib() -> int:
    """An eighth of the machine's memory, between 256 MiB and 2 GiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(256, min(2048, memory // 8 // 2**20))


@contextlib.contextmanager
def open_log(path: Path) -> Generator[int]:
    """A new private log file; the one before is kept with the suffix ``.1``."""
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_name(f"{path.name}.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log, or nothing where there is none."""
    with contextlib.suppress(FileNotFoundError):
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    return ""
