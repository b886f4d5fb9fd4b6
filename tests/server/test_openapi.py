"""The OpenAPI document against the routes, and its examples against a real server."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx

from server.openapi import FILE
from server.openapi.operations import OPERATIONS
from tests.server.test_doors import CREATE_BUDGET, GUARDED, OPEN, new_key
from tests.support.servers import Client, ServerProcess

DOCUMENT: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
NOT_REST = {"/graphql"}
"""What describes itself, and the pages."""


def rest(path: str) -> bool:
    return path not in NOT_REST and not path.startswith("/pages/")


def described() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_is_described_and_no_other() -> None:
    guarded = {(method, path.replace(":path}", "}")) for method, path in GUARDED if rest(path)}
    opened = {("GET", path) for path in OPEN if rest(path)}
    assert set(described()) == guarded | opened
    assert {key for key, each in described().items() if each.get("security") == []} == opened


def references(node: Any) -> Iterator[str]:
    match node:
        case dict():
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for each in node.values():
                yield from references(each)
        case list():
            for each in node:
                yield from references(each)
        case _:
            pass


def test_every_reference_leads_somewhere() -> None:
    names = {each.removeprefix("#/components/schemas/") for each in references(DOCUMENT)}
    assert names == set(DOCUMENT["components"]["schemas"])


def test_paths_and_parameters_fit() -> None:
    ids = [operation["operationId"] for operation in described().values()]
    assert len(ids) == len(set(ids))
    for (_, path), operation in described().items():
        parameters = operation.get("parameters", [])
        assert re.findall(r"{(\w+)}", path) == [each["name"] for each in parameters if each["in"] == "path"]


def test_the_document_is_served_to_anybody(server: ServerProcess) -> None:
    answer = httpx.get(f"{server.url}/openapi.json", trust_env=False)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DOCUMENT


def test_the_examples_are_a_story_that_happens(client: Client, server: ServerProcess, name: str) -> None:
    """Each example is sent as it stands; the answer is among those described and has the keys shown."""
    with server.client(new_key(client, role="ADMIN", tenant=f"{name}-story")) as teller:
        for said in (
            {"budgetId": "acme", "budgetType": "PROJECT", "amount": "100"},
            {"budgetId": "crew", "budgetType": "TEAM", "parentBudgetId": "acme", "amount": "50"},
        ):
            teller.data(CREATE_BUDGET, input=said)
        reservation_id = ""
        for (method, path), operation in OPERATIONS.items():
            url = path
            for each in operation.path:
                url = url.replace(f"{{{each.name}}}", each.example or "")
            url = url.replace("job-1", reservation_id)
            params = {each.name: each.example for each in operation.query if each.example is not None}
            answer = teller.request(method, url, params=params, json=operation.example)
            first = next(iter(operation.answers))
            assert answer.status_code == first, answer.text
            expected = operation.answers[first]
            media_type = answer.headers["content-type"].partition(";")[0]
            assert media_type in expected.media_types, path
            if expected.example is not None:
                assert set(answer.json()) == set(expected.example), path
            if path == "/v1/reservations":
                reservation_id = answer.json()["reservation_id"]
