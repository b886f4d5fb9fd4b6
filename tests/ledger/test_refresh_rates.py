"""What a source's table of exchange rates changes, decided without any I/O: taken, held, left alone."""

from decimal import Decimal

import pytest

from ledger.price_commands import PutExchangeRates
from pricing.currency import ExchangeRate
from pricing.review import Verdict
from pricing.sources import PriceSource, SourceKind
from tests.ledger.test_refresh import Market, figures
from tests.support.rate_tables import table
from tests.support.shop import day_of
from tests.support.simulated_store import SimulatedStore

BANK = PriceSource("bank", SourceKind.ECB, "https://rates.example/eurofxref.zip")
FRIDAY = table("2026-11-20, 1.25, 160")


@pytest.fixture
def market() -> Market:
    return Market(SimulatedStore(), BANK)


def known(market: Market, quote: str = "USD") -> dict[int, Decimal]:
    return {rate.day: rate.rate for rate in market.prices.rates.given("EUR", quote)}


def test_rates_are_taken_under_the_name_of_their_source(market: Market) -> None:
    assert figures(market.take(FRIDAY)) == (1, 2, 0, 0)
    (given,) = market.prices.given_rates
    assert given.author == "source:bank"
    assert {(rate.quote, rate.rate, rate.source) for rate in given.rates} == {
        ("USD", Decimal("1.25"), "bank"),
        ("JPY", Decimal(160), "bank"),
    }
    market.create("euros", currency="EUR")
    entry = market.spend("op", budget_id="euros", timestamp="2026-11-20T12:00:00Z")
    assert (entry.total_cost_nano, entry.fx_source, entry.fx_date) == (2 * 10**9, "bank", "2026-11-20")


def test_the_same_again_changes_nothing_and_a_new_day_adds_to_it(market: Market) -> None:
    market.take(FRIDAY)
    assert figures(market.plan(FRIDAY)) == (0, 0, 0, 0)
    assert figures(market.take(table("2026-11-23, 1.3, 161", "2026-11-20, 1.25, 160"))) == (1, 2, 0, 0)
    assert known(market) == {
        day_of("2026-11-20"): Decimal("1.25"),
        day_of("2026-11-23"): Decimal("1.3"),
    }


@pytest.mark.parametrize(
    ("day", "rate", "verdict"),
    [
        ("2026-11-23", "3.7501", Verdict.ROSE),
        ("2026-11-23", "0.4166", Verdict.FELL),
        ("2026-11-20", "125", Verdict.ROSE),
        ("2026-11-19", "125", Verdict.ROSE),
    ],
    ids=["rose", "fell", "corrected", "backdated"],
)
def test_a_rate_that_jumps_waits_alone(market: Market, day: str, rate: str, verdict: Verdict) -> None:
    market.take(FRIDAY)
    plan = market.take(table(f"{day}, {rate}, 170"))
    assert figures(plan) == (1, 1, 1, 1)
    (jump,) = plan.held[0].jumps
    assert (jump.key, jump.unit, jump.verdict) == (f"EUR/USD {day}", "EUR", verdict)
    assert known(market) == {day_of("2026-11-20"): Decimal("1.25")}
    assert day_of(day) in known(market, "JPY")
    market.approve(plan)
    assert known(market)[day_of(day)] == Decimal(rate)
    assert figures(market.plan(table(f"{day}, {rate}, 170"))) == (0, 0, 0, 0)


def test_the_day_after_a_jump_is_compared_with_the_last_good_one(market: Market) -> None:
    market.take(FRIDAY)
    plan = market.plan(table("2026-11-24, 1.3, 161", "2026-11-23, 130, 161"))
    assert figures(plan) == (1, 3, 1, 1)
    assert [each.offered.key for each in plan.held] == ["EUR/USD 2026-11-23"]
    rejected = frozenset({plan.held[0].offered.fingerprint})
    assert figures(market.plan(table("2026-11-23, 130, 161"), rejected)) == (1, 1, 0, 1)


def test_a_table_is_compared_with_itself_where_nothing_is_known(market: Market) -> None:
    plan = market.plan(table("2026-11-20, 125, 160", "2026-11-19, 1.25, 160"))
    assert [each.offered.key for each in plan.held] == ["EUR/USD 2026-11-20"]


def test_what_people_gave_for_a_day_is_not_replaced(market: Market) -> None:
    ours = ExchangeRate("EUR", "USD", Decimal("1.2"), day_of("2026-11-20"))
    market.do(PutExchangeRates(market.tenant, None, "a-key", (ours,)))
    assert figures(market.take(FRIDAY)) == (1, 1, 0, 0)
    assert known(market) == {day_of("2026-11-20"): Decimal("1.2")}
    assert figures(market.take(table("2026-11-23, 1.3, 161"))) == (1, 2, 0, 0)
    assert known(market)[day_of("2026-11-23")] == Decimal("1.3")
