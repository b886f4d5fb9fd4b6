"""Sandboxes, storage and transfer: the figures of the source document, as cards like any other."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.book import Book, PriceBook
from pricing.calendar import from_datetime
from pricing.cards import EVERY, RateCard, RateLine
from pricing.catalogue import load_catalogue
from pricing.errors import AmountOutOfRange, ImpossibleCount, InvalidAmount, UnknownResource
from pricing.money import NANO, format_nano
from pricing.quote import MonthToDate, Pricer, Pricing, PricingRequest, Quote, Reason
from pricing.resources import (
    UNITS,
    CostBreakdown,
    GpuType,
    ResourceType,
    Sandbox,
    default_cards,
    quantity,
    reported_nano,
    stored,
    transferred,
    type_of,
)
from pricing.units import Resource

NOW_US = from_datetime(datetime(2026, 11, 22, 9, tzinfo=UTC))
CATALOGUE = load_catalogue()
PRICER = PriceBook([CATALOGUE, Book(default_cards())]).pricer()
EXAMPLE = Sandbox(Decimal(4), Decimal(16), Decimal(100), 1, GpuType.A100, Fraction(2))


def quote(resource: Resource, used_gb: int | None = 0, pricer: Pricer = PRICER) -> Quote:
    month = None if used_gb is None else MonthToDate(quantity_nano=used_gb * NANO)
    return pricer.quote(PricingRequest(NOW_US, resource=resource, month=month))


def cost(resource: Resource, used_gb: int = 0) -> str:
    answer = quote(resource, used_gb)
    assert answer.pricing is Pricing.PRICED, answer
    assert answer.total_nano == answer.other_nano
    return format_nano(answer.total_nano)


def test_the_source_s_sandbox_costs_6_14() -> None:
    costs = {part.unit: cost(part) for part in EXAMPLE.parts()}
    assert costs == {
        "cpu_core_hour": "0.8",
        "memory_gb_hour": "0.32",
        "disk_gb_hour": "0.02",
        "gpu_a100_hour": "5",
    }
    breakdown = CostBreakdown.of((type_of(part.unit), quote(part).total_nano) for part in EXAMPLE.parts())
    assert breakdown == CostBreakdown(sandbox_cost_nano=6_140_000_000)
    assert format_nano(breakdown.total_cost_nano) == "6.14"


def test_hours_and_seconds_cost_the_same() -> None:
    seconds = Sandbox.for_seconds(7200, cpu_cores=Decimal(4), gpu_count=2, gpu_type=GpuType.V100)
    assert [(part.unit, cost(part)) for part in seconds.parts()] == [
        ("cpu_core_hour", "0.8"),
        ("gpu_v100_hour", "5"),
    ]
    third = Sandbox.for_seconds(1200, cpu_cores=Decimal(1)).parts()
    assert third == [Resource(333_333_333, "cpu_core_hour")]
    assert cost(third[0]) == "0.033333333"


def test_what_comes_in_is_free_and_what_goes_out_is_free_up_to_100_gb_a_month() -> None:
    assert cost(transferred(10**15, outwards=False)) == "0"
    assert cost(transferred(100 * 10**9, outwards=True)) == "0"
    assert cost(transferred(10**9, outwards=True), used_gb=100) == "0.09"
    assert cost(transferred(150 * 10**9, outwards=True)) == "4.5"
    assert cost(transferred(20 * 10**9, outwards=True), used_gb=90) == "0.9"


def test_the_free_allowance_is_not_given_twice_when_nobody_knows_the_month() -> None:
    answer = quote(transferred(10**9, outwards=True), used_gb=None)
    assert (answer.pricing, answer.reason) == (Pricing.UNPRICED, Reason.MONTH_UNKNOWN)
    assert quote(transferred(10**9, outwards=False), used_gb=None).pricing is Pricing.PRICED


def test_storage_is_unpriced_until_a_card_gives_a_price() -> None:
    kept = stored(2 * 10**9, 3600 * 24)
    assert kept == Resource(48 * NANO, "storage_gb_hour")
    answer = quote(kept)
    assert (answer.pricing, answer.reason, answer.total_nano) == (Pricing.UNPRICED, Reason.UNIT_NOT_PRICED, 0)
    card = RateCard(
        "s", None, "storage_gb_hour", (RateLine("storage_gb_hour", Decimal("0.00003")),), "override"
    )
    pricer = PriceBook([CATALOGUE, Book(default_cards())], [card]).pricer()
    assert quote(kept, pricer=pricer).total_nano == 48 * 30_000


def test_contracts_hold_for_resources_too() -> None:
    cheaper = RateCard("c", None, "cpu_core_hour", (RateLine("cpu_core_hour", Decimal("0.08")),), "contract")
    half = RateCard("h", None, "gpu_*", (RateLine(EVERY, discount_ppm=500_000),), "contract")
    pricer = PriceBook([CATALOGUE, Book(default_cards())], contracts={"b": [cheaper, half]}).pricer(["b"])
    answer = quote(quantity(Fraction(10), "cpu_core_hour"), pricer=pricer)
    assert (answer.total_nano, answer.list_nano, answer.price_card) == (800_000_000, NANO, "c")
    assert quote(quantity(Fraction(2), "gpu_a100_hour"), pricer=pricer).total_nano == 2_500_000_000
    dearer = replace(cheaper, lines=(RateLine("cpu_core_hour", Decimal("0.5")),))
    pricer = PriceBook([Book(default_cards())], contracts={"b": [dearer]}).pricer(["b"])
    assert quote(quantity(Fraction(10), "cpu_core_hour"), pricer=pricer).total_nano == NANO


def test_every_unit_but_storage_has_our_rate_and_no_model_is_called_like_one() -> None:
    priced = {card.model for card in default_cards()}
    assert priced == UNITS.keys() - {"storage_gb_hour"}
    assert not [unit for unit in UNITS if CATALOGUE.find(None, unit, NOW_US)]


def test_a_breakdown_has_the_source_s_four_parts() -> None:
    costs = [(kind, 10**index) for index, kind in enumerate(ResourceType)]
    breakdown = CostBreakdown.of(costs)
    assert breakdown == CostBreakdown(1, 11_110, 100_000, 1_000_000)
    assert breakdown.total_cost_nano == 1_111_111
    with pytest.raises(AmountOutOfRange):
        CostBreakdown.of([(ResourceType.STORAGE, 2**63), (ResourceType.LLM_TOKENS, 1)])


def test_a_caller_s_unit_cost_is_the_cost_of_a_unit() -> None:
    assert reported_nano(quantity(Fraction(5, 2), "egress_gb"), Decimal("0.12")) == 300_000_000
    with pytest.raises(InvalidAmount):
        reported_nano(quantity(Fraction(1), "egress_gb"), Decimal("-0.12"))


def test_what_nobody_knows_is_an_error_and_never_tokens() -> None:
    with pytest.raises(
        UnknownResource, match="unknown resource type 'SandboxTPU'; known are LLMTokens, Sandbox"
    ):
        ResourceType.of("SandboxTPU")
    with pytest.raises(UnknownResource, match="unknown GPU 'H100'; known are A100, V100"):
        GpuType.of("H100")
    with pytest.raises(UnknownResource, match="unknown unit 'parsec'"):
        quantity(Fraction(1), "parsec")
    with pytest.raises(UnknownResource, match="gpu_type is missing"):
        Sandbox(gpu_count=1, duration_hours=Fraction(1))
    assert ResourceType.of("SandboxDisk") is ResourceType.SANDBOX_DISK
    assert GpuType.of("a100") is GpuType.A100


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cpu_cores", Decimal(-1)),
        ("memory_gb", Decimal("Infinity")),
        ("gpu_count", -1),
        ("duration_hours", Fraction(-1)),
    ],
)
def test_impossible_quantities_name_what_is_wrong(field: str, value: object) -> None:
    with pytest.raises(ImpossibleCount) as caught:
        replace(EXAMPLE, **{field: value})
    assert caught.value.field == field
    assert str(value) in str(caught.value)


amounts = st.decimals(0, 1000, places=3)


@given(amounts, amounts, amounts, st.integers(0, 8), st.integers(0, 10**6))
def test_parts_cost_what_the_formula_says_to_half_a_nano_each(
    cpu: Decimal, memory: Decimal, disk: Decimal, gpus: int, seconds: int
) -> None:
    used = Sandbox.for_seconds(
        seconds, cpu_cores=cpu, memory_gb=memory, disk_gb=disk, gpu_count=gpus, gpu_type=GpuType.A100
    )
    total_nano = sum(quote(part).total_nano for part in used.parts())
    hours = Fraction(seconds, 3600)
    per_hour = Fraction(cpu) / 10 + Fraction(memory) / 100 + Fraction(disk) / 10_000 + gpus * Fraction(5, 2)
    # A quantity is rounded to a billionth (times at most 2.5 USD), then a cost to a nano-unit.
    assert abs(total_nano - per_hour * hours * NANO) <= Fraction(4 * 5, 4) + 2


@given(st.lists(st.integers(0, 200 * 10**9), max_size=6))
def test_a_month_of_egress_costs_the_same_however_it_is_split(sizes: list[int]) -> None:
    used_nano, total_nano = 0, 0
    for size in sizes:
        resource = transferred(size, outwards=True)
        month = MonthToDate(quantity_nano=used_nano)
        total_nano += PRICER.quote(PricingRequest(NOW_US, resource=resource, month=month)).total_nano
        used_nano += resource.quantity_nano
    whole = cost(transferred(sum(sizes), outwards=True))
    assert abs(Decimal(whole) * NANO - total_nano) <= len(sizes)
