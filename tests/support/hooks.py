"""A receiver of webhooks that fails in every way that a test thinks of, and then takes what comes."""

import base64
import hmac
import threading
import time
from hashlib import sha256
from typing import IO, Any

import orjson

from tests.support.outside import Asked, Behaviour, Outside, saying
from tests.support.servers import Client

CREATE = """mutation($input: CreateWebhookEndpointInput!) {
  createWebhookEndpoint(input: $input) { secret endpoint { endpointId } }
}"""
SHOW = (
    "{ webhookEndpoints(first: 100)"
    " { nodes { endpointId url enabled attempts lastError nextAttemptAt types budgetId } } }"
)
LETTERS = """query($id: ID!) { webhookDeadLetters(endpointId: $id) {
  nodes { eventId type attempts error replaying }
} }"""
SETTINGS = {"COSTGRAPH_OUTBOUND_NETWORKS": "127.0.0.0/8", "COSTGRAPH_OUTBOUND_HTTP": "true"}
TAKEN = saying(b"", "204 No Content")


class Hook:
    """One endpoint and the address behind it. ``failing`` behaves so for the next requests, one each."""

    def __init__(self, client: Client, outside: Outside, path: str, **fields: Any) -> None:
        self.failing: list[Behaviour] = []
        self.always: Behaviour | None = None
        self.taken: list[Asked] = []
        self.tries = 0
        self._guard = threading.Lock()
        outside.answers[path] = self._answer
        made = client.data(CREATE, input={"url": f"{outside.url}{path}", **fields})["createWebhookEndpoint"]
        self.secrets = [made["secret"]]
        self.endpoint_id: str = made["endpoint"]["endpointId"]
        self._client = client

    def _answer(self, out: IO[bytes], asked: Asked) -> None:
        with self._guard:
            self.tries += 1
            behave = self.failing.pop(0) if self.failing else self.always
            if behave is None:
                self.taken.append(asked)
        (behave or TAKEN)(out, asked)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The bodies that were taken, in order; each must be signed with every valid secret."""
        return [self.opened(asked) for asked in list(self.taken)]

    def opened(self, asked: Asked) -> dict[str, Any]:
        """A message's body, after its signature was checked as Standard Webhooks says."""
        assert (asked.method, asked.headers["content-type"]) == ("POST", "application/json")
        identifier, timestamp = asked.headers["webhook-id"], asked.headers["webhook-timestamp"]
        assert abs(int(timestamp) - time.time()) < 300
        content = f"{identifier}.{timestamp}.".encode() + asked.body
        for secret in self.secrets:
            key = base64.b64decode(secret.removeprefix("whsec_"))
            made = base64.b64encode(hmac.new(key, content, sha256).digest()).decode()
            assert f"v1,{made}" in asked.headers["webhook-signature"].split(" ")
        return orjson.loads(asked.body)

    def shown(self) -> dict[str, Any]:
        """The endpoint as the API shows it."""
        nodes = self._client.data(SHOW)["webhookEndpoints"]["nodes"]
        (found,) = [node for node in nodes if node["endpointId"] == self.endpoint_id]
        return found

    def letters(self) -> list[dict[str, Any]]:
        """Its dead letters."""
        return self._client.data(LETTERS, id=self.endpoint_id)["webhookDeadLetters"]["nodes"]
