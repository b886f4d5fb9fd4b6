"""HTTP/1.1 by hand: answers that are written at once are the same as those that uvicorn writes."""

import contextlib
import socket
import threading
import time
from collections.abc import Generator, Iterator
from io import BufferedReader

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.headers import Answer
from server.limits import read_json
from server.run import http_server, listen

PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.01
Headers = dict[str, str]


async def _shown(_: Request) -> Response:
    return Answer(b'{"shown":true}')


async def _said(request: Request) -> Response:
    said = await read_json(request)
    return Answer(b'{"said":"%b"}' % said["word"].encode(), 201)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where an application of two routes is served, as the service is."""
    app = Starlette(routes=[Route("/", _shown), Route("/", _said, methods=["POST"])])
    with contextlib.closing(listen("127.0.0.1", 0)) as listener:
        server = http_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(POLL_SECONDS)
        yield listener.getsockname()
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def connected(address: tuple[str, int]) -> Generator[socket.socket]:
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        yield connection


def request(word: str, *lines: str, version: str = "1.1") -> bytes:
    body = f'{{"word":"{word}"}}'
    head = [
        f"POST / HTTP/{version}",
        "Host: here",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *lines,
    ]
    return "\r\n".join([*head, "", body]).encode()


def answer(reader: BufferedReader, *, head: bool = False) -> tuple[str, Headers, bytes]:
    """Status line, headers and body of the next answer of a connection."""
    lines: list[str] = []
    while (line := reader.readline().decode()) not in {"\r\n", ""}:
        lines.append(line.removesuffix("\r\n"))
    headers = dict(each.split(": ", 1) for each in lines[1:])
    length = 0 if head else int(headers["content-length"])
    return lines[0], headers, reader.read(length)


def test_requests_that_come_together_are_answered_in_their_order(address: tuple[str, int]) -> None:
    with connected(address) as connection, connection.makefile("rb") as reader:
        connection.sendall(request("one") + request("two") + b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        first, second, third = (answer(reader) for _ in range(3))
        assert first[0] == second[0] == "HTTP/1.1 201 Created"
        assert (first[2], second[2], third[2]) == (b'{"said":"one"}', b'{"said":"two"}', b'{"shown":true}')
        assert third[0] == "HTTP/1.1 200 OK"


def test_an_answer_says_the_same_whoever_writes_it(address: tuple[str, int]) -> None:
    with connected(address) as connection, connection.makefile("rb") as reader:
        connection.sendall(request("word"))
        status, headers, body = answer(reader)
        connection.sendall(request("word", "Connection: close"))
        by_uvicorn = answer(reader)
        assert reader.read() == b""  # and it is closed
    assert by_uvicorn[1].pop("connection") == "close"
    assert headers.keys() == by_uvicorn[1].keys() >= {"date", "cache-control", "x-content-type-options"}
    del headers["date"], by_uvicorn[1]["date"]
    assert (status, headers, body) == by_uvicorn


@pytest.mark.parametrize(("version", "lines"), [("1.0", ()), ("1.1", ("Connection: close",))])
def test_who_wants_one_answer_gets_it_and_the_end(
    address: tuple[str, int], version: str, lines: tuple[str, ...]
) -> None:
    with connected(address) as connection, connection.makefile("rb") as reader:
        connection.sendall(request("last", *lines, version=version))
        assert answer(reader)[2] == b'{"said":"last"}'
        assert reader.read() == b""


def test_a_head_request_is_told_how_long_the_answer_would_be(address: tuple[str, int]) -> None:
    with connected(address) as connection, connection.makefile("rb") as reader:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: here\r\n\r\n" + request("next"))
        status, headers, _ = answer(reader, head=True)
        assert (status, headers["content-length"]) == ("HTTP/1.1 200 OK", str(len(b'{"shown":true}')))
        assert answer(reader)[2] == b'{"said":"next"}'


def test_who_asks_first_is_told_to_go_on(address: tuple[str, int]) -> None:
    whole = request("slow", "Expect: 100-continue")
    head, _, body = whole.partition(b"\r\n\r\n")
    with connected(address) as connection, connection.makefile("rb") as reader:
        connection.sendall(head + b"\r\n\r\n")
        assert reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert reader.readline() == b"\r\n"
        connection.sendall(body)
        assert answer(reader)[2] == b'{"said":"slow"}'
