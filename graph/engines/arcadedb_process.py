"""The embedded engine's own process: ArcadeDB with Bolt on loopback. Run as a script, never imported.

``python arcadedb_process.py '{"folder": …}'`` inherits the lock of ``engine.lock`` as an open
descriptor, starts the engine, writes ``engine.json``, and serves until SIGTERM, or until the folder
has had no owner for ``orphan_seconds``. It stands on its own (standard library and the wheel), so
that it starts whatever the import path of the server is.
"""

import fcntl
import importlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

POLL_SECONDS = 0.5


def main() -> None:
    """Start the engine, say where it listens, serve, stop."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    folder = Path(options["folder"])
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    os.umask(0o077)
    os.chdir(folder)  # the engine writes its logs to ./log

    server = start(folder, options)
    described, fresh = folder / "engine.json", folder / ".engine.json.new"
    fresh.write_text(json.dumps({**options, "pid": os.getpid()}), encoding="utf-8")
    fresh.replace(described)
    try:
        serve(folder, stop, options["orphan_seconds"])
    finally:
        described.unlink(missing_ok=True)
        server.stop()


def start(folder: Path, options: dict[str, Any]) -> Any:
    """The engine's server object, listening, with its database open."""
    module: Any = importlib.import_module("arcadedb_embedded.server")  # untyped
    server = module.ArcadeDBServer(
        str(folder),
        (folder / "password").read_text(encoding="utf-8").strip(),
        {
            "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "host": "127.0.0.1",
            "bolt_port": options["bolt_port"],
            "http_port": options["http_port"],
            "mode": "production",
        },
        {
            "heap_size": f"{options['heap_mib']}m",
            "jvm_args": [
                "-Xrs",  # SIGTERM belongs to the handler above, which stops the engine in order
                # An fsync per commit. As a key of the configuration above, production mode would set it to 1.
                "-Darcadedb.txWalFlush=2",
                "-XX:+ExitOnOutOfMemoryError",  # its owner starts it again; half an engine helps nobody
            ],
        },
    )
    server.start()
    server.create_database(options["database"])  # opens it where it exists
    return server


def serve(folder: Path, stop: threading.Event, orphan_seconds: float) -> None:
    """Wait until somebody says stop, or nobody has owned the folder for long enough.

    ``engine.json`` is removed while the owner's lock is held: a server that takes the lock after
    that sees an engine that is leaving, and never adopts it.
    """
    descriptor = os.open(folder / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    last_owned = time.monotonic()
    while not stop.wait(POLL_SECONDS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            last_owned = time.monotonic()
            continue
        leaving = time.monotonic() - last_owned > orphan_seconds
        if leaving:
            (folder / "engine.json").unlink(missing_ok=True)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        if leaving:
            return


if __name__ == "__main__":
    main()
