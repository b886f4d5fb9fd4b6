"""What recorded usage would have cost on other models, through GraphQL."""

from decimal import Decimal
from typing import Any

import pytest

from tests.resolvers.test_price import put
from tests.support.services import Caller, budget, record, usage

COMPARE = """
query($input: CompareModelsInput!) {
  compareModels(input: $input) {
    looked leftOut through
    models {
      provider modelId operations unpriced totalCost charged savings savingsPercent tokens
      costPerMillionTokens
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
MODELS = [
    {"provider": "openai", "modelId": "gpt-4o-mini"},
    {"provider": "nobody", "modelId": "nothing"},
    {"provider": "openai", "modelId": "gpt-4"},
]
SPAN = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}


def compare(caller: Caller, **said: Any) -> Any:
    return caller.get(COMPARE, input={"models": MODELS, **SPAN, **said})["compareModels"]


@pytest.fixture
def world(admin: Caller) -> Caller:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    budget(admin, "europe", currency="EUR")
    for number in range(3):
        record(admin, usage(f"op{number}", budgetId="web", timestamp=f"2026-11-0{number + 1}T12:00:00Z"))
    at = "2026-11-05T12:00:00Z"
    record(
        admin,
        usage("early", budgetId="web", timestamp="2026-10-31T23:59:59Z"),
        usage("euro", budgetId="europe", timestamp=at, providerCost="1", providerCostCurrency="EUR"),
        usage("waits", budgetId="acme", timestamp=at, modelId="unknown", provider="nobody"),
        usage("root", budgetId="acme", timestamp=at),
    )
    return admin


def test_the_same_operations_are_priced_on_each_model(world: Caller) -> None:
    page = compare(world)
    assert (page["looked"], page["leftOut"], page["through"]) == (6, 2, "2026-11-01T12:00:00Z")
    mini, nothing, large = page["models"]
    assert mini == {
        "provider": "openai",
        "modelId": "gpt-4o-mini",
        "operations": 4,
        "unpriced": 0,
        "totalCost": "0.00084",
        "charged": "0.014",
        "savings": "0.01316",
        "savingsPercent": "94",
        "tokens": 4400,
        "costPerMillionTokens": "0.190909091",
    }
    assert (nothing["operations"], nothing["unpriced"], nothing["totalCost"]) == (0, 4, "0")
    assert (nothing["savingsPercent"], nothing["costPerMillionTokens"]) == (None, None)
    assert (large["totalCost"], large["savings"], large["savingsPercent"]) == ("0.144", "-0.13", "-928.5714")


def test_what_was_charged_in_another_currency_counts_at_the_rate_of_its_day(world: Caller) -> None:
    rates = "mutation($csv: String!) { addExchangeRates(input: {ecbCsv: $csv}) { new } }"
    world.get(rates, csv="Date,USD\n2026-11-05,1.25\n2026-11-06,9\n")
    page = compare(world)
    assert (page["looked"], page["leftOut"]) == (6, 1)
    assert (page["models"][0]["operations"], page["models"][0]["charged"]) == (5, "1.264")


def test_pages_add_up_and_a_confined_key_sees_its_own(world: Caller) -> None:
    charged, after, looked = [], None, 0
    while True:
        page = compare(world, first=2, after=after)
        looked += page["looked"]
        charged.append(page["models"][0]["charged"])
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert looked == 6
    assert sum(map(Decimal, charged)) == Decimal("0.014")
    key = world.confined("web")
    assert compare(key)["looked"] == 3
    assert compare(world, budgetId="web")["looked"] == 3
    assert compare(world, modelId="gpt-4o", budgetId="acme")["looked"] == 4


def test_the_contract_of_whoever_paid_counts(world: Caller) -> None:
    put(world, "deal", {"unit": "*", "discountPercent": "50"}, model="gpt-4o-mini", budgetId="web")
    (mini, *_) = compare(world)["models"]
    assert mini["totalCost"] == "0.000525"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"models": []}, "models"),
        ({"models": [{"provider": "p", "modelId": f"m{n}"} for n in range(21)]}, "models"),
        ({"first": 0}, "first"),
        ({"to": "2026-11-01T00:00:00Z"}, "from"),
        ({"after": "nonsense"}, "after"),
    ],
)
def test_what_cannot_be_compared_is_refused(admin: Caller, said: dict[str, Any], field: str) -> None:
    answer = admin.ask(COMPARE, input={"models": MODELS, **SPAN, **said})
    assert (answer.code, answer.field) == ("INVALID", field)
