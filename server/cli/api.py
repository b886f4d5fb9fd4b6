"""A small client of our own public API: every command goes through it, whatever server it talks to."""

import contextlib
import os
import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httpx
import orjson

from server.cli.errors import MISUSED, UNREACHABLE, CliError
from server.cli.options import Where

TIMEOUT_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
PAUSE_SECONDS_MAX = 5.0
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
TRY_AGAIN = {429, 502, 503, 504}


class Api:
    """One server and one key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self._client = httpx.Client(
            base_url=self.url,
            headers={"authorization": f"Bearer {key}", "user-agent": "costgraph-cli"},
            timeout=TIMEOUT_SECONDS,
            trust_env=urlsplit(self.url).hostname not in LOOPBACK,  # no proxy stands before ourselves
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def graphql(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The data of one operation. Raises ``CliError`` with what the server said."""
        answer = self._json(self._post("/graphql", {"query": query, "variables": variables or {}}))
        if errors := answer.get("errors"):
            raise CliError("\n".join(str(error["message"]) for error in errors))
        return answer["data"]

    def pieces(
        self, path: str, params: dict[str, str], headers: Callable[[Mapping[str, str]], None]
    ) -> Iterator[bytes]:
        """The body of a GET of any length. Raises ``CliError``, also where it breaks off.

        ``headers`` is told those of the answer, before its body.
        """
        try:
            with self._client.stream("GET", path, params=params) as response:
                if not response.is_success:
                    response.read()
                    raise self._refusal(response)
                headers(response.headers)
                yield from response.iter_bytes()
        except httpx.HTTPError as error:
            raise CliError(f"The answer of {self.url} broke off: {error}", UNREACHABLE) from None

    def record(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The results of a batch of up to 1,000 usages, in their order."""
        response = self._post("/v1/usage", list(rows))
        if not response.is_success:
            raise self._refusal(response)
        return self._json(response)["results"]

    def record_patiently(
        self,
        rows: Sequence[dict[str, Any]],
        waiting: Callable[[str], None],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> list[dict[str, Any]]:
        """As ``record``, sent again while the server is away or busy: operation ids make that safe.

        ``waiting`` is told why, each time.
        """
        give_up = time.monotonic() + patience_seconds
        pause = 0.1
        while True:
            try:
                return self.record(rows)
            except Retryable as error:
                if time.monotonic() > give_up:
                    message = f"{error.message}\nRun the same command again: nothing is charged twice."
                    raise CliError(message, UNREACHABLE) from None
                waiting(error.message)
                time.sleep(max(error.after_seconds, random.uniform(pause / 2, pause)))  # noqa: S311
                pause = min(PAUSE_SECONDS_MAX, pause * 2)

    def _post(self, path: str, body: object) -> httpx.Response:
        try:
            response = self._client.post(
                path, content=orjson.dumps(body), headers={"content-type": "application/json"}
            )
        except httpx.HTTPError as error:
            raise Retryable(f"The server at {self.url} does not answer: {error}") from None
        if response.status_code in TRY_AGAIN:
            after = response.headers.get("retry-after", "0")
            raise Retryable(self._refusal(response).message, float(after) if after.isdigit() else 0.0)
        if response.status_code in {401, 403}:
            raise self._refusal(response)
        return response

    def _refusal(self, response: httpx.Response) -> CliError:
        try:
            body = response.json()
            detail = body["errors"][0]["message"] if "errors" in body else body["detail"]
        except (ValueError, KeyError, TypeError):
            detail = response.text[:500]
        return CliError(f"{self.url} answered {response.status_code}: {detail}")

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            message = (
                f"{self.url} is no Costgraph server: it answered {response.status_code} without our JSON."
            )
            raise CliError(message, UNREACHABLE)
        return cast("dict[str, Any]", answer)


class Retryable(CliError):
    """The server is away or busy: the same request may be sent again."""

    def __init__(self, message: str, after_seconds: float = 0.0) -> None:
        super().__init__(message, UNREACHABLE)
        self.after_seconds = after_seconds


@contextlib.contextmanager
def connected(where: Where) -> Generator[Api]:
    """The server that was named, else the one that owns the data folder, else one of our own meanwhile."""
    if where.url is not None:
        key = where.key or os.environ.get("COSTGRAPH_ADMIN_KEY")
        if not key:
            raise CliError("Say with which key: --key, or the variable COSTGRAPH_KEY.", MISUSED)
        with Api(where.url, key) as api:
            yield api
        return

    from graph.engines import read_server
    from server.run import serving
    from server.settings import load_settings

    settings = load_settings(data_dir=where.data_dir)
    running = None
    if settings.neo4j_uri is None and settings.data_dir.is_dir():
        running = read_server(settings.data_dir)
    with contextlib.ExitStack() as stack:
        url = running.address if running else stack.enter_context(serving(settings))
        admin_key = settings.admin_key.get_secret_value() if settings.admin_key else None
        yield stack.enter_context(Api(url, where.key or admin_key or _key_in(settings.admin_key_file)))


def _key_in(file: Path) -> str:
    """The admin key that the server of a data folder wrote there."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise CliError(f"There is no {file}. Give a key with --key or COSTGRAPH_KEY.") from None
