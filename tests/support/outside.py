"""A server that is not ours: it answers byte by byte what a test says, or fails as servers fail."""

import shutil
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

Behaviour = Callable[[IO[bytes], "Asked"], None]


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Outside:
    """What it answers by path, and what it was asked."""

    url: str = ""
    answers: dict[str, Behaviour] = field(default_factory=dict[str, Behaviour])
    asked: list[Asked] = field(default_factory=list[Asked])
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def dripping(self, piece: bytes, seconds: float = 0.05) -> Behaviour:
        """A piece now and again, for ever: no single read of it times out."""

        def answer(out: IO[bytes], _: Asked) -> None:
            while not self.closing.wait(seconds):
                out.write(piece)
                out.flush()

        return answer

    def silent(self) -> Behaviour:
        """Nothing, for ever."""
        return lambda _out, _asked: (self.closing.wait(60), None)[1]


def saying(body: bytes, status: str = "200 OK", length: int | None = None, **headers: str) -> Behaviour:
    """An answer; ``length`` is what it claims to be long."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "Connection: close", "", ""]).encode()
    return lambda out, _: (out.write(head + body), None)[1]


def raw(text: bytes) -> Behaviour:
    """These bytes, whatever they are."""
    return lambda out, _: (out.write(text), None)[1]


def tagged(body: bytes, etag: str) -> Behaviour:
    """An answer with an ETag, and 304 to who has it already."""

    def answer(out: IO[bytes], asked: Asked) -> None:
        known = asked.headers.get("if-none-match") == etag
        say = saying(b"", "304 Not Modified", ETag=etag) if known else saying(body, ETag=etag)
        say(out, asked)

    return answer


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A key and a certificate for a name, which nobody else has signed."""
    openssl = shutil.which("openssl")
    assert openssl is not None, "these tests make certificates with openssl"
    key, chain = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-keyout", str(key), "-out", str(chain),
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return key, chain


@contextmanager
def outside(tls: tuple[Path, Path] | None = None, host: str = "127.0.0.1") -> Generator[Outside]:
    """A running server on loopback."""
    made = Outside()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            source: Any = self.rfile
            asked = _read(source)
            if asked is not None:
                made.asked.append(asked)
                behave = made.answers.get(asked.path, saying(b"no such page", "404 Not Found"))
                with suppress(OSError):
                    out: Any = self.wfile
                    behave(out, asked)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Whoever goes away in the middle is what is tested."""

    with Server((host, 0), Handler) as server:
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls[1], tls[0])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        made.url = f"{'http' if tls is None else 'https'}://{host}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.closing.set()
            server.shutdown()
            thread.join()


def _read(source: IO[bytes]) -> Asked | None:
    first = source.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while (line := source.readline().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(first[0], first[1], headers, source.read(int(headers.get("content-length", "0"))))


def seconds_of(call: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.monotonic()
    call()
    return time.monotonic() - started
