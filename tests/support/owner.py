"""A server in a process of its own, for tests that kill it: owns a data folder until it is stopped.

``python -m tests.support.owner FOLDER ORPHAN_SECONDS`` prints the engine's Bolt address when it is ready.
"""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from graph.engines import open_engine
from tests.support.signals import stopped_by_a_signal

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
    with (
        stopped_by_a_signal() as stop,
        open_engine(Path(sys.argv[1]), heap_mib=512, orphan_seconds=float(sys.argv[2])),
    ):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
