"""Repricing through GraphQL: pages, differences by budget, on both engines."""

from typing import Any

import pytest

from ledger.access import Role
from tests.resolvers.test_price import put
from tests.support.services import Caller, budget, record, usage

REPRICE = """
mutation($input: RepriceInput!) {
  reprice(input: $input) {
    dryRun looked through counts { outcome operations }
    differences { budgetId currency operations before after change }
    pageInfo { hasNextPage endCursor }
  }
}
"""
SPAN = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
CHECK = "{ ledgerCheck { ok findings { invariant expected actual } } }"


def reprice(caller: Caller, **said: Any) -> Any:
    return caller.get(REPRICE, input={**SPAN, **said})["reprice"]


def pages(caller: Caller, **said: Any) -> list[Any]:
    found, after = [], None
    while True:
        found.append(reprice(caller, after=after, **said))
        if not found[-1]["pageInfo"]["hasNextPage"]:
            return found
        after = found[-1]["pageInfo"]["endCursor"]


@pytest.fixture
def world(admin: Caller) -> Caller:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    budget(admin, "other")
    for number in range(5):
        at = f"2026-11-0{number + 1}T12:00:00Z"
        record(admin, usage(f"op{number}", budgetId="web", timestamp=at, promptTokens=1_000_000))
    record(admin, usage("else", budgetId="other", timestamp="2026-11-03T12:00:00Z"))
    record(admin, usage("early", budgetId="web", timestamp="2026-10-31T23:59:59Z"))
    return admin


def spent(caller: Caller, budget_id: str) -> str:
    text = (
        f'{{ budget(budgetId: "{budget_id}") {{ status {{ spent }} rollup {{ total {{ totalCost }} }} }} }}'
    )
    shown = caller.get(text)["budget"]
    assert shown["status"]["spent"] == shown["rollup"]["total"]["totalCost"]
    return shown["status"]["spent"]


def test_pages_say_what_would_change_then_change_it_and_then_nothing_more(world: Caller) -> None:
    put(world, "deal", budgetId="acme")
    dry = pages(world, first=2)
    assert sum(page["looked"] for page in dry) == 6
    assert all(page["dryRun"] for page in dry)
    assert spent(world, "acme") == "12.5085"
    done = pages(world, first=2, dryRun=False, reason="agreed")
    assert [page["differences"] for page in done] == [page["differences"] for page in dry]
    assert done[0]["differences"] == [
        {
            "budgetId": name,
            "currency": "USD",
            "operations": 2,
            "before": "5.002",
            "after": "2.002",
            "change": "-3",
        }
        for name in ("acme", "web")
    ]
    assert (spent(world, "acme"), spent(world, "web"), spent(world, "other")) == (
        "5.0085",
        "5.0085",
        "0.0035",
    )
    again = pages(world, dryRun=False)
    assert again[0]["counts"] == [{"outcome": "SAME", "operations": 6}]
    assert again[0]["through"] == "2026-11-01T12:00:00Z"
    assert world.get(CHECK)["ledgerCheck"] == {"ok": True, "findings": []}


def test_there_and_back_restores_every_balance(world: Caller) -> None:
    before = [spent(world, name) for name in ("acme", "web", "other")]
    put(world, "deal", {"unit": "*", "discountPercent": "33.3333"})
    pages(world, dryRun=False)
    assert [spent(world, name) for name in ("acme", "web", "other")] != before
    world.get('mutation { withdrawRateCard(cardId: "deal") { version } }')
    pages(world, first=3, dryRun=False)
    assert [spent(world, name) for name in ("acme", "web", "other")] == before
    assert world.get(CHECK)["ledgerCheck"]["ok"]


def test_only_what_has_no_price_settles_when_its_price_arrives(world: Caller) -> None:
    waiting = {"modelId": "new-model", "provider": "nobody", "timestamp": "2026-11-04T00:00:00Z"}
    record(world, *(usage(f"new{number}", budgetId="web", **waiting) for number in range(3)))
    model = {"model": "new-model", "provider": "nobody"}
    lines = [{"unit": unit, "price": "1", "per": 1_000} for unit in ("uncached", "completion")]
    put(world, "list", *lines, revise=False, **model)
    first, second = pages(world, unpriced=True, first=2, dryRun=False)
    assert [page["counts"][0] for page in (first, second)] == [
        {"outcome": "SETTLED", "operations": 2},
        {"outcome": "SETTLED", "operations": 1},
    ]
    assert spent(world, "web") == "15.8085"
    assert [page["looked"] for page in pages(world, unpriced=True)] == [0]
    shown = world.get(
        '{ operation(operationId: "new0") { pricing costEntries { kind explanation { lines } } } }'
    )
    assert shown["operation"]["pricing"] == "PRICED"
    (entry,) = shown["operation"]["costEntries"]
    assert entry["kind"] == "USAGE"
    assert entry["explanation"]["lines"][0].startswith("prompt: 1000 uncached at 1000 USD per 1,000,000")
    assert world.get(CHECK)["ledgerCheck"] == {"ok": True, "findings": []}


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"first": 501}, "INVALID", "first"),
        ({"first": 0}, "INVALID", "first"),
        ({"from": "2026-12-01T00:00:00Z"}, "INVALID", "from"),
        ({"to": "whenever"}, "INVALID", "to"),
        ({"budgetId": "nowhere"}, "NOT_FOUND", "budgetId"),
        ({"after": "nonsense"}, "INVALID", "after"),
    ],
)
def test_what_cannot_be_asked_is_refused(admin: Caller, said: dict[str, Any], code: str, field: str) -> None:
    answer = admin.ask(REPRICE, input={**SPAN, **said})
    assert (answer.code, answer.field) == (code, field)


def test_a_confined_key_reprices_nothing(world: Caller) -> None:
    key = world.confined("web", Role.ADMIN)
    assert key.ask(REPRICE, input=SPAN).code == "FORBIDDEN"


def test_a_dry_run_under_a_supposed_card_says_the_difference_and_leaves_no_card(world: Caller) -> None:
    half = {"cardId": "what-if", "model": "gpt-4o", "lines": [{"unit": "*", "discountPercent": "50"}]}
    (page,) = pages(world, cards=[{**half, "budgetId": "acme"}])
    by_budget = {each["budgetId"]: (each["before"], each["after"]) for each in page["differences"]}
    assert by_budget == {"acme": ("12.505", "6.2525"), "web": ("12.505", "6.2525")}
    (page,) = pages(world, cards=[half])
    assert {each["budgetId"] for each in page["differences"]} == {"acme", "web", "other"}
    assert world.get("{ rateCards { nodes { cardId } } }")["rateCards"]["nodes"] == []
    assert spent(world, "acme") == "12.5085"


def test_a_supposed_version_of_a_card_stands_in_its_place(world: Caller) -> None:
    put(world, "deal", {"unit": "*", "discountPercent": "10"}, budgetId="acme")
    supposed = {"cardId": "deal", "budgetId": "acme", "model": "gpt-4o"}
    cards = [{**supposed, "lines": [{"unit": "*", "discountPercent": "20"}]}]
    (page,) = pages(world, cards=cards)
    assert [each["after"] for each in page["differences"]] == ["10.004", "10.004"]


def test_a_supposed_card_books_nothing_and_names_a_budget_that_is_there(world: Caller) -> None:
    card = {"cardId": "c", "model": "gpt-4o", "lines": [{"unit": "*", "discountPercent": "50"}]}
    refused = world.ask(REPRICE, input={**SPAN, "cards": [card], "dryRun": False})
    assert (refused.code, refused.field) == ("INVALID", "cards")
    unknown = world.ask(REPRICE, input={**SPAN, "cards": [{**card, "budgetId": "nowhere"}]})
    assert (unknown.code, unknown.field) == ("NOT_FOUND", "budgetId")
    many = world.ask(REPRICE, input={**SPAN, "cards": [card] * 51})
    assert (many.code, many.field) == ("INVALID", "cards")


def test_only_what_a_provider_billed_is_looked_at(world: Caller) -> None:
    at = "2026-11-05T13:00:00Z"
    record(world, usage("elsewhere", budgetId="web", provider="azure", timestamp=at))
    assert [page["looked"] for page in pages(world, provider="azure")] == [1]
    assert [page["looked"] for page in pages(world, provider="openai")] == [6]
    shown = world.get('{ usage(filter: {provider: "azure"}) { nodes { operationId } } }')
    assert [each["operationId"] for each in shown["usage"]["nodes"]] == ["elsewhere"]
