"""The way out: where requests go, and what is made of every answer."""

import gzip
import socket
from collections.abc import Generator, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from server.outbound import (
    Address,
    AddressRefused,
    BadAnswer,
    Limits,
    Outbound,
    OutboundError,
    OutboundRequest,
    Policy,
    Redirected,
    TimedOut,
    TooLong,
    Unreachable,
    UrlRefused,
    is_public,
    trusted,
)
from tests.support.outside import Outside, certificate, outside, raw, saying, seconds_of

LOOPBACK = (ip_network("127.0.0.0/8"),)
OPEN = Policy(LOOPBACK, http=True)
SHORT = Limits(seconds=0.5, body_bytes=1_000)


@pytest.fixture
def server() -> Generator[Outside]:
    with outside() as running:
        yield running


def get(url: str, policy: Policy = OPEN, limits: Limits = SHORT) -> bytes:
    return Outbound(policy).send_blocking(OutboundRequest(url), limits).body


class Names:
    """A resolver that answers something else each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append((host, port))
        return [ip_address(each) for each in self.answers.pop(0)]


def test_a_request_carries_what_it_is_given_and_any_status_is_an_answer(server: Outside) -> None:
    server.answers["/hook?a=1"] = saying(b"busy", "503 Service Unavailable", Retry_After="7")
    request = OutboundRequest(f"{server.url}/hook?a=1", "POST", {"X-Signature": "abc"}, b"{}")
    answer = Outbound(OPEN).send_blocking(request, SHORT)
    assert (answer.status, answer.headers["retry-after"], answer.body) == (503, "7", b"busy")
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/hook?a=1", b"{}")
    assert asked.headers["x-signature"] == "abc"
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.org/", "must begin with https"),
        ("ftp://example.org/", "must begin with https"),
        ("file:///etc/passwd", "must begin with https"),
        ("example.org", "must begin with https"),
        ("https://", "names no host"),
        ("https://user:secret@example.org/", "user name or a password"),
        ("https://example.org:99999/", "a port that cannot be"),
        ("https://[exa/", "not a URL"),
        ("https://[fe80::1%25eth0]/", "names no host"),
        ("https://exa mple.org/", "names no host"),
        ("https://" + "a" * 3_000, "characters at most"),
    ],
)
def test_what_is_no_url_for_us_is_refused_before_anything_is_sent(url: str, why: str) -> None:
    names = Names()
    with pytest.raises(UrlRefused, match=why) as caught:
        Outbound(Policy(), names).send_blocking(OutboundRequest(url), SHORT)
    assert "secret" not in str(caught.value)
    assert not names.asked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "0.0.0.0",  # noqa: S104 - not bound
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1",
        "4000::1",
    ],
)  # fmt: skip
def test_an_address_inside_is_refused_in_every_guise(address: str) -> None:
    assert not is_public(ip_address(address))
    names = Names([address])
    with pytest.raises(AddressRefused, match="not a public address"):
        Outbound(Policy(), names).send_blocking(OutboundRequest("https://prices.example"), SHORT)
    assert names.asked == [("prices.example", 443)]


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_an_address_of_the_internet_is_admitted(address: str) -> None:
    assert is_public(ip_address(address))


def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    with pytest.raises(AddressRefused):
        Outbound(Policy(), Names(["1.1.1.1", "10.0.0.1"])).send_blocking(
            OutboundRequest("https://prices.example"), SHORT
        )


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "0x7f.1", "2130706433", "localhost", "[::ffff:7f00:1]"]
)
def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(AddressRefused):
        get(f"https://{host}/", Policy())


def test_the_connection_goes_to_the_address_that_was_looked_at(server: Outside) -> None:
    server.answers["/"] = saying(b"prices")
    names = Names(["127.0.0.1"], ["10.9.9.9"])
    found = Outbound(OPEN, names).send_blocking(
        OutboundRequest(f"http://prices.example:{server.port}/"), SHORT
    )
    assert found.body == b"prices"
    assert server.asked[0].headers["host"] == f"prices.example:{server.port}"
    assert names.asked == [("prices.example", server.port)]


def test_the_next_address_is_tried_where_one_does_not_listen(server: Outside) -> None:
    server.answers["/"] = saying(b"prices")
    found = Outbound(OPEN, Names(["127.0.0.9", "127.0.0.1"])).send_blocking(
        OutboundRequest(f"http://prices.example:{server.port}/"), SHORT
    )
    assert found.body == b"prices"


def test_an_ipv6_address_is_reached() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unreachable):
        get(f"http://[::1]:{port}/", Policy((ip_network("::1/128"),), http=True))


def test_a_name_that_nobody_knows_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"nowhere\.invalid cannot be found"):
        get("https://nowhere.invalid/", limits=Limits(seconds=20))


def test_every_redirect_is_refused_and_not_followed(server: Outside) -> None:
    for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
        server.answers["/"] = saying(b"", status, Location=f"{server.url}/else")
        with pytest.raises(Redirected, match="redirect"):
            get(f"{server.url}/")
    assert {asked.path for asked in server.asked} == {"/"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (saying(b"x" * 1_001), TooLong),
        (saying(b"", length=10**12), TooLong),
        (raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 100_000), TooLong),
        (raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000), BadAnswer),
        (saying(b"half a bo", length=20), BadAnswer),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal"), BadAnswer),
        (raw(b""), BadAnswer),
        (raw(b"220 mail.example ESMTP\r\n"), BadAnswer),
        (saying(gzip.compress(b"0" * 100_000), Content_Encoding="gzip"), BadAnswer),
    ],
    ids=["long", "claims", "unannounced", "head", "half", "chunk", "nothing", "other", "bomb"],
)
def test_an_answer_that_cannot_be_used_is_an_error(
    server: Outside, answer: object, error: type[OutboundError]
) -> None:
    server.answers["/"] = answer  # pyright: ignore[reportArgumentType]
    with pytest.raises(error):
        get(f"{server.url}/")
    assert server.asked[0].headers["accept-encoding"] == "identity"


def test_time_is_limited_as_a_whole_however_slowly_a_server_drips(server: Outside) -> None:
    server.answers |= {
        "/silent": server.silent(),
        "/head": server.dripping(b"HTTP/1.1 200 OK\r\nX: 1\r\n"),
        "/body": lambda out, asked: (
            out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"),
            server.dripping(b"x")(out, asked),
        )[1],
    }

    def late(path: str) -> None:
        with pytest.raises(TimedOut, match=r"within 0\.5 s"):
            get(f"{server.url}{path}")

    for path in server.answers:
        assert seconds_of(lambda path=path: late(path)) < 5


def test_a_certificate_is_checked_against_the_name_in_the_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, chain = certificate(tmp_path, "prices.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    trusted.cache_clear()
    try:
        with outside((key, chain)) as server:
            server.answers["/"] = saying(b"prices")

            def ask(name: str) -> bytes:
                outbound = Outbound(Policy(LOOPBACK), Names(["127.0.0.1"]))
                url = f"https://{name}:{server.port}/"
                return outbound.send_blocking(OutboundRequest(url), Limits(seconds=5)).body

            assert ask("prices.example") == b"prices"
            with pytest.raises(Unreachable, match="certificate verify failed"):
                ask("other.example")
            monkeypatch.delenv("SSL_CERT_FILE")
            trusted.cache_clear()
            with pytest.raises(Unreachable, match="certificate verify failed"):
                ask("prices.example")
    finally:
        trusted.cache_clear()


def test_the_environment_names_no_proxy(server: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/"] = saying(b"prices")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get(f"{server.url}/") == b"prices"
