"""Usage whose price arrives later settles by itself, on both engines: after a card, at a start, once."""

import contextlib
from collections.abc import Generator
from decimal import Decimal
from threading import Event

import pytest

from graph.check import Check
from graph.database import Database
from graph.ledger import GraphLedgerStore, Trees
from graph.prices import PriceBooks
from graph.reservations import Reservations
from graph.usage import UsagePages
from ledger.changes import Changes
from ledger.commands import Reserve, Settle
from ledger.committer import Committer
from ledger.model import Pricing
from ledger.price_commands import PutExchangeRates, PutRateCard
from ledger.results import Reservation, Settled
from pricing.currency import ExchangeRate
from server.late_prices import LatePrices
from server.workers import late_prices_worker
from tests.support.desk import UNPRICED
from tests.support.servers import eventually
from tests.support.shop import LISTS, Shop, day_of, price

NEW = {"model_id": "new-model", "provider": "nobody"}


class Process:
    """A server process, as far as it commits and settles late prices."""

    def __init__(self, database: Database) -> None:
        self.settled: list[int] = []
        self.committer = Committer(GraphLedgerStore(database), lists=LISTS, observer=self)
        self.late_prices = LatePrices(
            self.committer,
            UsagePages(database),
            PriceBooks(database, LISTS),
            Trees(database),
            Reservations(database).tenants,
            self.settled.append,
        )
        self.worker = late_prices_worker(self.late_prices)

    def committed(self, changes: Changes, commands: int, seconds: float, waiting: int) -> None:  # noqa: ARG002
        self.late_prices.committed(changes)

    def retried(self, reason: str) -> None:
        pass


@contextlib.contextmanager
def running(database: Database, *, working: bool = True) -> Generator[Process]:
    process = Process(database)
    process.committer.start()
    if working:
        process.worker.start()
    try:
        yield process
    finally:
        if working:
            process.worker.stop()
        process.committer.stop()


@pytest.fixture
def shop(database: Database, tenant: str) -> Shop:
    shop = Shop(GraphLedgerStore(database), tenant)
    shop.create("acme", amount_nano=10**12)
    return shop


def pricing(database: Database, shop: Shop, *operation_ids: str) -> set[str]:
    """How some operations are priced."""
    rows = [UsagePages(database).get(shop.uid(each)) for each in operation_ids]
    return {"missing" if row is None else row["pricing"] for row in rows}


def list_price(shop: Shop) -> PutRateCard:
    """A card for the new model: a dollar for a million of whatever it takes."""
    lines = (price("uncached", "1"), price("completion", "1"))
    return shop.card("list", *lines, model="new-model", provider="nobody")


def books_agree(database: Database, shop: Shop) -> bool:
    return Check(database, Trees(database)).run(shop.tenant) == []


def test_what_awaits_a_price_settles_after_the_card_that_a_process_commits(
    database: Database, shop: Shop
) -> None:
    many = [f"op{number}" for number in range(620)]
    shop.do(*(shop.usage(each, UNPRICED, budget_id="acme", prompt_tokens=7, **NEW) for each in many))
    shop.record("never", UNPRICED, budget_id="acme", prompt_tokens=7, model_id="other-model")
    with running(database) as process:
        process.committer.submit_blocking([list_price(shop)], 30)
        eventually(lambda: pricing(database, shop, *many) == {"PRICED"}, 60)
        assert sum(process.settled) >= 620, "and what others left in this graph"
    assert pricing(database, shop, "never") == {"UNPRICED"}
    assert [uid for _, uid in UsagePages(database).awaiting(shop.tenant, "", 10)] == [shop.uid("never")]
    assert books_agree(database, shop)


def test_a_start_settles_what_another_process_left_and_a_second_pass_changes_nothing(
    database: Database, shop: Shop
) -> None:
    shop.record("op", UNPRICED, budget_id="acme", prompt_tokens=1_000_000, **NEW)
    shop.do(list_price(shop))
    with running(database) as one, running(database) as another:
        eventually(lambda: pricing(database, shop, "op") == {"PRICED"}, 30)
        for process in (one, another):
            assert process.late_prices.settle(shop.tenant, Event()) == 0
    entries = UsagePages(database).entries([shop.uid("op")])[shop.uid("op")]
    assert [each.total_cost_nano for each in entries] == [10**9], "once, whoever was first"
    assert books_agree(database, shop)


def test_an_estimate_is_adjusted_when_the_price_comes(database: Database, shop: Shop) -> None:
    held = shop.one(Reserve(shop.tenant, None, "k", "a", "acme", amount_nano=5 * 10**9), Reservation)
    usage = shop.usage("op", UNPRICED, agent_id="a", prompt_tokens=2_000_000, **NEW)
    shop.one(Settle(shop.tenant, None, held.reservation_id, ((usage.usage, UNPRICED),)), Settled)
    assert pricing(database, shop, "op") == {Pricing.ESTIMATED.value}
    shop.do(list_price(shop))
    with running(database, working=False) as process:
        assert process.late_prices.settle(shop.tenant, Event()) == 1
    entries = UsagePages(database).entries([shop.uid("op")])[shop.uid("op")]
    assert [each.total_cost_nano for each in entries] == [5 * 10**9, -3 * 10**9]
    assert pricing(database, shop, "op") == {"PRICED"}
    assert UsagePages(database).awaiting(shop.tenant, "", 10) == []
    assert books_agree(database, shop)


def test_usage_waits_for_an_exchange_rate_too(database: Database, shop: Shop) -> None:
    shop.create("euros", currency="EUR")
    waiting = shop.recorded("op", budget_id="euros")
    assert waiting.pricing is Pricing.UNPRICED
    with running(database) as process:
        rate = ExchangeRate("USD", "EUR", Decimal("0.5"), day_of("2026-11-20"), "manual")
        process.committer.submit_blocking([PutExchangeRates(shop.tenant, None, "k", (rate,))], 30)
        eventually(lambda: pricing(database, shop, "op") == {"PRICED"}, 30)
    (entry,) = UsagePages(database).entries([shop.uid("op")])[shop.uid("op")]
    assert (entry.total_cost_nano, entry.currency) == (125 * 10**7, "EUR")
