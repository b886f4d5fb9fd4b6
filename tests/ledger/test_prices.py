"""Prices that an organisation says itself, decided by the ledger: who pays decides what it costs."""

from decimal import Decimal

import pytest

from ledger.commands import Reserve
from ledger.errors import Conflict, Forbidden, InvalidInput, LedgerError, NotFound
from ledger.model import Pricing
from ledger.price_commands import PutExchangeRates, PutPriceFile, WithdrawRateCard
from ledger.results import RatesTaken, RecordedUsage, Reservation
from pricing.bounds import Bounds, load_models
from pricing.cards import RateLine
from pricing.catalogue import load_catalogue
from pricing.currency import ExchangeRate
from pricing.prices import CONTRACT, OVERRIDE, PriceFile, Revision
from pricing.quote import Pricer
from pricing.steps import Basis
from tests.support.desk import NOW_US, us
from tests.support.shop import LISTS, TOKENS, Shop, day_of, price
from tests.support.simulated_store import SimulatedStore

LITELLM = b'{"a-model": {"litellm_provider": "a-vendor", "input_cost_per_token": 3e-06}}'


@pytest.fixture
def shop() -> Shop:
    shop = Shop(SimulatedStore())
    shop.create("acme")
    shop.create("web", "acme")
    shop.create("other")
    return shop


def test_a_contract_prices_its_budget_and_below_and_nobody_else(shop: Shop) -> None:
    answer = shop.say("deal", price("uncached", "1"), budget_id="acme")
    assert isinstance(answer, Revision)
    assert (answer.card.source, answer.card.author, answer.card.recorded_at_us) == (CONTRACT, "a-key", NOW_US)
    for number, (budget, nano, source) in enumerate(
        (("acme", 10**9, "contract"), ("web", 10**9, "contract"), ("other", 25 * 10**8, "catalogue"))
    ):
        entry = shop.spend(f"op{number}", budget_id=budget)
        assert (entry.total_cost_nano, entry.price_source) == (nano, source)
    contracted = shop.spend("again", budget_id="web")
    assert (contracted.price_card, contracted.list_cost_nano) == ("deal", 25 * 10**8)


def test_the_nearer_contract_wins_and_overrides_come_after_contracts(shop: Shop) -> None:
    shop.say("ours", price("uncached", "2"))
    shop.say("far", price("uncached", "1.5"), budget_id="acme")
    shop.say("near", price("uncached", "1"), budget_id="web")
    costs = [shop.spend(budget, budget_id=budget).total_cost_nano for budget in ("other", "acme", "web")]
    assert costs == [2 * 10**9, 15 * 10**8, 10**9]
    assert shop.spend("o", budget_id="other").price_source == OVERRIDE


def test_a_card_is_never_overwritten_and_holds_from_the_next_batch_on(shop: Shop) -> None:
    first = shop.say("deal", price("uncached", "1"), reason="agreed")
    assert shop.spend("a").total_cost_nano == 10**9
    assert shop.say("deal", price("uncached", "1"), reason="agreed") == first
    assert isinstance(shop.say("deal", price("uncached", "2")), Conflict)
    second = shop.say("deal", price("uncached", "2"), revise=True, reason="corrected")
    assert (first.number, second.number, second.card.version) == (1, 2, "2")
    assert shop.spend("b").total_cost_nano == 2 * 10**9
    ended = shop.one(WithdrawRateCard(shop.tenant, None, "b-key", "deal", "over"), Revision)
    assert (ended.number, ended.withdrawn, ended.card.author) == (3, True, "b-key")
    assert shop.one(WithdrawRateCard(shop.tenant, None, "c-key", "deal"), Revision) == ended
    assert shop.spend("c").price_source == "catalogue"
    versions = shop.states[shop.tenant].prices.revisions("deal")
    assert [(each.number, each.reason) for each in versions] == [(1, "agreed"), (2, "corrected"), (3, "over")]


def test_another_process_prices_by_the_card_in_its_next_batch(shop: Shop) -> None:
    beside = Shop(shop.store)
    assert beside.spend("a").total_cost_nano == 25 * 10**8
    shop.say("deal", price("uncached", "1"))
    assert beside.spend("b").total_cost_nano == 10**9
    beside.say("deal", price("uncached", "2"), revise=True)
    assert shop.spend("c").total_cost_nano == 2 * 10**9


def test_a_card_is_valid_in_its_time_only(shop: Shop) -> None:
    shop.say(
        "deal",
        price("uncached", "1"),
        valid_from_us=us("2026-11-20T00:00"),
        valid_to_us=us("2026-11-21T00:00"),
    )
    costs = [
        shop.spend(at, timestamp=f"2026-11-{at}Z").total_cost_nano
        for at in ("19T23:59:59", "20T00:00:00", "20T23:59:59", "21T00:00:00")
    ]
    assert costs == [25 * 10**8, 10**9, 10**9, 25 * 10**8]


def test_what_cannot_be_said_changes_nothing(shop: Shop) -> None:
    shop.scope = "acme"
    with pytest.raises(Forbidden):
        shop.say("deal", price("uncached", "1"), budget_id="acme")
    shop.scope = None
    assert isinstance(shop.say("deal", price("uncached", "1"), budget_id="nowhere"), NotFound)
    assert isinstance(shop.say("deal", price("uncached", "1"), revise=True), NotFound)
    assert isinstance(shop.do(WithdrawRateCard(shop.tenant, None, "k", "deal"))[0], NotFound)
    with pytest.raises(InvalidInput):
        PutPriceFile(shop.tenant, None, "k", b"no JSON")
    assert shop.states[shop.tenant].prices.plain
    assert shop.spend("a").price_source == "catalogue"


def test_a_mode_has_its_own_price_and_an_unpriced_one_is_not_standard(shop: Shop) -> None:
    assert shop.spend("batch", mode="batch").total_cost_nano == 125 * 10**7
    assert shop.recorded("flex", mode="flex").pricing is Pricing.UNPRICED
    shop.say("deal", price("uncached", "9"), mode=None, may_raise=True)
    assert shop.spend("flex2", mode="flex").total_cost_nano == 9 * 10**9


def test_usage_in_another_currency_is_converted_at_the_rate_of_its_day_which_it_keeps(shop: Shop) -> None:
    shop.create("europe", currency="EUR")
    assert shop.recorded("before", budget_id="europe").pricing is Pricing.UNPRICED
    rates = tuple(
        ExchangeRate("EUR", "USD", Decimal(rate), day)
        for rate, day in (("1.25", day_of("2026-11-20")), ("2", day_of("2026-11-22")))
    )
    taken = shop.one(PutExchangeRates(shop.tenant, None, "k", rates), RatesTaken)
    assert taken == RatesTaken(2, 0)
    assert shop.one(PutExchangeRates(shop.tenant, None, "k", rates), RatesTaken) == RatesTaken(0, 2)
    entry = shop.spend("friday", budget_id="europe", timestamp="2026-11-21T12:00:00Z")
    assert (entry.total_cost_nano, entry.currency) == (2 * 10**9, "EUR")
    assert (entry.fx_from, entry.fx_rate, entry.fx_date, entry.fx_source) == (
        "USD", "0.8", "2026-11-20", "manual",
    )  # fmt: skip
    assert shop.spend("sunday", budget_id="europe").total_cost_nano == 125 * 10**7
    old = shop.recorded("old", budget_id="europe", timestamp="2026-10-01T12:00:00Z")
    assert (old.pricing, [each.code for each in old.warnings]) == (Pricing.UNPRICED, ["UNPRICED"])


def test_the_provider_s_own_figure_wins_over_a_contract_and_is_converted_too(shop: Shop) -> None:
    shop.say("deal", price("uncached", "1"))
    shop.create("europe", currency="EUR")
    rate = ExchangeRate("EUR", "USD", Decimal(2), day_of("2026-11-22"))
    shop.do(PutExchangeRates(shop.tenant, None, "k", (rate,)))
    entry = shop.spend("a", budget_id="europe", provider_cost="7")
    assert (entry.total_cost_nano, entry.price_source, entry.fx_rate) == (
        35 * 10**8,
        "provider_reported",
        "0.5",
    )


def test_an_imported_file_prices_what_no_list_knows(shop: Shop) -> None:
    said = {"model_id": "a-model", "provider": "a-vendor"}
    assert shop.recorded("before", **said).pricing is Pricing.UNPRICED
    file = shop.one(PutPriceFile(shop.tenant, None, "k", LITELLM, "v1"), PriceFile)
    assert shop.one(PutPriceFile(shop.tenant, None, "k", LITELLM, "v1"), PriceFile) == file
    entry = shop.spend("after", **said)
    assert (entry.total_cost_nano, entry.price_source) == (3 * 10**9, "litellm")
    assert (entry.catalogue_version, entry.catalogue_hash) == ("v1", file.content_hash)
    assert shop.spend("listed").price_source == "catalogue"


def test_a_price_by_the_month_s_use_is_the_same_however_the_month_is_split(shop: Shop) -> None:
    steps = ((1_500_000, Decimal(1)),)
    shop.say("deal", price("uncached", "2", steps=steps, basis=Basis.MONTH), budget_id="acme")
    costs = [shop.spend(f"op{n}", budget_id="web").total_cost_nano for n in range(3)]
    assert costs == [2 * 10**9, 15 * 10**8, 10**9]
    assert (
        shop.spend("december", budget_id="web", timestamp="2026-10-05T00:00:00Z").total_cost_nano == 2 * 10**9
    )
    assert shop.spend("elsewhere", budget_id="other").price_source == "catalogue"


def test_a_reservation_holds_what_the_contract_says(shop: Shop) -> None:
    bounds = Bounds(Pricer(LISTS), load_models(), load_catalogue())
    bound = bounds.bound(
        at_us=NOW_US,
        provider="openai",
        model_id="gpt-4o",
        prompt_tokens=1_000_000,
        max_completion_tokens=0,
    )
    shop.say("deal", price("uncached", "1"), budget_id="acme")
    for key, (budget, nano) in enumerate((("web", 10**9), ("other", 25 * 10**8))):
        command = Reserve(
            shop.tenant, None, f"k{key}", "agent", budget, "openai", "gpt-4o", 1_000_000, 0, bound=bound
        )
        assert shop.one(command, Reservation).amount_nano == nano


def test_a_sum_past_64_bits_is_refused_and_leaves_no_trace(shop: Shop) -> None:
    shop.say("deal", RateLine("uncached", Decimal(10**9)), may_raise=True)
    command = shop.usage("huge", 0, **{**TOKENS, "prompt_tokens": 10**12})
    (answer,) = shop.do(command)
    assert not isinstance(answer, RecordedUsage | LedgerError)
    assert shop.say("deal", price("uncached", "1"), revise=True).number == 2
    assert shop.spend("huge").total_cost_nano == 10**9
