"""Callers who mean no good: nothing they send makes a 500, an answer that OpenAPI does not name, or piles up.

Requests of the document's operations are bent: fields dropped, added, of another type, too large, too long,
in other alphabets. Hypothesis chooses; whatever it finds is answered by a status that the document names.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.openapi import FILE
from server.openapi.operations import OPERATIONS
from server.openapi.parts import Operation
from tests.support.servers import Client, ServerProcess

DOCUMENT: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
BENT = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
GROWTH_MIB_MAX = 200
JUNK: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    2**31,
    2**63,
    2**64,
    10**30,
    -(2**63) - 1,
    "",
    " ",
    "a" * 257,
    "a" * 100_000,
    "0",
    "-0.000000001",
    "1e999999999",
    "1e-99999999999",
    "NaN",
    "Infinity",
    "1_000",
    "\u0000",
    "\n\r\t",
    "\u202e\ufeff",
    "\U0001f4b8",
    "../../etc",
    "a/b:c@d",
    "%2F%00",
    "' OR 1=1 //",
    "}) DETACH DELETE n //",
    "{{7*7}}",
    "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00",
    [],
    [[]],
    {},
    {"$ref": "x"},
    {"a": {"b": {"c": {"d": {}}}}},
    ["x"] * 1_000,
]
"""What a field may hold that its author did not think of."""

junk = st.sampled_from(JUNK) | st.text(st.characters(codec="utf-8"), max_size=50) | st.integers()
WITH_BODY = [key for key, each in OPERATIONS.items() if each.example is not None]
OTHERS = [key for key, each in OPERATIONS.items() if each.example is None]


@st.composite
def bent_bodies(draw: st.DrawFn, operation: Operation) -> Any:
    """The operation's example with some of it changed."""
    body: Any = json.loads(json.dumps(operation.example))
    names = st.sampled_from(
        [*body, "unheard_of", "timestamp", "tags", "quantity", "unit", "unit_cost", "amount", "mode"]
    )
    for name in draw(st.lists(names, min_size=1, max_size=4)):
        if draw(st.booleans()) and name in body:
            del body[name]
        else:
            body[name] = draw(junk)
    return draw(st.sampled_from([body, [body], [body, body], draw(junk)]))


def kept(answer: httpx.Response, method: str, path: str) -> None:
    """The answer is one that the document names, in the media type that it names."""
    described = DOCUMENT["paths"][path][method.lower()]["responses"]
    assert str(answer.status_code) in described, (answer.status_code, answer.text[:500])
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in described[str(answer.status_code)]["content"]
    if media_type == "application/problem+json":
        assert {"code", "status", "detail"} <= set(answer.json()), answer.text


def place(path: str, operation: Operation, value: str | None = None) -> str:
    """The path with its variables filled."""
    for each in operation.path:
        said = (each.example or "x") if value is None else value
        path = path.replace(f"{{{each.name}}}", httpx.URL("/").copy_with(path=f"/{said}").path[1:] or "x")
    return path


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_bent_bodies_are_answered_as_described(client: Client, method: str, path: str) -> None:
    operation = OPERATIONS[method, path]

    @BENT
    @given(bent_bodies(operation))
    def bend(body: Any) -> None:
        answer = client.request(
            method,
            place(path, operation),
            content=json.dumps(body).encode("utf-8", "surrogatepass"),
            headers={"content-type": "application/json"},
        )
        kept(answer, method, path)

    bend()


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_bent_parameters_are_answered_as_described(client: Client, method: str, path: str) -> None:
    operation = OPERATIONS[method, path]
    names = st.sampled_from([*(each.name for each in operation.query), "unheard_of"])
    words = st.sampled_from([each for each in JUNK if isinstance(each, str) and len(each) < 1_000])
    texts = words | st.text(st.characters(codec="utf-8"), max_size=50)

    @BENT
    @given(
        st.lists(st.tuples(names, texts), max_size=4), st.none() | st.sampled_from(["a b", "é", "x" * 300])
    )
    def bend(params: list[tuple[str, str]], value: str | None) -> None:
        if not operation.query:
            params = []
        answer = client.request(
            method, place(path, operation, value), params=httpx.QueryParams(tuple(params))
        )
        kept(answer, method, path)

    bend()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nul",
        b'{"operation_id": "a"' * 10_000,
        b"[" * 100_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"\xff\xfe\x00",
        b'{"operation_id": "\xed\xa0\x80"}',
        b'{"operation_id": "\\ud800"}',
        b'{"prompt_tokens": 1e400}',
        b"[" + b"1," * 999 + b"1]",
    ],
    ids=range(11),
)
def test_bodies_that_are_hardly_json_are_refused(client: Client, content: bytes) -> None:
    for path in ("/v1/usage", "/v1/reservations", "/graphql"):
        answer = client.post(path, content=content, headers={"content-type": "application/json"})
        assert answer.status_code < 500, (path, answer.text)
    assert client.get("/readyz").status_code == 200


SEEN = 'budget(budgetId: "unattributed") { budgetId }'
HOSTILE: dict[str, str] = {
    "depth": "{ " + "budgets { nodes { children { " * 200 + "budgetId" + " } } }" * 200 + " }",
    "aliases": "{ " + " ".join(f"a{each}: {SEEN}" for each in range(2_000)) + " }",
    "tokens": "{ " + f"{SEEN} " * 20_000 + "}",
    "directives": "{ budgets " + "@include(if: true) " * 4_000 + "{ nodes { budgetId } } }",
    "unknown directives": "{ budgets " + "@boom " * 4_000 + "{ nodes { budgetId } } }",
    "fragments in a ring": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "fragments that double": (
        "{ ...F0 } "
        + " ".join(f"fragment F{each} on Query {{ ...F{each + 1} ...F{each + 1} }}" for each in range(60))
        + f" fragment F60 on Query {{ {SEEN} }}"
    ),
    "a long string": f'{{ budget(budgetId: "{"a" * 1_000_000}") {{ budgetId }} }}',
    "a long list": "{ budget(budgetId: [" + "1," * 9_000 + "1]) { budgetId } }",
    "a deep value": "{ budget(budgetId: " + "[" * 4_000 + "]" * 4_000 + ") { budgetId } }",
    "introspection in depth": (
        "{ __schema { types { " + "fields { type { " * 100 + "name" + " } }" * 100 + " } } }"
    ),
    "many operations": " ".join(f"query Q{each} {{ {SEEN} }}" for each in range(1_000)),
    "a subscription": "subscription { everything }",
    "a page past the cap": "{ budgets(first: 2147483647) { nodes { budgetId } } }",
    "a page below nothing": "{ usage(first: -1) { nodes { operationId } } }",
    "control characters": "{ budget(budgetId: \u0001) }",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_operations_are_refused_or_answered(client: Client, name: str) -> None:
    answer = client.post("/graphql", json={"query": HOSTILE[name]}, timeout=20)
    assert answer.status_code == 200
    for error in answer.json().get("errors", []):
        assert error.get("extensions", {}).get("code", "INVALID") != "INTERNAL", error


@pytest.mark.parametrize(
    "body",
    [
        [{"query": f"{{ {SEEN} }}"}] * 1_000,
        {"query": 7},
        {"query": f"{{ {SEEN} }}", "variables": []},
        {"query": f"{{ {SEEN} }}", "variables": {str(each): "x" for each in range(50_000)}},
        {"query": f"{{ {SEEN} }}", "operationName": {}},
        {"query": f"{{ {SEEN} }}", "operationName": "x" * 100_000},
        {"extensions": {"persistedQuery": {"sha256Hash": "0" * 64, "version": 1}}},
    ],
    ids=["batch", "number", "variables", "many variables", "name", "long name", "persisted"],
)
def test_hostile_requests_are_refused_or_answered(client: Client, body: Any) -> None:
    answer = client.post("/graphql", json=body)
    assert answer.status_code in {200, 400}
    assert all(each["extensions"]["code"] != "INTERNAL" for each in answer.json().get("errors", []))


INPUTS = "mutation($inputs: [RecordUsageInput!]!) { recordUsages(inputs: $inputs) { __typename } }"


def test_a_list_past_the_cap_is_refused_whole(client: Client, name: str) -> None:
    row = {"operationId": name, "agentId": name, "capabilityType": "chat", "outcome": "ERROR"}
    answer = client.ask(INPUTS, inputs=[{**row, "operationId": f"{name}-{each}"} for each in range(1_001)])
    assert answer["errors"][0]["extensions"]["code"] == "INVALID"
    assert client.data(f'{{ usage(filter: {{agentId: "{name}"}}) {{ nodes {{ operationId }} }} }}') == {
        "usage": {"nodes": []}
    }


def resident_mib(server: ServerProcess) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) // 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_hostile_callers_leave_nothing_behind(client: Client, server: ServerProcess) -> None:
    def storm(times: int) -> None:
        for _ in range(times):
            for text in HOSTILE.values():
                client.post("/graphql", json={"query": text}, timeout=20)
            client.post("/v1/usage", json=[{"operation_id": "x" * 1_000}] * 1_000)
            client.get("/v1/budgets/" + "x" * 4_000 + "/status")

    storm(2)  # caches fill once
    before = resident_mib(server)
    storm(8)
    assert resident_mib(server) - before < GROWTH_MIB_MAX
    assert client.get("/readyz").status_code == 200
