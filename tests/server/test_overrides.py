"""Overrides on real servers, on both engines: used exactly once, by however many ask, and told."""

from collections import Counter
from decimal import Decimal
from typing import Any

from tests.server.test_doors import new_key
from tests.server.test_limits_hold import Servers, books_agree, make_path, money, together
from tests.server.test_rest_reservations import called, make, reserve, standing
from tests.support.following import BUDGET_EVENTS, Following
from tests.support.servers import Client, ServerProcess

CREATE = """
mutation($input: CreateOverrideInput!) {
  createOverride(input: $input) { overrideId budgetId amount used remaining reason author state until }
}
"""
LIST = """
query($budgetId: ID, $state: OverrideState) {
  overrides(budgetId: $budgetId, state: $state) { nodes { overrideId used remaining state } }
}
"""
REVOKE = "mutation($id: ID!) { revokeOverride(overrideId: $id) { state revokedBy used } }"
FORCED = "query($id: ID!) { budget(budgetId: $id) { status { forced } } }"


def grant(client: Client, name: str, budget: str, amount: str, **fields: Any) -> dict[str, Any]:
    said = {"idempotencyKey": name, "budgetId": budget, "amount": amount, "reason": "an incident"}
    until = {"until": "2100-01-01T00:00:00Z", **fields}
    return client.data(CREATE, input={**said, **until})["createOverride"]


def test_what_is_refused_passes_and_the_answer_names_the_override(
    client: Client, server: ServerProcess, name: str
) -> None:
    make(client, name, amount="0")
    assert reserve(client, f"{name}-0", name, amount="1").status_code == 402
    granted = grant(client, name, name, "2")
    assert (granted["amount"], granted["used"], granted["state"]) == ("2", "0", "ACTIVE")
    with Following(server.url, server.admin_key) as following:
        following.subscribe(BUDGET_EVENTS, types=["BUDGET_OVERRIDDEN"])
        following.settle()
        passed = reserve(client, f"{name}-1", name, amount="1.5")
        told = following.next()
        while told["budgetId"] != name:
            told = following.next()
    assert (passed.status_code, passed.json()["override_id"]) == (201, granted["overrideId"])
    assert (passed.json()["decision"], passed.json()["warnings"][0]["code"]) == ("WARN", "OVERRIDDEN")
    assert told["type"] == "BUDGET_OVERRIDDEN"
    assert reserve(client, f"{name}-2", name, amount="1").status_code == 402
    path = f"/v1/reservations/{passed.json()['reservation_id']}"
    assert client.get(path).json()["override_id"] == granted["overrideId"]
    client.post(f"{path}/settle", json={"usages": [called(name, name, provider_cost="0.5")]})
    (listed,) = client.data(LIST, budgetId=name, state="ACTIVE")["overrides"]["nodes"]
    assert (listed["used"], listed["remaining"]) == ("0.5", "1.5")
    assert client.data(FORCED, id=name)["budget"]["status"]["forced"] == "0.5"
    revoked = client.data(REVOKE, id=granted["overrideId"])["revokeOverride"]
    assert (revoked["state"], revoked["used"]) == ("REVOKED", "0.5")
    assert reserve(client, f"{name}-3", name, amount="0.1").status_code == 402
    assert client.data(LIST, budgetId=name, state="ACTIVE")["overrides"]["nodes"] == []
    checked = client.data(
        "query($id: ID!) { ledgerCheck(budgetId: $id) { ok findings { invariant } } }", id=name
    )
    assert checked["ledgerCheck"] == {"ok": True, "findings": []}


def test_a_key_below_grants_nothing_above_and_is_not_told_of_what_is(
    client: Client, server: ServerProcess, name: str
) -> None:
    make(client, f"{name}-root", amount="0")
    make(client, name, f"{name}-root")
    secret = new_key(client, role="OPERATOR", budgetId=name)
    with server.client(secret) as below:
        grant(below, f"{name}-low", name, "5")
        assert reserve(below, f"{name}-1", name, amount="1").status_code == 402
        above = grant(client, f"{name}-high", f"{name}-root", "5")
        passed = reserve(below, f"{name}-2", name, amount="1")
        assert (passed.status_code, passed.json()["override_id"]) == (201, None)
        assert f"{name}-root" not in passed.text
        assert above["overrideId"] not in passed.text
        seen = below.data(LIST)["overrides"]["nodes"]
        assert [each["remaining"] for each in seen] == ["5"]
        answer = below.ask(REVOKE, id=above["overrideId"])
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    with server.client(new_key(client, role="RECORDER", budgetId=name)) as recorder:
        answer = recorder.ask(LIST)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_64_clients_on_several_servers_use_it_exactly_once(servers: Servers, name: str) -> None:
    with servers[0].client() as client:
        leaf = make_path(client, name, "0")
        granted = grant(client, name, leaf, "0.2")
    passed, refused = Counter[int](), Counter[int]()

    def work(client: Client, number: int) -> None:
        answer = reserve(client, f"{name}-{number}", leaf, amount="0.01")
        (passed if answer.status_code == 201 else refused)[number] += 1
        if answer.status_code == 201:
            assert answer.json()["override_id"] == granted["overrideId"]
            row = called(leaf, f"{name}-{number}", provider_cost="0.004")
            settled = client.post(
                f"/v1/reservations/{answer.json()['reservation_id']}/settle", json={"usages": [row]}
            )
            assert settled.json()["charged"] == "0.004"

    together(servers, work)
    with servers[-1].client() as client:
        (listed,) = client.data(LIST, budgetId=leaf)["overrides"]["nodes"]
        spent = Decimal("0.004") * len(passed)
        # What is given back lets others pass, so more than twenty may; never more than the amount at once.
        assert (listed["used"], len(passed) >= 20) == (money(int(spent * 10**9)), True)
        assert spent <= Decimal("0.2")
        assert len(passed) + len(refused) == 64
        assert standing(client, f"{name}-0")[:2] == (money(int(spent * 10**9)), "0")
        assert client.data(FORCED, id=f"{name}-0")["budget"]["status"]["forced"] == listed["used"]
        books_agree(client, name)
