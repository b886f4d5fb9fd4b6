"""Repricing: the difference is booked, what was charged stays, and the same again changes nothing."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.commands import Adjust, AdjustmentKind
from ledger.errors import Forbidden, InvalidInput
from ledger.model import EntryKind, Meter, Pricing, WindowKind
from ledger.price_commands import REPRICED_MAX, PutExchangeRates, Reprice, WithdrawRateCard
from ledger.reprice import REPRICING
from ledger.results import Adjusted, Difference, Repriced, RepricedAs
from pricing.currency import ExchangeRate
from pricing.steps import Basis
from tests.support.books import check_books
from tests.support.desk import limit
from tests.support.shop import Shop, day_of, price
from tests.support.simulated_store import SimulatedStore


@pytest.fixture
def store() -> SimulatedStore:
    return SimulatedStore()


@pytest.fixture
def shop(store: SimulatedStore) -> Shop:
    shop = Shop(store)
    shop.create("acme", limits=(limit(Meter.COST, 100 * 10**9, WindowKind.DAY),))
    shop.create("web", "acme")
    return shop


def reprice(
    shop: Shop, *operations: str, dry_run: bool = False, reason: str | None = None
) -> list[Difference]:
    uids = [shop.uid(each) for each in operations]
    return list(shop.one(Reprice(shop.tenant, None, uids, reason, dry_run), Repriced).differences)


def spent(store: SimulatedStore) -> dict[str, int]:
    return {uid: window.spent for uid, window in store.windows.items()}


def test_the_difference_is_booked_beside_what_was_charged(shop: Shop, store: SimulatedStore) -> None:
    first = shop.spend("op", budget_id="web")
    shop.say("deal", price("uncached", "1"), budget_id="acme")
    before = spent(store)
    (dry,) = reprice(shop, "op", dry_run=True)
    assert (dry.outcome, dry.before_nano, dry.after_nano) == (RepricedAs.CHANGED, 25 * 10**8, 10**9)
    assert dry.budget_uids == (shop.uid("web"), shop.uid("acme"))
    assert spent(store) == before
    assert reprice(shop, "op", reason="agreed") == [dry]
    charged, adjusted = (each.entry for each in store.entries)
    assert charged == first
    assert (adjusted.kind, adjusted.total_cost_nano, adjusted.adjusts) == (
        EntryKind.ADJUSTMENT,
        -15 * 10**8,
        first.uid,
    )
    assert (adjusted.price_source, adjusted.price_card, adjusted.reason) == (REPRICING, "deal", "agreed")
    assert adjusted.charged_at_us == first.charged_at_us
    assert all(value in {0, 10**9, 1, 10**6} for value in spent(store).values())
    check_books(store)


def test_the_same_again_changes_nothing_also_within_one_batch(shop: Shop, store: SimulatedStore) -> None:
    shop.spend("op", budget_id="web")
    shop.say("deal", price("uncached", "1"))
    command = Reprice(shop.tenant, None, [shop.uid("op")])
    first, second = shop.do(command, command)
    assert isinstance(first, Repriced)
    assert isinstance(second, Repriced)
    assert [each.differences[0].outcome for each in (first, second)] == [RepricedAs.CHANGED, RepricedAs.SAME]
    assert [each.outcome for each in reprice(shop, "op", "op", "nobody")] == [RepricedAs.SAME]
    assert len(store.entries) == 2
    check_books(store)


def test_there_and_back_restores_every_balance(shop: Shop, store: SimulatedStore) -> None:
    for number in range(3):
        shop.spend(f"op{number}", budget_id="web" if number else "acme", completion_tokens=7 * number)
    before = spent(store)
    shop.say("deal", price("uncached", "9"), price("completion", "0.3333"), may_raise=True)
    reprice(shop, "op0", "op1", "op2")
    assert spent(store) != before
    shop.one(WithdrawRateCard(shop.tenant, None, "k", "deal"), object)
    reprice(shop, "op0", "op1", "op2")
    assert spent(store) == before
    check_books(store)


def test_what_had_no_price_gets_its_entry_when_one_comes(shop: Shop, store: SimulatedStore) -> None:
    said = {"model_id": "new-model", "provider": "nobody", "budget_id": "web"}
    assert shop.recorded("op", **said).pricing is Pricing.UNPRICED
    assert [each.outcome for each in reprice(shop, "op")] == [RepricedAs.UNPRICED]
    shop.say("list", price("uncached", "3"), model="new-model")
    (settled,) = reprice(shop, "op")
    assert (settled.outcome, settled.before_nano, settled.after_nano) == (RepricedAs.SETTLED, 0, 3 * 10**9)
    (entry,) = (each.entry for each in store.entries)
    assert (entry.kind, entry.price_source, entry.price_card) == (EntryKind.USAGE, "override", "list")
    again = shop.recorded("op", **said)
    assert (again.duplicate, again.pricing) == (True, Pricing.PRICED)
    assert [each.outcome for each in reprice(shop, "op")] == [RepricedAs.SAME]
    check_books(store)


def test_what_waited_for_an_exchange_rate_settles_with_the_provider_s_own_figure(
    shop: Shop, store: SimulatedStore
) -> None:
    shop.create("europe", currency="EUR")
    unpriced = shop.recorded("op", budget_id="europe", provider_cost="7")
    assert unpriced.pricing is Pricing.UNPRICED
    rate = ExchangeRate("EUR", "USD", Decimal(2), day_of("2026-11-22"))
    shop.do(PutExchangeRates(shop.tenant, None, "k", (rate,)))
    assert [each.after_nano for each in reprice(shop, "op")] == [35 * 10**8]
    (entry,) = (each.entry for each in store.entries)
    assert (entry.price_source, entry.fx_rate, entry.currency) == ("provider_reported", "0.5", "EUR")
    assert [each.outcome for each in reprice(shop, "op")] == [RepricedAs.REPORTED]
    check_books(store)


def test_a_refund_stays_and_nothing_costs_less_than_nothing(shop: Shop, store: SimulatedStore) -> None:
    shop.spend("op", budget_id="web")
    refund = Adjust(shop.tenant, None, "key", "op", -2 * 10**9, AdjustmentKind.REFUND)
    shop.one(refund, Adjusted)
    shop.say("deal", price("uncached", "0.1"))
    assert [each.outcome for each in reprice(shop, "op")] == [RepricedAs.REFUNDED]
    shop.say("deal", price("uncached", "2.25"), revise=True)
    (changed,) = reprice(shop, "op")
    assert (changed.before_nano, changed.after_nano) == (25 * 10**8, 225 * 10**7)
    assert sum(each.entry.total_cost_nano for each in store.entries) == 25 * 10**7
    check_books(store)


def test_a_price_by_the_month_and_a_reported_cost_are_left_alone(shop: Shop) -> None:
    shop.spend("own", provider_cost="1")
    shop.spend("op")
    steps = ((10, Decimal(1)),)
    shop.say("deal", price("uncached", "2", steps=steps, basis=Basis.MONTH))
    outcomes = [each.outcome for each in reprice(shop, "own", "op")]
    assert outcomes == [RepricedAs.REPORTED, RepricedAs.MONTHLY]


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(Forbidden):
        Reprice("t", "t/acme", ["t/op"])
    with pytest.raises(InvalidInput):
        Reprice("t", None, ["t/op"] * (REPRICED_MAX + 1))
    with pytest.raises(InvalidInput):
        Reprice("t", None, [], "x" * 1_001)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=4),
    rates=st.lists(st.decimals("0", "50", places=7), min_size=1, max_size=4),
)
def test_however_often_prices_change_the_last_one_is_what_was_charged(
    sizes: list[tuple[int, int]], rates: list[Decimal]
) -> None:
    store = SimulatedStore()
    shop, fresh = Shop(store), Shop(SimulatedStore())
    names = [f"op{number}" for number in range(len(sizes))]
    for name, (sent, made) in zip(names, sizes, strict=True):
        shop.recorded(name, prompt_tokens=sent, completion_tokens=made)
    for number, rate in enumerate(rates):
        shop.say("deal", price("uncached", str(rate)), revise=number > 0, may_raise=True)
        reprice(shop, *names)
    fresh.say("deal", price("uncached", str(rates[-1])), may_raise=True)
    for name, (sent, made) in zip(names, sizes, strict=True):
        fresh.recorded(name, prompt_tokens=sent, completion_tokens=made)
    totals = [spent(each) for each in (store, fresh.store)]  # pyright: ignore[reportArgumentType]
    assert all(left == right for left, right in pairwise(totals))
    check_books(store)
