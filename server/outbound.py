"""The one way out: a request to an address that a person or a setting gave us, and that nobody has vetted.

Every address that the host's name leads to is looked at before anything is sent, and the connection goes to
one of those that were looked at: a name that answers differently a moment later (DNS rebinding) changes
nothing. No redirect is followed, no proxy of the environment is asked, nothing is unpacked (a small body
cannot become a large one), and time and size have limits as a whole, however slowly a server drips.

::

    OutboundError           code
    ├── UrlRefused          URL           not https, with a password in it, or no URL at all
    ├── AddressRefused      ADDRESS       leads to a private, local or reserved address
    ├── Unreachable         UNREACHABLE   no such name, no connection, no trusted certificate
    ├── TimedOut            TIMEOUT       not all of the answer came in time
    ├── Redirected          REDIRECT      the answer is somewhere else: give that address
    ├── TooLong             SIZE          the answer has more bytes than are taken
    ├── BadAnswer           ANSWER        not HTTP, cut off in the middle, or packed
    └── Stopped             STOPPED       the server stops, and waits for nobody
"""

import asyncio
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from ssl import SSLContext
from typing import ClassVar, Final

import anyio
import anyio.to_thread
import httpx

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]

URL_LENGTH_MAX: Final = 2_048
PORT_MAX: Final = 65_535
HOST: Final = re.compile(rb"[A-Za-z0-9._:-]+")
"""A name as it is resolved, or an address."""
REDIRECTS: Final = frozenset({300, 301, 302, 303, 305, 307, 308})
"""All of 3xx but 304, which says that what one has is still true."""
STOP_SECONDS: Final = 0.2
"""How long a request that nobody waits for any more goes on, at most."""
NAT64: Final = IPv6Network("64:ff9b::/96")
"""IPv6 addresses whose last 32 bits are the IPv4 address that they lead to."""


class OutboundError(Exception):
    """The request was not sent, or has no answer that can be used; the message is fit for a client."""

    code: ClassVar[str]


class UrlRefused(OutboundError):
    """Not an address that anything is sent to."""

    code = "URL"


class AddressRefused(OutboundError):
    """The host is inside of somebody's network, ours perhaps."""

    code = "ADDRESS"


class Unreachable(OutboundError):
    """Nobody answers there, or nobody whom we trust."""

    code = "UNREACHABLE"


class TimedOut(OutboundError):
    """The answer was not complete in time. The request may have been heard."""

    code = "TIMEOUT"


class Redirected(OutboundError):
    """The server points elsewhere."""

    code = "REDIRECT"


class TooLong(OutboundError):
    """The answer is larger than it may be."""

    code = "SIZE"


class BadAnswer(OutboundError):
    """What came is not a whole answer."""

    code = "ANSWER"


class Stopped(OutboundError):
    """Given up on our side."""

    code = "STOPPED"


@dataclass(frozen=True, slots=True)
class Policy:
    """Where requests may go. By default: by https, to public addresses."""

    networks: Sequence[Network] = ()
    """Networks that are not public and may be reached all the same."""
    http: bool = False
    """Whether plain http is spoken too."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an answer may take."""

    seconds: float = 10.0
    """In all: names, connection, request, answer."""
    body_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """What is asked."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """What came back; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def resolve_name(host: str, port: int) -> Sequence[Address]:
    """Every address of a host, by the system's resolver. Raises ``OSError``."""
    found = await anyio.to_thread.run_sync(
        lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), abandon_on_cancel=True
    )
    return [ip_address(sockaddr[0]) for *_, sockaddr in found]


class Outbound:
    """Sends requests under one policy."""

    def __init__(self, policy: Policy, resolve: Resolve = resolve_name) -> None:
        self._policy = policy
        self._resolve = resolve

    def check(self, url: str) -> httpx.URL:
        """Look at a URL without sending anything. Raises ``UrlRefused``, ``AddressRefused``."""
        if len(url) > URL_LENGTH_MAX:
            raise UrlRefused(f"a URL may have {URL_LENGTH_MAX} characters at most")
        try:
            parsed = httpx.URL(url)
            host = parsed.host
        except (httpx.InvalidURL, ValueError) as error:
            raise UrlRefused(f"not a URL: {error}") from error
        if parsed.scheme != "https" and not (self._policy.http and parsed.scheme == "http"):
            raise UrlRefused("the URL must begin with https://")
        if not HOST.fullmatch(parsed.raw_host) or not 0 < (parsed.port or 1) <= PORT_MAX:
            raise UrlRefused("the URL names no host, or a port that cannot be")
        if parsed.userinfo:
            raise UrlRefused("the URL must not carry a user name or a password")
        try:
            literal = ip_address(host)
        except ValueError:
            return parsed
        self._admit(host, [literal])
        return parsed

    async def send(self, request: OutboundRequest, limits: Limits) -> OutboundResponse:
        """Send a request; any status but a redirect is an answer. Raises ``OutboundError``."""
        url = self.check(request.url)
        try:
            with anyio.fail_after(limits.seconds):
                return await self._send(url, request, limits)
        except TimeoutError as error:
            raise TimedOut(f"{url.host} did not answer within {limits.seconds:g} s") from error

    def send_blocking(
        self, request: OutboundRequest, limits: Limits, stop: threading.Event | None = None
    ) -> OutboundResponse:
        """``send`` for a thread that has no event loop; once ``stop`` is set it raises ``Stopped``."""
        return asyncio.run(self._send_until(stop or threading.Event(), request, limits))

    async def _send_until(
        self, stop: threading.Event, request: OutboundRequest, limits: Limits
    ) -> OutboundResponse:
        sending = asyncio.ensure_future(self.send(request, limits))
        while not sending.done():
            if stop.is_set():
                sending.cancel()
                raise Stopped("the server stops")
            await asyncio.wait([sending], timeout=STOP_SECONDS)
        return sending.result()

    async def _send(self, url: httpx.URL, request: OutboundRequest, limits: Limits) -> OutboundResponse:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(url.host, port)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{url.host} cannot be found") from error
        self._admit(url.host, addresses)
        # A client of its own: a connection that is kept would be for whatever name shares the address.
        timeout = httpx.Timeout(None, connect=limits.seconds / max(1, len(addresses)))
        async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=timeout) as client:
            failure: httpx.HTTPError | None = None
            for address in addresses:
                try:
                    return await _ask(client, url, address, request, limits)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    failure = error
                except httpx.HTTPError as error:
                    raise BadAnswer(f"{url.host} sent no whole answer: {error}") from error
        raise Unreachable(f"{url.host} cannot be reached: {failure}") from failure

    def _admit(self, host: str, addresses: Sequence[Address]) -> None:
        """Raises ``AddressRefused`` where one of a host's addresses is not to be reached."""
        for address in addresses:
            real = _real(address)
            if not is_public(real) and not any(real in network for network in self._policy.networks):
                raise AddressRefused(f"{host} is not a public address")


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet's, and of one host."""
    real = _real(address)
    site_local = isinstance(real, IPv6Address) and real.is_site_local
    return real.is_global and not (real.is_multicast or real.is_reserved or site_local)


@lru_cache(maxsize=1)
def trusted() -> SSLContext:
    """Whose certificates are trusted: those of ``SSL_CERT_FILE``, else the usual ones."""
    return httpx.create_ssl_context()


def _real(address: Address) -> Address:
    """The address that one in another's clothes leads to."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


async def _ask(
    client: httpx.AsyncClient, url: httpx.URL, address: Address, request: OutboundRequest, limits: Limits
) -> OutboundResponse:
    """Ask that address for the URL; certificates are checked against the URL's name."""
    headers = {"User-Agent": "costgraph", **request.headers, "Accept-Encoding": "identity"}
    headers["Host"] = url.netloc.decode("ascii")
    asked = client.build_request(
        request.method,
        url.copy_with(host=str(address)),
        headers=headers,
        content=request.body,
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    )
    response = await client.send(asked, stream=True)
    try:
        return await _answer(response, url.host, limits)
    finally:
        await response.aclose()


async def _answer(response: httpx.Response, host: str, limits: Limits) -> OutboundResponse:
    if response.status_code in REDIRECTS:
        raise Redirected(f"{host} answers with a redirect ({response.status_code}), which is not followed")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadAnswer(f"{host} sent a packed answer, which is not unpacked")
    declared = response.headers.get("content-length", "")
    body = bytearray()
    too_long = TooLong(f"{host} sends more than {limits.body_bytes} bytes")
    if declared.isdecimal() and int(declared) > limits.body_bytes:
        raise too_long
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limits.body_bytes:
            raise too_long
    return OutboundResponse(response.status_code, dict(response.headers), bytes(body))
