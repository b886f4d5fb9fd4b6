"""A server in a process of its own, for tests that kill it: owns a data folder until it is stopped.

``python -m tests.support.owner FOLDER ORPHAN_SECONDS`` prints the engine's Bolt address when it is ready.
"""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

from graph.engines import open_engine

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def owner(folder: Path, orphan_seconds: float = 30.0) -> Generator[subprocess.Popen[str]]:
    """A running owner whose engine is ready."""
    command = [sys.executable, "-m", "tests.support.owner", str(folder), str(orphan_seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("ready")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdout.close()


def main() -> None:
    """Own the folder until SIGTERM or SIGINT."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with (
        contextlib.suppress(KeyboardInterrupt),
        open_engine(Path(sys.argv[1]), heap_mib=512, orphan_seconds=float(sys.argv[2])),
    ):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
