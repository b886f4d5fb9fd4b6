"""Price sources through GraphQL: set up, read, decided; by admins of the whole organisation alone."""

from collections.abc import Generator
from typing import Any

import pytest

from ledger.access import Role
from tests.support.outside import Outside, outside, saying
from tests.support.price_documents import MODEL, model, price_list
from tests.support.services import Caller, budget, record, usage

PUT = "mutation($input: PriceSourceInput!) { putPriceSource(input: $input) { sourceId dueAt jumpFactor } }"
REFRESH = """mutation { refreshPriceSource(sourceId: "acme") { failures waiting
  refreshes { outcome code message accepted held kept version etag } } }"""
SOURCES = "{ priceSources { sourceId kind location author everySeconds waiting refreshes { outcome } } }"
HELD = """query($after: String, $state: HeldPriceState! = HELD) {
  heldPrices(first: 1, after: $after, state: $state) {
    nodes { heldId model state decidedBy reason jumps { unit beforePerMillion afterPerMillion verdict } }
    pageInfo { hasNextPage endCursor } } }"""
APPROVE = "mutation($ids: [ID!]!) { approveHeldPrices(heldIds: $ids) { heldId state decidedBy } }"
REJECT = 'mutation($ids: [ID!]!) { rejectHeldPrices(heldIds: $ids, reason: "no") { state reason } }'
PATH = "/prices.json"


@pytest.fixture
def server() -> Generator[Outside]:
    with outside() as running:
        running.answers[PATH] = saying(price_list(model(), model(name="other")))
        yield running


def said(server: Outside, **fields: Any) -> dict[str, Any]:
    return {
        "sourceId": "acme",
        "kind": "PRICE_LIST",
        "location": server.url + PATH,
        "everySeconds": None,
        **fields,
    }


def refreshed(admin: Caller) -> dict[str, Any]:
    found: dict[str, Any] = admin.get(REFRESH)["refreshPriceSource"]
    return found


def test_a_source_is_set_up_and_read(admin: Caller, server: Outside) -> None:
    put = admin.get(PUT, input=said(server))["putPriceSource"]
    assert put == {"sourceId": "acme", "dueAt": None, "jumpFactor": "3"}
    first = refreshed(admin)
    assert first["refreshes"] == [
        {
            "outcome": "UPDATED",
            "code": None,
            "message": None,
            "accepted": 2,
            "held": 0,
            "kept": 0,
            "version": "v1",
            "etag": None,
        }
    ]
    (shown,) = admin.get(SOURCES)["priceSources"]
    assert shown == {
        "sourceId": "acme",
        "kind": "PRICE_LIST",
        "location": server.url + PATH,
        "author": "an-admin",
        "everySeconds": None,
        "waiting": 0,
        "refreshes": [{"outcome": "UPDATED"}],
    }
    server.answers[PATH] = saying(b"", "500 Oops")
    failed = refreshed(admin)
    assert (failed["failures"], failed["refreshes"][0]["code"]) == (1, "STATUS")
    said_cards = admin.get("{ rateCards { nodes { cardId author reason } } }")["rateCards"]["nodes"]
    assert {card["author"] for card in said_cards} == {"source:acme"}
    gone = 'mutation { removePriceSource(sourceId: "acme") { sourceId } }'
    admin.get(gone)
    assert admin.get(SOURCES)["priceSources"] == []
    assert admin.ask(gone).code == "NOT_FOUND"


def test_jumps_are_listed_approved_and_rejected(admin: Caller, server: Outside) -> None:
    admin.get(PUT, input=said(server, jumpFactor="1.5"))
    refreshed(admin)
    server.answers[PATH] = saying(price_list(model("200.5"), model("4", name="other")))
    assert refreshed(admin)["waiting"] == 2
    first = admin.get(HELD)["heldPrices"]
    second = admin.get(HELD, after=first["pageInfo"]["endCursor"])["heldPrices"]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second)] == [True, False]
    (large,), (other,) = first["nodes"], second["nodes"]
    assert (large["model"], other["model"]) == (f"acme/{MODEL}", "acme/other")
    jump = {"unit": "uncached", "beforePerMillion": "2", "afterPerMillion": "200.5", "verdict": "ROSE"}
    assert jump in large["jumps"]
    approved = admin.get(APPROVE, ids=[large["heldId"]])["approveHeldPrices"]
    assert approved == [{"heldId": large["heldId"], "state": "APPROVED", "decidedBy": "an-admin"}]
    rejected = admin.get(REJECT, ids=[other["heldId"]])["rejectHeldPrices"]
    assert rejected == [{"state": "REJECTED", "reason": "no"}]
    assert admin.get(HELD)["heldPrices"]["nodes"] == []
    assert admin.get(HELD, state="REJECTED")["heldPrices"]["nodes"][0]["heldId"] == other["heldId"]
    used = {"provider": "acme", "promptTokens": 1_000_000, "completionTokens": 0}
    results = record(admin, usage("a", modelId=MODEL, **used), usage("b", modelId="other", **used))
    assert [each["costEntry"]["totalCost"] for each in results] == ["200.5", "2"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"location": "https://10.0.0.1/"}, "location"),
        ({"location": "prices.json"}, "location"),
        ({"everySeconds": 1}, "everySeconds"),
        ({"timeoutSeconds": 600}, "timeoutSeconds"),
        ({"jumpFactor": "1"}, "jumpFactor"),
        ({"kind": "CATALOGUE", "location": "catalogue:"}, "provider"),
        ({"kind": "AWS_BEDROCK"}, "region"),
        ({"sourceId": "a/b"}, "sourceId"),
    ],
)
def test_what_cannot_be_set_up_names_the_field(
    admin: Caller, server: Outside, fields: dict[str, Any], field: str
) -> None:
    answer = admin.ask(PUT, input=said(server, **fields))
    assert (answer.code, answer.field) == ("INVALID", field)
    assert admin.get(SOURCES)["priceSources"] == []


def test_only_admins_of_the_whole_organisation_may(admin: Caller, server: Outside) -> None:
    budget(admin, "web")
    admin.get(PUT, input=said(server))
    confined = admin.confined("web")
    for text in (REFRESH, 'mutation { removePriceSource(sourceId: "acme") { sourceId } }'):
        assert confined.ask(text).code == "FORBIDDEN"
    for text in (APPROVE, REJECT):
        assert confined.ask(text, ids=["x"]).code == "FORBIDDEN"
    assert confined.ask(PUT, input=said(server)).code == "FORBIDDEN"
    assert confined.get(SOURCES)["priceSources"] == []
    assert confined.get(HELD)["heldPrices"]["nodes"] == []
    for role in Role:
        if role is not Role.ADMIN:
            for text in (SOURCES, HELD, REFRESH):
                assert admin.as_role(role).ask(text).code == "FORBIDDEN"
    assert not server.asked


def test_too_many_decisions_at_once_are_refused(admin: Caller) -> None:
    answer = admin.ask(APPROVE, ids=[f"{number:016d}" for number in range(501)])
    assert (answer.code, answer.field) == ("INVALID", "heldIds")
