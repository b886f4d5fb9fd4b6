"""The embedded engine, seen from the server that owns it: own the folder, start or adopt, stop."""

import contextlib
import fcntl
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from graph.engines import folder as files
from graph.engines.connection import Connection
from graph.errors import DataFolderInUse, EngineStartFailed, EngineUnsupported

DATABASE = "costgraph"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02
OWNER_SECONDS = 0.5  # the engine probes the owner's lock for a moment now and then
PORT_ATTEMPTS = 3

NO_WHEEL = (
    "There is no embedded engine for this platform (it comes as the package arcadedb-embedded, "
    "built for Linux with glibc 2.34 or later on x86-64 and ARM64, and for macOS on Apple silicon). "
    "Point Costgraph at a Neo4j instead: NEO4J_URI=bolt://HOST:7687 NEO4J_USERNAME=… NEO4J_PASSWORD=…"
)


@contextlib.contextmanager
def embedded_engine(
    data_dir: Path, *, heap_mib: int | None = None, orphan_seconds: float = 30.0
) -> Generator[Connection]:
    """Own ``data_dir`` and run its engine for the length of the context.

    Raises ``DataFolderInUse`` where another server owns the folder, ``EngineUnsupported`` where
    the wheel is missing, ``EngineStartFailed`` where the engine does not become ready.
    """
    if importlib.util.find_spec("arcadedb_embedded") is None:
        raise EngineUnsupported(NO_WHEEL)
    folder = files.prepare(data_dir)
    owner = own(folder)
    try:
        process = None
        described = adopt(folder)
        if described is None:
            described, process = start(folder, heap_mib or default_heap_mib(), orphan_seconds)
        try:
            yield Connection(
                uri=f"bolt://127.0.0.1:{described['bolt_port']}",
                username="root",
                password=files.root_password(folder),
                database=DATABASE,
                kind="arcadedb",
            )
        finally:
            stop(folder)
            if process is not None:
                process.wait()
    finally:
        files.remove_server(folder)
        os.close(owner)


def own(folder: Path) -> int:
    """Take the folder's lock, or say who has it."""
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


def adopt(folder: Path) -> dict[str, Any] | None:
    """The running engine that a dead server left behind, or ``None`` where there is none."""
    deadline = time.monotonic() + START_SECONDS
    while files.is_locked(folder / files.ENGINE_LOCK):
        if described := files.read_json(folder / files.ENGINE_FILE):
            return described
        if time.monotonic() > deadline:
            message = f"An engine of the data folder {folder} neither becomes ready nor ends."
            raise EngineStartFailed(message)
        time.sleep(POLL_SECONDS)  # it is starting or stopping
    return None


def start(
    folder: Path, heap_mib: int, orphan_seconds: float
) -> tuple[dict[str, Any], subprocess.Popen[bytes]]:
    """Start an engine and wait until it is ready."""
    (folder / files.ENGINE_FILE).unlink(missing_ok=True)
    files.root_password(folder)
    for _ in range(PORT_ATTEMPTS):
        bolt_port, http_port = free_ports(2)
        options = {
            "folder": str(folder),
            "database": DATABASE,
            "bolt_port": bolt_port,
            "http_port": http_port,
            "heap_mib": heap_mib,
            "orphan_seconds": orphan_seconds,
        }
        process = spawn(folder, options)
        if described := wait_ready(folder, process):
            return described, process
    message = f"The embedded engine did not start. Its log: {folder / 'engine.log'}\n{log_tail(folder)}"
    raise EngineStartFailed(message)


def spawn(folder: Path, options: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Run the engine's process; it inherits the engine's lock, and nothing else."""
    lock = os.open(folder / files.ENGINE_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    log = os.open(folder / "engine.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return subprocess.Popen(
            [
                sys.executable,
                "-P",
                str(Path(__file__).with_name("arcadedb_process.py")),
                json.dumps(options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C in the terminal is for the server, which then stops us
        )
    finally:
        os.close(lock)
        os.close(log)


def wait_ready(folder: Path, process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
    """Wait for the new engine: its description, or ``None`` where it ended at once."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if described := files.read_json(folder / files.ENGINE_FILE):
            return described
        time.sleep(POLL_SECONDS)
    process.kill()
    process.wait()
    return None


def stop(folder: Path) -> None:
    """Stop the engine of this folder, started or adopted, and wait until it is gone."""
    described = files.read_json(folder / files.ENGINE_FILE)
    deadline = time.monotonic() + STOP_SECONDS
    asked = False
    while files.is_locked(folder / files.ENGINE_LOCK):
        if described and not asked:
            os.kill(described["pid"], signal.SIGTERM)  # alive: it holds the lock
            asked = True
        if time.monotonic() > deadline:
            if described:
                os.kill(described["pid"], signal.SIGKILL)
            break
        time.sleep(POLL_SECONDS)
    (folder / files.ENGINE_FILE).unlink(missing_ok=True)


def free_ports(count: int) -> list[int]:
    """So many loopback ports that nobody listens on at this moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def default_heap_mib() -> int:
    """An eighth of the machine's memory, between 256 MiB and 2 GiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(256, min(2048, memory // 8 // 2**20))


def log_tail(folder: Path, lines: int = 20) -> str:
    """The last lines of the engine's log."""
    try:
        text = (folder / "engine.log").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
