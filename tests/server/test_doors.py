"""No route is open by accident, and through none of them shows what a key may not see."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from ledger.access import Permission
from server.page import FOLDER
from server.routes import GuardedRoute, GuardedSocket
from server.run import opened
from server.settings import load_settings
from tests.server.test_rest_usage import usage
from tests.support.servers import Client, ServerProcess, eventually

OPEN = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/graphql",
    "/openapi.json",
    *(f"/pages/{each.name}" for each in FOLDER.iterdir()),
}
GUARDED = {
    ("POST", "/v1/usage"): Permission.RECORD,
    ("POST", "/v1/reservations"): Permission.RECORD,
    ("POST", "/v1/reservations/{reservation_id}/settle"): Permission.RECORD,
    ("POST", "/v1/reservations/{reservation_id}/stream"): Permission.RECORD,
    ("POST", "/v1/reservations/{reservation_id}/extend"): Permission.RECORD,
    ("POST", "/v1/reservations/{reservation_id}/release"): Permission.RECORD,
    ("GET", "/v1/reservations/{reservation_id}"): Permission.READ,
    ("GET", "/v1/budgets/{budget_id:path}/status"): Permission.READ,
    ("GET", "/v1/quotas/usage"): Permission.READ,
    ("GET", "/api/v1/budgets/user/{user_id:path}/project/{project_id:path}/balance"): Permission.READ,
    ("GET", "/api/v1/budgets/user/{user_id:path}/project/{project_id:path}/status"): Permission.READ,
    (
        "GET",
        "/api/v1/budgets/user/{user_id:path}/project/{project_id:path}/spending/{period}",
    ): Permission.READ,
    ("POST", "/api/v1/budgets/user/{user_id:path}/project/{project_id:path}/check"): Permission.READ,
    ("GET", "/v1/anomalies"): Permission.READ,
    ("GET", "/api/v1/pricing/provider/{provider}/model/{model:path}/history"): Permission.READ,
    ("GET", "/api/v1/pricing/provider/{provider}/model/{model:path}"): Permission.READ,
    ("POST", "/api/v1/pricing/estimate"): Permission.READ,
    ("POST", "/api/v1/pricing/compare"): Permission.READ,
    ("GET", "/api/v1/teams/{team_id:path}/budget"): Permission.READ,
    ("GET", "/api/v1/teams/{team_id:path}/costs"): Permission.READ,
    ("GET", "/v1/exports/usage"): Permission.READ,
    ("GET", "/v1/exports/rollups"): Permission.READ,
    ("POST", "/graphql"): Permission.READ,
}
CREATE_BUDGET = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
CREATE_KEY = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret key { keyId } } }"


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Generator[list[Any]]:
    """The routes of the application, as it is built on an open engine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NEO4J_URI", "COSTGRAPH_ADMIN_KEY", "COSTGRAPH_WORKERS"):
            patch.delenv(name, raising=False)
        settings = load_settings(data_dir=tmp_path_factory.mktemp("doors") / "data")
        with opened(settings, hot=False) as app:
            assert isinstance(app, Starlette)
            yield app.routes


def methods(route: Route) -> Iterator[str]:
    yield from (route.methods or set()) - {"HEAD"}


def test_every_route_says_what_it_needs(routes: list[Any]) -> None:
    assert all(isinstance(route, GuardedRoute | GuardedSocket) for route in routes)


def test_there_is_one_socket_and_it_needs_a_key_that_reads(routes: list[Any]) -> None:
    sockets = [route for route in routes if isinstance(route, GuardedSocket)]
    assert [(route.path, route.needs) for route in sockets] == [("/graphql", Permission.READ)]


def test_only_these_routes_are_open(routes: list[Any]) -> None:
    found = {(method, route.path) for route in routes if route.needs is None for method in methods(route)}
    assert found == {("GET", path) for path in OPEN}


def test_the_others_need_what_is_written_here(routes: list[Any]) -> None:
    found = {
        (method, route.path): route.needs
        for route in routes
        if route.needs is not None
        for method in methods(route)
    }
    assert found == GUARDED


def call(client: httpx.Client, method: str, path: str) -> httpx.Response:
    body = {"query": "{ __typename }"} if path == "/graphql" else {}
    url = path.replace("{budget_id:path}", "some/budget").replace("{reservation_id}", "some-reservation")
    return client.request(method, url, json=body if method == "POST" else None)


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("key", [None, "cg_guessed", "admin", "0" * 64])
def test_without_a_known_key_there_is_no_way_in(
    server: ServerProcess, method: str, path: str, key: str | None
) -> None:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        answer = call(client, method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    body = answer.json()
    assert (body["errors"][0]["extensions"] if path == "/graphql" else body)["code"] == "UNAUTHENTICATED"


def new_key(client: Client, **fields: Any) -> str:
    return client.data(CREATE_KEY, input={"name": "test", **fields})["createApiKey"]["secret"]


@pytest.mark.parametrize(
    ("role", "status"), [("VIEWER", 403), ("RECORDER", 201), ("OPERATOR", 201), ("ADMIN", 201)]
)
def test_recording_takes_a_role_that_may(
    client: Client, server: ServerProcess, name: str, role: str, status: int
) -> None:
    with server.client(new_key(client, role=role)) as caller:
        assert caller.post("/v1/usage", json=usage(name)).status_code == status
        assert caller.get("/v1/budgets/unattributed/status").status_code == 200


@pytest.fixture
def family(client: Client, name: str) -> dict[str, str]:
    """A tree with two subtrees, and ids by their part in it."""
    budgets = {part: f"{name}-{part}" for part in ("root", "mine", "below", "sibling")}
    parents = {"root": None, "mine": "root", "below": "mine", "sibling": "root"}
    for part, parent in parents.items():
        wanted = {"budgetId": budgets[part], "budgetType": "CUSTOM", "amount": "10"}
        client.data(CREATE_BUDGET, input={**wanted, "parentBudgetId": budgets[parent] if parent else None})
    return budgets


@pytest.fixture
def mine(client: Client, server: ServerProcess, family: dict[str, str]) -> Generator[Client]:
    """A caller confined to the budget ``mine``."""
    with server.client(new_key(client, role="RECORDER", budgetId=family["mine"])) as caller:
        yield caller


@pytest.fixture
def stranger(client: Client, server: ServerProcess, name: str) -> Generator[Client]:
    """An admin of another tenant."""
    with server.client(new_key(client, role="ADMIN", tenant=f"{name}-tenant")) as caller:
        yield caller


def test_a_confined_key_sees_its_subtree(mine: Client, family: dict[str, str]) -> None:
    for part in ("mine", "below"):
        assert mine.get(f"/v1/budgets/{family[part]}/status").json()["budget_id"] == family[part]


def like_unknown(caller: Client, budget_id: str) -> bool:
    """Whether a budget's status is answered as that of one that never was."""
    never = "x" * len(budget_id)
    found, unknown = (caller.get(f"/v1/budgets/{each}/status") for each in (budget_id, never))
    assert unknown.status_code == 404
    same_headers = dict(found.headers) | {"date": ""} == dict(unknown.headers) | {"date": ""}
    return same_headers and found.text.replace(budget_id, never) == unknown.text


def test_what_lies_outside_a_subtree_is_like_unknown(mine: Client, family: dict[str, str]) -> None:
    for part in ("root", "sibling"):
        assert like_unknown(mine, family[part])
    assert like_unknown(mine, "unattributed")


def test_another_tenants_budgets_are_like_unknown(stranger: Client, family: dict[str, str]) -> None:
    for budget in family.values():
        assert like_unknown(stranger, budget)


def recorded_as_on_an_unknown_budget(caller: Client, name: str, budget_id: str) -> bool:
    """Whether a record on a budget is answered as one on a budget that never was."""
    never = "x" * len(budget_id)
    answers: list[str] = []
    for number, each in enumerate((budget_id, never)):
        answer = caller.post("/v1/usage", json=usage(f"{name}-{number}", agent_id=name, budget_id=each))
        assert answer.status_code == 201
        text = answer.text.replace(f"{name}-{number}", "").replace(each, never)
        answers.append(text.replace(answer.json()["cost_entry"]["charged_at"], ""))
    assert answers[0] == answers[1]
    return True


def test_a_record_on_a_foreign_budget_is_like_one_on_an_unknown_one(
    mine: Client, stranger: Client, client: Client, family: dict[str, str], name: str
) -> None:
    for part in ("root", "sibling"):
        assert recorded_as_on_an_unknown_budget(mine, f"{name}-{part}", family[part])
    assert recorded_as_on_an_unknown_budget(stranger, f"{name}-stranger", family["mine"])
    for part in ("below", "sibling"):
        assert client.get(f"/v1/budgets/{family[part]}/status").json()["spent"] == "0"


def test_a_confined_key_spends_in_its_subtree_whatever_it_names(
    mine: Client, client: Client, family: dict[str, str], name: str
) -> None:
    for number, budget in enumerate((None, family["sibling"], f"{name}-nowhere")):
        assert mine.post("/v1/usage", json=usage(f"{name}-{number}", budget_id=budget)).status_code == 201
    spent = {part: client.get(f"/v1/budgets/{each}/status").json()["spent"] for part, each in family.items()}
    assert spent == {"root": "0.0105", "mine": "0.0105", "below": "0", "sibling": "0"}


def test_warnings_of_budgets_above_the_own_one_show_no_figures(
    mine: Client, client: Client, family: dict[str, str], name: str
) -> None:
    cost = {"provider_cost": "9", "model_id": None}
    assert client.post("/v1/usage", json=usage(name, budget_id=family["sibling"], **cost)).status_code == 201
    answer = mine.post("/v1/usage", json=usage(f"{name}-2", provider_cost="0.5"))
    assert family["root"] not in answer.text
    assert family["sibling"] not in answer.text
    for warning in answer.json()["warnings"]:
        assert warning["budget_id"] in {None, family["mine"], family["below"]}
        if warning["budget_id"] is None:
            assert warning["limit"] is warning["spent"] is warning["utilization"] is None


def test_tenants_share_no_operation_ids(client: Client, stranger: Client, name: str) -> None:
    first = client.post("/v1/usage", json=usage(name))
    assert first.status_code == 201
    other = stranger.post("/v1/usage", json=usage(name, prompt_tokens=7))
    assert other.status_code == 201


def test_an_operation_of_another_subtree_tells_nothing_of_itself(
    mine: Client, client: Client, family: dict[str, str], name: str
) -> None:
    row = usage(name, budget_id=family["sibling"], provider_cost="1.2345")
    assert client.post("/v1/usage", json=row).status_code == 201
    for sent in (row, usage(name)):
        answer = mine.post("/v1/usage", json=sent)
        assert answer.status_code == 409
        assert "1.2345" not in answer.text
        assert family["sibling"] not in answer.text


def test_metrics_name_nobody(client: Client, mine: Client, family: dict[str, str], name: str) -> None:
    mine.post("/v1/usage", json=usage(name))
    mine.get(f"/v1/budgets/{family['mine']}/status")
    text = client.get("/metrics").text
    assert "costgraph_commits_total" in text
    assert 'route="/v1/budgets/{budget_id:path}/status"' in text
    assert name not in text


def test_a_revoked_key_is_refused_within_five_seconds(
    client: Client, server: ServerProcess, name: str
) -> None:
    created = client.data(CREATE_KEY, input={"name": name, "role": "RECORDER"})["createApiKey"]
    with server.client(created["secret"]) as caller:
        assert caller.get("/v1/budgets/unattributed/status").status_code == 200
        revoke = "mutation($id: ID!) { revokeApiKey(keyId: $id) { revokedAt } }"
        assert client.data(revoke, id=created["key"]["keyId"])["revokeApiKey"]["revokedAt"]
        path = "/v1/budgets/unattributed/status"
        assert eventually(lambda: caller.get(path).status_code == 401) < 5
        assert caller.post("/v1/usage", json=usage(name)).status_code == 401
        assert caller.ask("{ __typename }")["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_readiness_names_its_checks(server: ServerProcess) -> None:
    answer = httpx.get(f"{server.url}/readyz", trust_env=False)
    assert answer.status_code == 200
    workers = (
        *("committer", "fold", "sweeper", "late_prices", "closer"),
        *("refresher", "relay", "deliveries", "archiver"),
    )
    checks = {"engine": True, **dict.fromkeys(workers, True)}
    assert answer.json() == {"status": "ready", "checks": checks}
    assert httpx.get(f"{server.url}/healthz", trust_env=False).json() == {"status": "ok"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused_and_cors_says_nothing(server: ServerProcess, method: str) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for path in ("/graphql", "/v1/usage", "/readyz"):
        answer = httpx.request(method, server.url + path, headers=headers, trust_env=False)
        assert answer.status_code == 405
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_data_dir_keeps_its_secrets(server: ServerProcess) -> None:
    if server.kind == "neo4j":
        assert not (server.data_dir / "admin.key").exists()
        return
    files: list[Path] = [server.data_dir / each for each in ("admin.key", "password", "server.json")]
    assert {oct(each.stat().st_mode & 0o777) for each in files} == {"0o600"}
