"""Runs the application: in this process until a signal, beside a command, or in several processes.

What the application needs takes seconds to import, so that happens while the engine starts.
"""

import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from graph.engines import open_engine, write_server
from graph.errors import GraphError
from server.settings import Settings

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

READY_SECONDS_MAX = 120.0
POLL_SECONDS = 0.02
PROBE_SECONDS = 5.0
GRACE_SECONDS = 20
BACKLOG = 1024
FRAME_BYTES_MAX = 2**18
RESTART_SECONDS = 1.0
SWITCH_SECONDS = 0.001
"""The committer wakes up several times a commit, and may wait for that long each time (by default 5 ms). Much
less, and it is kept from its work by those who wait for it."""
YOUNG_OBJECTS = 10_000
"""Garbage with cycles is looked for after so many new objects. By default (700) that is several times a
batch, each time among all that the batch and its callers still need: a twelfth of a server's time. Nearly
all that is found is the driver's, 130 objects a transaction: 50,000 at once make everybody wait for 70 ms."""

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"

_leaving = threading.Event()
"""Set by the first signal to leave, which also raises ``SystemExit``: that is lost where it interrupts a
destructor."""

logger = logging.getLogger("costgraph.server")


class NotReady(Exception):
    """The server did not become ready in time."""


def listen(host: str, port: int) -> socket.socket:
    """A socket on the port, which refuses connections until a server listens. Raises ``OSError``."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL to reach a listener by; a wildcard address is reached on loopback."""
    name: tuple[str, int] = listener.getsockname()[:2]
    host, port = name
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def wait_ready(address: str, give_up: Callable[[], bool] = lambda: False) -> None:
    """Return once ``/readyz`` answers 200. Raises ``NotReady``."""
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until and not give_up():
        if _is_ready(address):
            return
        time.sleep(POLL_SECONDS)
    raise NotReady(f"The server at {address} did not become ready.")


def _is_ready(address: str) -> bool:
    # The standard library's client: ours takes half a second to import, which a start would wait for.
    connection = HTTPConnection(urlsplit(address).netloc, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def opened(settings: Settings, *, hot: bool = True) -> "Generator[ASGIApp]":
    """The application on its engine and services, and all of it closed in the reverse order."""
    with contextlib.ExitStack() as stack:
        engine = open_engine(settings.data_dir, neo4j=settings.neo4j)
        with ThreadPoolExecutor(1) as beside:
            connection = beside.submit(stack.enter_context, engine)
            from server.app import build_app
            from server.services import open_services
        running = stack.enter_context(open_services(settings, connection.result(), hot=hot))
        app = build_app(running, origins=settings.origins)
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
        gc.freeze()  # what is there now stays for good: no collection needs to walk it
        yield app


def http_server(app: "ASGIApp") -> "uvicorn.Server":
    """The HTTP server for an application whose services are open."""
    import uvicorn

    from server.protocol import ClosingWebSocket, JoiningProtocol

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=JoiningProtocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nothing asks where a caller comes from
            backlog=BACKLOG,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ws=ClosingWebSocket,
            ws_max_size=FRAME_BYTES_MAX,
            ws_per_message_deflate=False,  # 64 KiB a connection, for messages of some hundred bytes
        )
    )
    server.should_exit = _leaving.is_set()
    return server


@contextlib.contextmanager
def serving(settings: Settings, host: str = "127.0.0.1", port: int = 0) -> Generator[str]:
    """Serve in a thread for the length of the context; its address. Raises what opening raises."""
    with contextlib.closing(listen(host, port)) as listener, opened(settings, hot=False) as app:
        server = http_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="http", daemon=True)
        thread.start()
        try:
            address = address_of(listener)
            wait_ready(address, lambda: not thread.is_alive())
            _announce(settings, address)
            yield address
        finally:
            server.should_exit = True
            thread.join()


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``ready`` is told the address once ``/readyz`` answers 200."""
    _leave_on_signals()
    with contextlib.closing(listen(settings.host, settings.port)) as listener:
        address = address_of(listener)
        if settings.workers > 1:
            _supervise(settings, listener, lambda: ready(address))
        else:
            _serve_here(settings, listener, lambda: ready(address))


def _serve_here(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    with opened(settings) as app:
        server = http_server(app)

        def announce() -> None:
            with contextlib.suppress(NotReady):
                address = address_of(listener)
                wait_ready(address, lambda: server.should_exit)
                _announce(settings, address)
                ready()

        threading.Thread(target=announce, name="ready", daemon=True).start()
        server.run(sockets=[listener])


def _announce(settings: Settings, address: str) -> None:
    """Tell commands where the server of an embedded folder is; the folder forgets it when it is closed."""
    if settings.neo4j_uri is None:
        write_server(settings.data_dir, address)


def _leave_on_signals() -> None:
    """The first SIGTERM or SIGINT unwinds the process in order and ends it with 0; further ones wait."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        _leaving.set()
        sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)


def _supervise(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Several processes on one socket. One that dies is replaced; if none can start, we end."""
    from prometheus_client import multiprocess

    with tempfile.TemporaryDirectory(prefix="costgraph-metrics-") as metrics_dir:
        os.environ[MULTIPROCESS_DIR] = metrics_dir
        workers: list[BaseProcess] = []
        announced = threading.Event()

        def announce() -> None:
            with contextlib.suppress(NotReady):
                wait_ready(address_of(listener), lambda: not any(each.is_alive() for each in workers))
                announced.set()
                ready()

        try:
            workers.extend(_start_worker(settings, listener) for _ in range(settings.workers))
            threading.Thread(target=announce, name="ready", daemon=True).start()
            while not _leaving.is_set():
                time.sleep(RESTART_SECONDS)
                dead = [index for index, each in enumerate(workers) if not each.is_alive()]
                if dead and not announced.is_set():
                    sys.exit(workers[dead[0]].exitcode or 1)  # it said why
                for index in dead:
                    logger.warning("a worker died with %s; another takes its place", workers[index].exitcode)
                    multiprocess.mark_process_dead(workers[index].pid)  # pyright: ignore[reportUnknownMemberType]
                    workers[index] = _start_worker(settings, listener)
        finally:
            for each in workers:
                each.terminate()
            for each in workers:
                each.join()


def _start_worker(settings: Settings, listener: socket.socket) -> BaseProcess:
    worker = multiprocessing.get_context("spawn").Process(target=_work, args=(settings, listener))
    worker.start()
    return worker


def _work(settings: Settings, listener: socket.socket) -> None:
    from server.logs import set_up_logs

    set_up_logs()
    _leave_on_signals()
    threading.Thread(target=_leave_with_parent, name="parent", daemon=True).start()
    try:
        with opened(settings) as app:
            http_server(app).run(sockets=[listener])
    except GraphError as error:
        logger.error("a worker cannot start: %s", error)  # noqa: TRY400 - the message says it all
        sys.exit(3)


def _leave_with_parent() -> None:
    """Nobody would replace or stop a worker whose parent is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
