"""``evolution.ports`` over HTTP: REST reservations, and evaluations through GraphQL."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Final, Self, cast

import httpx
import orjson

from evolution.codec import from_json, to_json
from evolution.errors import EvolutionError
from evolution.ports import Bill, Held, HoldRequest, Lapsed, LogEntry, Receipt, Refused, Wait
from pricing.money import format_nano, parse_nano
from server.experiments.words import receipt_of, usages_of

MILLISECONDS: Final = 1_000
TIMEOUT_SECONDS: Final = 30.0
PAGE: Final = 500

RECORD: Final = """
mutation($id: ID!, $rows: [RecordEvaluationInput!]!) {
  recordEvaluations(experimentId: $id, evaluations: $rows) {
    __typename
    ... on RefusedRow { code field message }
  }
}
"""
LOAD: Final = """
query($id: ID!, $first: Int!, $after: String) {
  experiment(experimentId: $id) {
    evaluations(first: $first, after: $after) { nodes { log } pageInfo { hasNextPage endCursor } }
  }
}
"""


class ServiceRefused(EvolutionError):
    """The service refuses for good; ``code`` is its own."""

    def __init__(self, message: str, code: str, *, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.refused_code = code


class ServiceSilent(EvolutionError):
    """The service does not answer now: ask again."""

    code: ClassVar[str] = "UNAVAILABLE"
    retryable: ClassVar[bool] = True


class Service:
    """A running Costgraph, as a runner talks to it. Use it as an asynchronous context."""

    def __init__(self, url: str, key: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """``key`` is the API key of a researcher."""
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {key}"},
            timeout=timeout_seconds,
            # A proxy of the environment is for other hosts than the one that is named here.
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer. Raises ``ServiceSilent``."""
        try:
            response = await self._client.post(
                path, content=orjson.dumps(body), headers={"content-type": "application/json"}
            )
        except httpx.TransportError as error:
            raise ServiceSilent(f"the service does not answer: {error!r}") from error
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ServiceSilent(f"the service answers {response.status_code}: {response.text[:200]}")
        return response.status_code, cast("dict[str, Any]", response.json())

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL operation. Raises ``ServiceSilent``, ``ServiceRefused``."""
        status, body = await self.post("/graphql", {"query": query, "variables": variables})
        for error in body.get("errors") or ():
            code = error["extensions"]["code"]
            if code == "UNAVAILABLE":
                raise ServiceSilent(error["message"])
            raise ServiceRefused(error["message"], code, field=error["extensions"].get("field"))
        if status != HTTPStatus.OK:
            raise _refused(body)
        return cast("dict[str, Any]", body["data"])


def _refused(body: Mapping[str, Any]) -> ServiceRefused:
    return ServiceRefused(
        str(body.get("detail") or body), str(body.get("code", "INVALID")), field=body.get("field")
    )


class RemoteLedger:
    """``evolution.ports.ExperimentLedger`` on the reservations of a service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def reserve(self, request: HoldRequest) -> Held | Refused | Wait | Lapsed:
        """Hold money, or say why not."""
        fields: dict[str, Any] = {
            "idempotency_key": request.key,
            "agent_id": request.agent_id,
            "amount": format_nano(request.amount_nano),
            "ttl_seconds": request.ttl_seconds,
        }
        if request.budget_id is not None:
            fields["budget_id"] = request.budget_id
        status, body = await self._service.post("/v1/reservations", fields)
        if status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            if body["state"] != "HELD":
                return Lapsed()
            await asyncio.sleep(body["delay_ms"] / MILLISECONDS)
            return Held(body["reservation_id"], request.key)
        if status == HTTPStatus.PAYMENT_REQUIRED:
            return Refused(body["message"])
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Wait(body["retry_after_ms"] / MILLISECONDS)
        raise _refused(body)

    async def extend(self, hold: Held, ttl_seconds: int) -> None:
        """Keep the hold for so long from now."""
        fields = {"idempotency_key": f"{hold.key}+{secrets.token_hex(8)}", "ttl_seconds": ttl_seconds}
        status, body = await self._service.post(f"/v1/reservations/{hold.hold_id}/extend", fields)
        if status != HTTPStatus.OK:
            raise _refused(body)

    async def settle(self, hold: Held, bill: Bill) -> Receipt:
        """Charge, and give the rest back."""
        status, body = await self._service.post(
            f"/v1/reservations/{hold.hold_id}/settle", {"usages": usages_of(bill)}
        )
        if status != HTTPStatus.OK:
            raise _refused(body)
        charges: list[tuple[int, bool]] = []
        for each in body["results"]:
            if each["status"] == HTTPStatus.SERVICE_UNAVAILABLE:
                raise ServiceSilent(each["detail"])
            if each["status"] >= HTTPStatus.BAD_REQUEST:
                raise _refused(each)
            entry = each["cost_entry"]
            charged_nano = 0 if entry is None else parse_nano(entry["total_cost"], "total_cost")
            charges.append((charged_nano, each["pricing"] == "PRICED"))
        return receipt_of(charges, parse_nano(body["overrun"], "overrun"))


class RemoteLog:
    """``evolution.ports.EvaluationLog`` in the graph of a service.

    Agents take part before they are evaluated.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def load(self, experiment_id: str) -> Sequence[LogEntry]:
        """The last that was written of each evaluation. Raises ``ServiceRefused`` without the experiment."""
        found: list[LogEntry] = []
        after, more = None, True
        while more:
            data = await self._service.data(LOAD, id=experiment_id, first=PAGE, after=after)
            if data["experiment"] is None:
                raise ServiceRefused(f"there is no experiment {experiment_id!r}", "NOT_FOUND")
            page = data["experiment"]["evaluations"]
            found += [from_json(LogEntry, node["log"]) for node in page["nodes"] if node["log"] is not None]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        return found

    async def append(self, entry: LogEntry) -> None:
        """Write one entry. Raises ``ServiceSilent``, ``ServiceRefused``."""
        said = entry.evaluation
        row = {
            "evaluationId": entry.operation_id,
            "agentId": said.agent_id,
            "taskId": said.task_id,
            "score": said.score,
            "seconds": said.seconds,
            "tokens": said.tokens,
            "role": said.role.name,
            "operationIds": list(said.operation_ids),
            "log": to_json(entry),
        }
        data = await self._service.data(RECORD, id=entry.experiment_id, rows=[row])
        (answer,) = data["recordEvaluations"]
        if answer["__typename"] == "RefusedRow":
            raise ServiceRefused(answer["message"], answer["code"], field=answer["field"])
