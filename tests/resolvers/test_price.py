"""Prices through GraphQL: cards, exchange rates, files, quotes and why an entry costs what it does."""

from typing import Any

import pytest

from ledger.access import Role
from tests.support.services import Caller, budget, record, usage

CARD = """
  cardId version budgetId provider model mode currency validFrom validTo hoursFrom hoursTo feePercent mayRaise
  withdrawn author recordedAt reason
  lines { unit price per discountPercent steps { above price } semantics basis }
"""
CREATE = f"mutation($input: RateCardInput!) {{ put: createRateCard(input: $input) {{ {CARD} }} }}"
UPDATE = f"mutation($input: RateCardInput!) {{ put: updateRateCard(input: $input) {{ {CARD} }} }}"
WITHDRAW = 'mutation($id: ID!) { withdrawRateCard(cardId: $id, reason: "over") { version withdrawn } }'
PAGE = f"""
query($cardId: ID, $budgetId: ID, $first: Int!, $after: String) {{
  rateCards(cardId: $cardId, budgetId: $budgetId, first: $first, after: $after) {{
    nodes {{ {CARD} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
RATES = "mutation($input: AddExchangeRatesInput!) { addExchangeRates(input: $input) { new known } }"
SHOWN_RATES = """
query($first: Int!, $after: String) {
  exchangeRates(first: $first, after: $after) {
    nodes { base quote rate date source author } pageInfo { hasNextPage endCursor }
  }
}
"""
QUOTE = """
query($input: QuoteInput!) {
  quote(input: $input) {
    pricing reason currency totalCost promptCost completionCost listCost mode priceSource priceCard fxRate
    explanation { lines exact terms { component unit quantity price per listPrice cost source card } }
  }
}
"""
EXPLAIN = """
query($id: ID!) {
  operation(operationId: $id) {
    mode webSearches costEntries { totalCost listCost fxFrom fxRate fxDate explanation { lines exact } }
  }
}
"""
ECB = "Date,USD,JPY,\n2026-11-20,1.25,160,\n2026-11-19,N/A,159,\n"


def card(card_id: str, *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    said = lines or ({"unit": "uncached", "price": "1", "per": 1_000_000},)
    return {"cardId": card_id, "model": "gpt-4o", "lines": list(said), **fields}


def put(caller: Caller, card_id: str, *lines: dict[str, Any], revise: bool = False, **fields: Any) -> Any:
    return caller.get(UPDATE if revise else CREATE, input=card(card_id, *lines, **fields))["put"]


def pages(caller: Caller, first: int = 50, **said: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = caller.get(PAGE, first=first, after=after, **said)["rateCards"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def test_a_card_is_shown_as_it_was_said_with_who_said_it(admin: Caller) -> None:
    budget(admin, "acme")
    lines = (
        {
            "unit": "uncached",
            "price": "1.25",
            "per": 1_000_000,
            "steps": [{"above": 200_000, "price": "2.5"}],
            "semantics": "CLIFF",
            "basis": "PROMPT",
        },
        {"unit": "completion", "discountPercent": "12.5"},
    )
    said = {
        "budgetId": "acme",
        "provider": "openai",
        "model": "gpt-4*",
        "mode": "batches",
        "validFrom": "2026-01-01T00:00:00Z",
        "validTo": "2027-01-01T00:00:00Z",
        "hoursFrom": "22:00",
        "hoursTo": "06:30",
        "feePercent": "2.5",
        "reason": "agreed in January",
    }
    shown = put(admin, "deal", *lines, revise=False, **said)
    assert shown.pop("recordedAt")
    assert shown == {
        **said,
        "cardId": "deal",
        "version": 1,
        "mode": "BATCH",
        "currency": "USD",
        "hoursFrom": "22:00:00",
        "hoursTo": "06:30:00",
        "mayRaise": False,
        "withdrawn": False,
        "author": "an-admin",
        "lines": [
            {**lines[0], "discountPercent": None},
            {
                "unit": "completion",
                "price": None,
                "per": 1,
                "discountPercent": "12.5",
                "steps": [],
                "semantics": "GRADUATED",
                "basis": "CALL",
            },
        ],
    }


def test_versions_are_kept_and_a_page_holds_each_card_once(admin: Caller) -> None:
    for name in ("a", "b/c", "d"):
        put(admin, name)
    put(admin, "d", {"unit": "uncached", "price": "2"}, revise=True)
    assert admin.get(WITHDRAW, id="d")["withdrawRateCard"] == {"version": 3, "withdrawn": True}
    assert [(each["cardId"], each["version"]) for each in pages(admin, 2)] == [("a", 1), ("b/c", 1), ("d", 3)]
    versions = pages(admin, 1, cardId="d")
    assert [(each["version"], each["lines"][0]["price"]) for each in versions] == [
        (3, "2"),
        (2, "2"),
        (1, "1"),
    ]
    assert pages(admin, cardId="nobody") == []


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"lines": []}, "INVALID", "lines"),
        ({"lines": [{"unit": "uncached"}]}, "INVALID", "lines"),
        ({"lines": [{"unit": "uncached", "price": "-1"}]}, "INVALID", "lines"),
        ({"lines": [{"unit": "uncached", "price": "dear"}]}, "INVALID", "lines"),
        ({"lines": [{"unit": "love", "price": "1"}]}, "INVALID", "lines"),
        ({"lines": [{"unit": "*", "discountPercent": "101"}]}, "INVALID", "lines"),
        ({"mode": "turbo"}, "INVALID", "mode"),
        ({"currency": "dollars"}, "INVALID", "currency"),
        ({"validFrom": "2026-01-01T00:00:00Z", "validTo": "2026-01-01T00:00:00Z"}, "INVALID", "validTo"),
        ({"hoursFrom": "22:00"}, "INVALID", "hoursFrom"),
        ({"hoursFrom": "22:00", "hoursTo": "noon"}, "INVALID", "hoursTo"),
        ({"budgetId": "nowhere"}, "NOT_FOUND", "budgetId"),
        ({"cardId": ""}, "INVALID", "cardId"),
        ({"maxInputTokens": 0}, "INVALID", "maxInputTokens"),
    ],
)
def test_a_card_that_cannot_be_is_refused(admin: Caller, said: dict[str, Any], code: str, field: str) -> None:
    answer = admin.ask(CREATE, input={**card("deal"), **said})
    assert (answer.code, answer.field) == (code, field), answer.errors
    assert pages(admin) == []


def test_the_same_again_is_the_same_and_other_content_is_a_conflict(admin: Caller) -> None:
    first = put(admin, "deal")
    assert put(admin, "deal") == first
    lines = [{"unit": "uncached", "price": "2"}]
    assert admin.ask(CREATE, input={**card("deal"), "lines": lines}).code == "CONFLICT"
    assert admin.ask(UPDATE, input=card("nobody")).code == "NOT_FOUND"
    assert admin.ask(WITHDRAW, id="nobody").code == "NOT_FOUND"


def test_a_confined_key_sets_no_prices_and_sees_the_contracts_of_its_subtree(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    for name, owner in (("ours", None), ("far", "acme"), ("near", "web")):
        put(admin, name, budgetId=owner)
    key = admin.confined("web", Role.ADMIN)
    assert [(each["cardId"], each["author"]) for each in pages(key)] == [("near", None)]
    assert pages(key, cardId="far") == pages(key, cardId="ours") == pages(key, budgetId="acme") == []
    assert [each["cardId"] for each in pages(admin, budgetId="acme")] == ["far"]
    assert key.ask(CREATE, input=card("own", budgetId="web")).code == "FORBIDDEN"
    assert key.ask(UPDATE, input=card("near", budgetId="web")).code == "FORBIDDEN"
    assert key.ask(WITHDRAW, id="near").code == "FORBIDDEN"
    assert key.ask(RATES, input={"ecbCsv": ECB}).code == "FORBIDDEN"


def test_rates_come_from_a_table_or_by_hand(admin: Caller) -> None:
    assert admin.get(RATES, input={"ecbCsv": ECB})["addExchangeRates"] == {"new": 3, "known": 0}
    assert admin.get(RATES, input={"ecbCsv": ECB})["addExchangeRates"] == {"new": 0, "known": 3}
    said = {"base": "USDC", "quote": "USD", "rate": "0.9998", "date": "2026-11-20"}
    admin.get(RATES, input={"rates": [said]})
    shown: list[Any] = []
    after, page = None, {}
    for _ in range(2):
        page = admin.get(SHOWN_RATES, first=2, after=after)["exchangeRates"]
        shown += page["nodes"]
        after = page["pageInfo"]["endCursor"]
    assert shown[0] == {**said, "source": "manual", "author": "an-admin"}
    assert sorted((each["quote"], each["rate"], each["date"]) for each in shown[1:]) == [
        ("JPY", "159", "2026-11-19"),
        ("JPY", "160", "2026-11-20"),
        ("USD", "1.25", "2026-11-20"),
    ]
    assert not page["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    "said",
    [
        {"ecbCsv": "no table"},
        {"ecbCsv": "Date,USD\n2026-11-20,0\n"},
        {"rates": [{"base": "EUR", "quote": "USD", "rate": "1", "date": "yesterday"}]},
        {"rates": [{"base": "EUR", "quote": "us", "rate": "1", "date": "2026-11-20"}]},
        {"rates": [{"base": "EUR", "quote": "USD", "rate": "-1", "date": "2026-11-20"}]},
    ],
)
def test_rates_that_cannot_be_are_refused(admin: Caller, said: dict[str, Any]) -> None:
    assert admin.ask(RATES, input=said).code == "INVALID"
    assert admin.get(SHOWN_RATES, first=5)["exchangeRates"]["nodes"] == []


def test_a_price_file_prices_what_no_list_knows(admin: Caller) -> None:
    content = '{"a-model": {"litellm_provider": "a-vendor", "input_cost_per_token": 3e-06}}'
    ask = (
        "mutation($input: ImportPriceFileInput!) { importPriceFile(input: $input) { number version author } }"
    )
    assert admin.ask(ask, input={"content": "[]"}).code == "INVALID"
    taken = admin.get(ask, input={"content": content, "version": "v1"})["importPriceFile"]
    assert taken == {"number": 1, "version": "v1", "author": "an-admin"}
    (found,) = record(admin, usage("op", modelId="a-model", provider="a-vendor"))
    assert found["pricing"] == "UNPRICED", "completion tokens have no price in that file"
    (found,) = record(admin, usage("op2", modelId="a-model", provider="a-vendor", completionTokens=0))
    assert found["costEntry"]["totalCost"] == "0.003"
    files = admin.get("{ priceFiles { number version kind contentHash } }")["priceFiles"]
    assert [(each["number"], each["version"], each["kind"]) for each in files] == [(1, "v1", "litellm")]


def test_a_quote_knows_who_would_pay_and_says_why(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "europe", currency="EUR")
    put(admin, "deal", budgetId="acme")
    admin.get(RATES, input={"ecbCsv": ECB})
    said = {
        "modelId": "gpt-4o",
        "provider": "openai",
        "promptTokens": 1_000_000,
        "at": "2026-11-20T12:00:00Z",
    }
    plain = admin.get(QUOTE, input=said)["quote"]
    assert (plain["totalCost"], plain["listCost"], plain["priceSource"]) == ("2.5", None, "catalogue")
    deal = admin.get(QUOTE, input={**said, "budgetId": "acme"})["quote"]
    assert (deal["totalCost"], deal["listCost"], deal["priceCard"]) == ("1", "2.5", "deal")
    (term,) = deal["explanation"]["terms"]
    assert term == {
        "component": "prompt",
        "unit": "uncached",
        "quantity": "1000000",
        "price": "1",
        "per": 1_000_000,
        "listPrice": "2.5",
        "cost": "1",
        "source": "contract",
        "card": "deal",
    }
    euros = admin.get(QUOTE, input={**said, "budgetId": "europe"})["quote"]
    assert (euros["totalCost"], euros["currency"], euros["fxRate"]) == ("2", "EUR", "0.8")
    yen = admin.get(QUOTE, input={**said, "currency": "JPY"})["quote"]
    assert (yen["totalCost"], yen["fxRate"]) == ("320", "128")
    late = admin.get(QUOTE, input={**said, "currency": "EUR", "at": "2026-11-01T00:00:00Z"})["quote"]
    assert (late["pricing"], late["reason"]) == ("UNPRICED", "NO_RATE")
    assert late["explanation"]["lines"][0] == "unpriced: NO_RATE"
    batch = admin.get(QUOTE, input={**said, "mode": "batch"})["quote"]
    assert (batch["totalCost"], batch["mode"]) == ("1.25", "BATCH")


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"promptTokens": -1}, "INVALID", "promptTokens"),
        ({"cacheReadTokens": 5}, "INVALID", "cacheReadTokens"),
        ({"mode": "turbo"}, "INVALID", "mode"),
        ({"at": "yesterday"}, "INVALID", "at"),
        ({"budgetId": "nowhere"}, "NOT_FOUND", "budgetId"),
        ({"currency": "money"}, "INVALID", "currency"),
    ],
)
def test_a_quote_of_what_cannot_be_is_refused(
    admin: Caller, said: dict[str, Any], code: str, field: str
) -> None:
    answer = admin.ask(QUOTE, input={"modelId": "gpt-4o", **said})
    assert (answer.code, answer.field) == (code, field), answer.errors


def test_every_unit_and_the_mode_are_recorded_and_shown(admin: Caller) -> None:
    (found,) = record(admin, usage("op", webSearches=2, mode="batches", completionTokens=0, pages=1))
    assert found["__typename"] == "RecordedUsage"
    shown = admin.get(EXPLAIN, id="op")["operation"]
    assert (shown["mode"], shown["webSearches"]) == ("BATCH", 2)
    for said, code, field in (
        ({"mode": "turbo"}, "INVALID", "mode"),
        ({"videoInputTokens": 2_000}, "INVALID", "videoInputTokens"),
        ({"pages": -1}, "INVALID", "pages"),
        ({"providerFamily": "openai_chat"}, "INVALID", "providerFamily"),
        ({"providerUsage": {"prompt_tokens": 1}}, "INVALID", "providerFamily"),
    ):
        (bad,) = record(admin, usage("bad", **said))
        assert (bad["__typename"], bad["code"], bad["field"]) == ("InvalidUsage", code, field)


def test_a_provider_s_own_object_is_read_and_its_impossible_counts_name_both_numbers(admin: Caller) -> None:
    said = usage("op", providerFamily="anthropic", modelId="claude-sonnet-4-5", provider="anthropic")
    del said["promptTokens"], said["completionTokens"]
    body = {
        "input_tokens": 100,
        "cache_read_input_tokens": 900,
        "output_tokens": 10,
        "service_tier": "standard",
    }
    (found,) = record(admin, {**said, "providerUsage": {"usage": body}})
    assert found["costEntry"]["promptCost"] == "0.00057"
    (again,) = record(admin, {**said, "providerUsage": body})
    assert again["duplicate"]
    plain = {"promptTokens": 1000, "cacheReadTokens": 900, "completionTokens": 10}
    counted = {name: value for name, value in said.items() if name != "providerFamily"}
    (same,) = record(admin, {**counted, **plain})
    assert same["duplicate"], "equal content, whoever counted"
    chat = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}}
    (bad,) = record(
        admin, {**said, "operationId": "x", "providerFamily": "openai_chat", "providerUsage": chat}
    )
    assert (bad["code"], bad["field"]) == ("INVALID", "providerUsage")
    assert "(9)" in bad["message"]
    assert "(5)" in bad["message"]
    (both,) = record(admin, {**said, "operationId": "y", "providerUsage": body, "promptTokens": 1})
    assert both["field"] == "promptTokens"


def test_an_entry_says_why(admin: Caller) -> None:
    budget(admin, "europe", currency="EUR")
    put(admin, "deal", budgetId="europe")
    admin.get(RATES, input={"ecbCsv": ECB})
    at = "2026-11-20T12:00:00Z"
    (found,) = record(admin, usage("op", budgetId="europe", timestamp=at, promptTokens=1_000_000))
    assert found["costEntry"]["totalCost"] == "0.8008"
    (entry,) = admin.get(EXPLAIN, id="op")["operation"]["costEntries"]
    assert (entry["listCost"], entry["fxFrom"], entry["fxRate"], entry["fxDate"]) == (
        "2.0008",
        "USD",
        "0.8",
        "2026-11-20",
    )
    assert entry["explanation"]["exact"]
    lines = entry["explanation"]["lines"]
    assert lines[0].startswith(
        "prompt: 1000000 uncached at 1 USD per 1,000,000 (list 2.5) = 1 [contract deal"
    )
    assert lines[1].startswith("completion: 100 completion at 10 USD per 1,000,000")
    assert any(line.startswith("at 0.8 EUR per USD of 2026-11-20 (ecb): 0.8008 EUR") for line in lines)
    record(admin, usage("free", outcome="ERROR", promptTokens=0, completionTokens=0))
    record(admin, usage("own", providerCost="0.5"))
    assert admin.get(EXPLAIN, id="own")["operation"]["costEntries"][0]["explanation"]["lines"] == [
        "0.5 USD as the provider reported it"
    ]
    assert admin.get(EXPLAIN, id="nobody")["operation"] is None
