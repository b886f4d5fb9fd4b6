"""What is said about prices, in the graph: every version kept, read anew in every process."""

from decimal import Decimal
from typing import Any, LiteralString

import pytest

from graph.database import Database
from graph.ledger import GraphLedgerStore
from graph.prices import PriceBooks
from ledger.explain import explain_entry
from ledger.price_commands import PutExchangeRates, PutPriceFile, WithdrawRateCard
from ledger.results import RatesTaken
from pricing.calendar import HOUR_US
from pricing.cards import Hours, RateLine
from pricing.currency import ExchangeRate
from pricing.modes import Mode
from pricing.prices import PriceFile, Revision
from pricing.steps import Basis, Semantics
from tests.support.desk import us
from tests.support.shop import LISTS, Shop, day_of, price

BIG = b'{"a-model": {"litellm_provider": "a-vendor", "input_cost_per_token": 3e-06}, "filler": "%s"}'


@pytest.fixture
def shop(database: Database, tenant: str) -> Shop:
    shop = Shop(GraphLedgerStore(database), tenant)
    shop.create("acme")
    return shop


@pytest.fixture
def books(database: Database) -> PriceBooks:
    return PriceBooks(database, LISTS)


def text(database: Database, query: LiteralString, **params: Any) -> list[dict[str, Any]]:
    return database.reading(lambda transaction: transaction.run_text(query, params))


def test_a_card_is_read_as_it_was_written(shop: Shop, books: PriceBooks) -> None:
    lines = (
        price(
            "uncached",
            "1.25",
            steps=((200_000, Decimal("2.5")),),
            semantics=Semantics.CLIFF,
            basis=Basis.PROMPT,
        ),
        RateLine("*", discount_ppm=123_456),
        RateLine("completion", Decimal("0.000001"), steps=((10, Decimal(3)), (20, Decimal("2.125")))),
    )
    said = shop.say(
        "every/thing#1",
        *lines,
        budget_id="acme",
        reason="a reason",
        provider="openai",
        model="gpt-*",
        currency="USDC",
        mode=Mode.BATCH,
        valid_from_us=us("2026-01-01T00:00"),
        valid_to_us=us("2027-01-01T00:00"),
        hours=Hours(22 * HOUR_US, 6 * HOUR_US),
        fee_ppm=25_000,
        may_raise=True,
        max_input_tokens=128_000,
        max_output_tokens=4_096,
    )
    assert isinstance(said, Revision)
    assert list(books.get(shop.tenant).newest()) == [said]
    bare = shop.say("bare", price("uncached", "1"), mode=None)
    assert list(books.get(shop.tenant).newest()) == [bare, said]


def test_no_version_is_overwritten_and_each_leads_to_the_one_before(
    shop: Shop, books: PriceBooks, database: Database
) -> None:
    first = shop.say("deal", price("uncached", "1"), budget_id="acme")
    second = shop.say("deal", price("uncached", "2"), budget_id="acme", revise=True)
    third = shop.one(WithdrawRateCard(shop.tenant, None, "k", "deal"), Revision)
    assert list(books.get(shop.tenant).revisions("deal")) == [first, second, third]
    found = text(
        database,
        "MATCH (c:RateCard)-[:AGREED_FOR]->(b:Budget) WHERE b.uid = $uid "
        "OPTIONAL MATCH (c)-[:REVISES]->(p:RateCard) "
        "RETURN c.revision AS number, p.revision AS before ORDER BY number",
        uid=shop.uid("acme"),
    )
    assert found == [
        {"number": 1, "before": None},
        {"number": 2, "before": 1},
        {"number": 3, "before": 2},
    ]


def test_readers_and_other_ledgers_see_a_change_with_their_next_look(
    shop: Shop, books: PriceBooks, database: Database
) -> None:
    beside = Shop(GraphLedgerStore(database), shop.tenant)
    assert beside.spend("a").total_cost_nano == 25 * 10**8
    assert books.get(shop.tenant).plain
    shop.say("deal", price("uncached", "1"))
    assert beside.spend("b").total_cost_nano == 10**9
    assert not books.get(shop.tenant).plain
    before = books.get(shop.tenant)
    beside.say("deal", price("uncached", "2"), revise=True)
    assert shop.spend("c").total_cost_nano == 2 * 10**9
    assert len(before.revisions("deal")) == 1, "what was handed out never changes"
    assert len(books.get(shop.tenant).revisions("deal")) == 2


def test_rates_and_files_are_read_as_they_were_written(shop: Shop, books: PriceBooks) -> None:
    rates = tuple(
        ExchangeRate(base, quote, Decimal(rate), day_of(day), source)
        for base, quote, rate, day, source in (
            ("EUR", "USD", "1.0823", "2026-11-20", "ecb"),
            ("EUR", "JPY", "163.25", "2026-11-20", "ecb"),
            ("USDC", "USD", "0.9999", "2026-11-20", "manual"),
            ("EUR", "USD", "1.0900", "2026-11-21", "ecb"),
        )
    )
    assert shop.one(PutExchangeRates(shop.tenant, None, "k", rates), RatesTaken).new == 4
    content = BIG % (b"x" * 200_000 + bytes(range(97, 123)) * 3_000)
    file = shop.one(PutPriceFile(shop.tenant, None, "k", content, "v1"), PriceFile)
    fresh = books.get(shop.tenant)
    given = [rate for each in fresh.given_rates for rate in each.rates]
    assert sorted(given, key=str) == sorted(rates, key=str)
    assert list(fresh.files) == [file]
    again = Shop(shop.store, shop.tenant)
    assert again.one(PutExchangeRates(shop.tenant, None, "k", rates), RatesTaken).known == 4
    entry = again.spend("op", model_id="a-model", provider="a-vendor")
    assert (entry.total_cost_nano, entry.price_source) == (3 * 10**9, "litellm")


def test_rates_of_one_day_and_source_that_come_at_one_instant_are_all_kept(
    shop: Shop, database: Database, books: PriceBooks
) -> None:
    day = day_of("2026-11-20")
    said = [("USD", "1.1"), ("USD", "1.2"), ("JPY", "160"), ("USD", "1.1")]
    rates = [ExchangeRate("EUR", quote, Decimal(rate), day, "ecb") for quote, rate in said]
    answers = shop.do(*(PutExchangeRates(shop.tenant, None, "k", (rate,)) for rate in rates))
    assert answers == [RatesTaken(1, 0)] * 4
    (last,) = shop.do(PutExchangeRates(shop.tenant, None, "k", (rates[1],)))
    assert last == RatesTaken(1, 0)
    for prices in (books.get(shop.tenant), PriceBooks(database, LISTS).get(shop.tenant)):
        assert [given.rates[0] for given in prices.given_rates] == [*rates, rates[1]]
        assert prices.rates.find("EUR", "USD", us("2026-11-20T12:00:00")).rate == Decimal("1.2")
        assert prices.rates.find("EUR", "JPY", us("2026-11-20T12:00:00")).rate == 160


def test_what_a_month_used_is_kept(shop: Shop) -> None:
    shop.say("deal", price("uncached", "2", steps=((1_500_000, Decimal(1)),), basis=Basis.MONTH))
    costs = [Shop(shop.store, shop.tenant).spend(f"op{n}").total_cost_nano for n in range(3)]
    assert costs == [2 * 10**9, 15 * 10**8, 10**9]


def test_an_entry_is_explained_by_the_prices_that_were_known_when_it_was_written(
    shop: Shop, books: PriceBooks
) -> None:
    shop.say("deal", price("uncached", "1"), budget_id="acme")
    entry = shop.spend("op", budget_id="acme", mode="standard")
    shop.now_us += HOUR_US
    shop.say("deal", price("uncached", "2"), budget_id="acme", revise=True)
    later = shop.spend("later", budget_id="acme")
    priced = books.priced([entry.uid, later.uid])
    prices = books.get(shop.tenant)
    for each, rate in ((entry, "1"), (later, "2")):
        told = explain_entry(prices, each, priced[each.uid])
        assert told.exact, told.lines
        assert told.lines[0].startswith(f"prompt: 1000000 uncached at {rate} USD per 1,000,000 (list 2.5)")
        assert "[contract deal" in told.lines[0]


def test_every_count_and_the_mode_are_kept_on_the_usage(shop: Shop, books: PriceBooks) -> None:
    counts = {
        "prompt_tokens": 1_000, "completion_tokens": 900, "cache_read_tokens": 10, "cache_write_tokens": 8,
        "cache_write_1h_tokens": 3, "reasoning_tokens": 7, "audio_input_tokens": 20,
        "audio_output_tokens": 21, "audio_cache_read_tokens": 2, "image_input_tokens": 30,
        "image_output_tokens": 31, "video_input_tokens": 40, "video_output_tokens": 41, "web_searches": 1,
        "pages": 2, "milliseconds": 3, "characters": 4, "requests": 5,
    }  # fmt: skip
    command = shop.usage("op", 7, mode="batches", **counts)
    entry = shop.one(command, object).cost_entry  # pyright: ignore[reportAttributeAccessIssue]
    found = books.priced([entry.uid])[entry.uid].request
    assert (found.counts, found.mode) == (command.usage.counts, Mode.BATCH)
    assert found.counts.billed() == counts
