"""Several thresholds on real servers, on both engines: told once, over servers, and after the cool-down."""

from decimal import Decimal
from threading import Barrier

from tests.server.test_limits_hold import Servers, together
from tests.server.test_rest_reservations import called, make
from tests.support.following import BUDGET_EVENTS, Following
from tests.support.servers import Client, ServerProcess

THRESHOLDS = [{"at": 0.25}, {"at": 0.5, "hysteresis": 0.1}, {"at": 0.9}]
REFUND = "mutation($input: AdjustUsageInput!) { adjustUsage(input: $input) { duplicate } }"


def spend(client: Client, name: str, operation: str, cost: str) -> None:
    row = called(name, operation, budget_id=name, provider_cost=cost, timestamp=None)
    assert client.post("/v1/usage", json=row).status_code == 201


def events_of(following: Following, name: str, count: int) -> list[tuple[str, float]]:
    told: list[tuple[str, float]] = []
    while len(told) < count:
        event = following.next()
        if event["budgetId"] == name:
            told.append((event["type"], event["threshold"]))
    return told


def test_each_threshold_is_told_once_whichever_servers_are_charged(servers: Servers, name: str) -> None:
    with servers[0].client() as client:
        make(client, name, amount="1", thresholds=THRESHOLDS)
    ready = Barrier(20)

    def work(client: Client, number: int) -> None:
        ready.wait(60)
        for round_ in range(6):
            spend(client, name, f"{name}-{number}-{round_}", "0.01")

    with Following(servers[-1].url, servers[-1].admin_key) as following:
        following.subscribe(BUDGET_EVENTS)
        following.settle()
        together(servers, work, 20)
        told = events_of(following, name, 5)
        with servers[0].client() as client:
            spend(client, name, f"{name}-more", "1")
            make(client, f"{name}-after", amount="0.01")
            spend(client, f"{name}-after", f"{name}-last", "0.01")
        # Whatever else was told of it would come before this.
        assert following.next()["budgetId"] == f"{name}-after"
    assert told == [
        ("BUDGET_WARNING", 0.25),
        ("BUDGET_WARNING", 0.5),
        ("BUDGET_WARNING", 0.8),
        ("BUDGET_WARNING", 0.9),
        ("BUDGET_EXCEEDED", 1.0),
    ]


def test_what_is_left_is_told_and_what_cools_down_is_told_later(
    client: Client, server: ServerProcess, name: str
) -> None:
    make(client, name, amount="1", thresholds=THRESHOLDS, coolDownSeconds=2)
    shown = client.data(
        "query($id: ID!) { budget(budgetId: $id) { thresholds { at hysteresis } coolDownSeconds } }", id=name
    )["budget"]
    assert (shown["thresholds"][1], shown["coolDownSeconds"]) == ({"at": 0.5, "hysteresis": 0.1}, 2)
    with Following(server.url, server.admin_key) as following:
        following.subscribe(BUDGET_EVENTS)
        following.settle()
        spend(client, name, name, "0.6")
        assert events_of(following, name, 2) == [("BUDGET_WARNING", 0.25), ("BUDGET_WARNING", 0.5)]
        said = {"idempotencyKey": name, "operationId": name, "kind": "REFUND", "change": "-0.3"}
        client.data(REFUND, input=said)
        # Within the cool-down; the sweeper tells it afterwards, without another charge.
        assert events_of(following, name, 1) == [("BUDGET_RECOVERED", 0.5)]
    status = client.get(f"/v1/budgets/{name}/status").json()
    assert Decimal(status["spent"]) == Decimal("0.3")
