"""What operations cost together does not depend on the order in which they come, nor on their batches."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.model import CostEntry
from ledger.price_commands import PutExchangeRates
from pricing.currency import ExchangeRate
from pricing.steps import Basis
from tests.support.shop import Shop, day_of, price
from tests.support.simulated_store import SimulatedStore

operations = st.lists(
    st.tuples(
        st.sampled_from(["listed", "deal", "euros", "tiers"]),
        st.integers(0, 3_000_000),
        st.integers(0, 50_000),
        st.integers(16, 22),
    ),
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(operations, st.randoms(use_true_random=False))
def test_costs_are_the_same_in_whatever_order_operations_come(
    each: list[tuple[str, int, int, int]], random: Any
) -> None:
    named = list(enumerate(each))
    shuffled = list(named)
    random.shuffle(shuffled)
    first, second = _costs(named), _costs(shuffled)
    # Which operation uses up the month's dearer part is a matter of order; what they cost together is not.
    for name in ("listed", "deal", "euros"):
        assert _of(first, name) == _of(second, name)
    assert sum(_of(first, "tiers").values()) == sum(_of(second, "tiers").values())


def _of(costs: dict[tuple[str, int], int], budget_id: str) -> dict[int, int]:
    return {number: cost for (name, number), cost in costs.items() if name == budget_id}


def _costs(named: list[tuple[int, tuple[str, int, int, int]]]) -> dict[tuple[str, int], int]:
    """What each operation cost, in the nano-units of its budget."""
    shop = Shop(SimulatedStore())
    for name, currency in (("listed", "USD"), ("deal", "USD"), ("euros", "EUR"), ("tiers", "USD")):
        shop.create(name, currency=currency)
    shop.say("deal", price("uncached", "0.7"), budget_id="deal")
    steps = ((1_500_000, Decimal(1)),)
    shop.say("tiers", price("uncached", "2", steps=steps, basis=Basis.MONTH), budget_id="tiers")
    rates = [ExchangeRate("EUR", "USD", Decimal("1.0823"), day_of("2026-11-16"))]
    shop.do(PutExchangeRates(shop.tenant, None, "key", rates))
    found: dict[tuple[str, int], int] = {}
    for number, (name, sent, made, day) in named:
        at = f"2026-11-{day}T05:00:00Z"
        entry: CostEntry = shop.spend(
            f"op{number}", budget_id=name, prompt_tokens=sent, completion_tokens=made, timestamp=at
        )
        found[name, number] = entry.total_cost_nano
    return found
