"""A client of subscriptions: a real WebSocket that speaks graphql-transport-ws."""

import threading
from typing import Any, Self

import orjson
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

PROTOCOL = "graphql-transport-ws"
COST_RECORDED = (
    "subscription($after: ID, $budgetId: ID) { costRecorded(after: $after, budgetId: $budgetId) "
    "{ eventId operationId agentId budgetId totalCost currency timestamp kind } }"
)
BUDGET_EVENTS = (
    "subscription($after: ID, $types: [BudgetEventType!]) { budgetEvents(after: $after, types: $types) "
    "{ eventId type budgetId currentUsage budgetAmount percentageUsed threshold currency } }"
)


def open_socket(url: str, **options: Any) -> ClientConnection:
    """A connection to a server's ``/graphql``."""
    said: dict[str, Any] = {"subprotocols": [PROTOCOL], "open_timeout": 30, "proxy": None, **options}
    return connect(f"ws{url.removeprefix('http')}/graphql", **said)


def close_code_of(connection: ClientConnection) -> int | None:
    """Why the other side closes, once it does."""
    try:
        while True:
            connection.recv(30)
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


class Following:
    """A conversation that was begun with a key."""

    def __init__(self, url: str, key: str, **options: Any) -> None:
        self.socket = open_socket(url, **options).__enter__()
        self.send({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}})
        assert self.receive()["type"] == "connection_ack"

    def send(self, message: object) -> None:
        """Say something."""
        self.socket.send(orjson.dumps(message).decode())

    def receive(self, seconds: float | None = 60) -> dict[str, Any]:
        """The next thing that is told."""
        return orjson.loads(self.socket.recv(seconds))

    def subscribe(self, query: str, identifier: str = "1", **variables: Any) -> None:
        """Begin to follow."""
        self.send(
            {
                "id": identifier,
                "type": "subscribe",
                "payload": {"query": query, "variables": variables},
            }
        )

    def next(self, seconds: float | None = 60) -> dict[str, Any]:
        """The value of the only field of the next result."""
        message = self.receive(seconds)
        assert message["type"] == "next", message
        (value,) = message["payload"]["data"].values()
        return value

    def settle(self) -> None:
        """Wait until what was sent before is heard: messages are answered in their order."""
        self.send({"type": "ping"})
        assert self.receive()["type"] == "pong"

    def close_code(self) -> int | None:
        """Why the other side closes."""
        return close_code_of(self.socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.__exit__(None, None, None)


class Collector(threading.Thread):
    """Follows a subscription over breaks of its connection, from the last event that it saw on."""

    def __init__(self, urls: list[str], key: str, query: str, after: str, **variables: Any) -> None:
        super().__init__(daemon=True)
        self.urls = urls
        self.key = key
        self.query = query
        self.after = after
        self.variables = variables
        self.events: list[dict[str, Any]] = []
        self.breaks = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        """Collect until told to stop."""
        while not self.stopping.is_set():
            try:
                self._follow(self.urls[self.breaks % len(self.urls)])
            except (OSError, ConnectionClosed, InvalidStatus, AssertionError):
                self.breaks += 1
                self.stopping.wait(0.1)

    def _follow(self, url: str) -> None:
        with Following(url, self.key) as following:
            following.subscribe(self.query, after=self.after, **self.variables)
            while not self.stopping.is_set():
                try:
                    event = following.next(0.5)
                except TimeoutError:
                    continue
                self.events.append(event)
                self.after = event["eventId"]

    def stop(self) -> None:
        """End it."""
        self.stopping.set()
        self.join()
