"""A Neo4j community server for tests, benchmarks and CI: jars by Maven, one Java process.

``scripts/neo4j`` is this module's command line. The jars are GPLv3: fetched into ``.cache/``,
never shipped.
"""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path

from graph.engines import Connection
from graph.engines.embedded import free_port
from tests.support.signals import stopped_by_a_signal

VERSION = "5.26.20"
CALENDAR_VERSION = "2026.04.0"
"""The newest calendar-versioned server that is tested; it needs Java 21."""
CALENDAR_JAVA = 21
ROOT = Path(__file__).parents[2]
CACHES = ROOT / ".cache" / "neo4j"
JAVA_HOMES = "/usr/lib/jvm"
"""Where Debian keeps the JDKs that are installed beside one another."""
MAIN = Path(__file__).with_name("Neo4jServer.java")
START_SECONDS = 120
HEAP_MIB = 1024
JAVA_OPTIONS = [
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in ("java.nio", "sun.nio.ch", "java.lang", "java.util.concurrent")
    ),
    "-Dio.netty.tryReflectionSetAccessible=true",
]
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>costgraph</groupId><artifactId>neo4j-for-tests</artifactId>
<version>1</version><dependencies>
<dependency><groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{version}</version></dependency>
<dependency><groupId>org.neo4j</groupId><artifactId>neo4j-bolt</artifactId><version>{version}</version></dependency>
</dependencies></project>
"""
CONFIGURATION = """server.bolt.enabled=true
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
dbms.security.auth_enabled=false
dbms.usage_report.enabled=false
internal.dbms.bolt.netty_server_shutdown_quiet_period=0
"""


def missing() -> str | None:
    """Why a Neo4j cannot be started here, or ``None`` where it can."""
    absent = [name for name in ("javac", "mvn") if shutil.which(name) is None]
    if absent == ["mvn"] and (CACHES / VERSION / "lib").is_dir():
        return None
    return f"Neo4j for tests needs {' and '.join(absent)}" if absent else None


def calendar_missing() -> str | None:
    """The same of the calendar-versioned server."""
    if newer_java() is None:
        return f"Neo4j {CALENDAR_VERSION} needs a JDK of Java {CALENDAR_JAVA} or newer"
    fetched = (CACHES / CALENDAR_VERSION / "lib").is_dir()
    return None if fetched or shutil.which("mvn") else f"Neo4j {CALENDAR_VERSION} needs mvn"


def newer_java() -> str | None:
    """The ``java`` of a JDK that is new enough, wherever it is installed."""
    homes = [*Path(JAVA_HOMES).glob("*")]
    if home := os.environ.get("JAVA_HOME"):
        homes.insert(0, Path(home))
    if found := shutil.which("javac"):
        homes.insert(0, Path(found).resolve().parents[1])
    for each in homes:
        with contextlib.suppress(OSError):
            release = (each / "release").read_text(encoding="utf-8")
            version = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
            if version and int(version[1]) >= CALENDAR_JAVA and (each / "bin" / "javac").exists():
                return str(each / "bin" / "java")
    return None


def jars(version: str = VERSION) -> Path:
    """The folder of a server's jars, fetched at the first call (about 116 MB)."""
    cache = CACHES / version
    library = cache / "lib"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not library.is_dir():
            fresh = cache / "fetching"
            shutil.rmtree(fresh, ignore_errors=True)
            (cache / "pom.xml").write_text(POM.format(version=version), encoding="utf-8")
            subprocess.run(
                [
                    "mvn",
                    "--quiet",
                    "--batch-mode",
                    "dependency:copy-dependencies",
                    f"-DoutputDirectory={fresh}",
                ],
                cwd=cache,
                check=True,
            )
            fresh.rename(library)
    return library


class Neo4jProcess:
    """A running server: its connection, and its process for crash tests."""

    def __init__(
        self,
        store: Path,
        port: int | None = None,
        *,
        heap_mib: int = HEAP_MIB,
        version: str = VERSION,
        java: str = "java",
    ) -> None:
        """Start a server on a store folder, new or not, and wait until it is ready."""
        self.store = store
        self.port = port or free_port()
        store.mkdir(parents=True, exist_ok=True)
        (store / "neo4j.conf").write_text(CONFIGURATION.format(port=self.port), encoding="utf-8")
        command = [
            java,
            f"-Xmx{heap_mib}m",
            *JAVA_OPTIONS,
            "-cp",
            f"{jars(version)}/*",
            str(MAIN),
            str(store),
        ]
        self.log = store / "process.log"
        with self.log.open("ab") as output:
            # Apart from the terminal's signals, and in this session: its share of the processors is ours.
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, process_group=0
            )
        try:
            self._wait_ready()
        except BaseException:
            self.kill()
            raise

    @property
    def connection(self) -> Connection:
        """How to reach it (authentication is off)."""
        return Connection(
            uri=f"bolt://127.0.0.1:{self.port}",
            username="neo4j",
            password="neo4j",
            database="neo4j",
            kind="neo4j",
        )

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()
        self._close()

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._close()

    def _wait_ready(self) -> None:
        timer = threading.Timer(START_SECONDS, self.process.kill)
        timer.start()
        try:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                if line.strip() == b"ready":
                    return
        finally:
            timer.cancel()
        message = f"Neo4j did not start:\n{self.log.read_text(errors='replace')[-4000:]}"
        raise RuntimeError(message)

    def _close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


@contextlib.contextmanager
def calendar_server() -> Generator[Connection]:
    """A calendar-versioned server for the length of the context."""
    with tempfile.TemporaryDirectory(prefix="costgraph-neo4j-") as temporary:
        server = Neo4jProcess(Path(temporary), version=CALENDAR_VERSION, java=newer_java() or "java")
        try:
            yield server.connection
        finally:
            server.kill()


@contextlib.contextmanager
def neo4j_server(store: Path | None = None, port: int | None = None) -> Generator[Connection]:
    """A server for the length of the context, on a store of its own unless one is given."""
    with tempfile.TemporaryDirectory(prefix="costgraph-neo4j-") as temporary:
        server = Neo4jProcess(store or Path(temporary), port)
        try:
            yield server.connection
        finally:
            if store is None:
                server.kill()
            else:
                server.stop()


def main() -> None:
    """``scripts/neo4j fetch`` and ``scripts/neo4j start --data DIR --port N``."""
    parser = argparse.ArgumentParser(prog="scripts/neo4j", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fetch the jars")
    start = commands.add_parser("start", help="run a server until Ctrl-C (authentication is off)")
    start.add_argument("--data", type=Path, default=None, help="store folder (default: a temporary one)")
    start.add_argument("--port", type=int, default=7687)
    arguments = parser.parse_args()
    if arguments.command == "fetch":
        sys.stdout.write(f"{jars()}\n")
        return
    with stopped_by_a_signal() as stop, neo4j_server(arguments.data, arguments.port) as connection:
        sys.stdout.write(f"ready {connection.uri}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
