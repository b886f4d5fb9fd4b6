"""Estimates: lengths with their methods, costs with their fee, comparisons with the source's figures."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.calendar import from_datetime
from pricing.catalogue import load_catalogue
from pricing.errors import ImpossibleCount
from pricing.estimate import CostEstimate, Workload, compare, estimate_cost, with_fee
from pricing.modes import Mode
from pricing.money import format_nano
from pricing.quote import Pricer, Pricing, PricingRequest, Reason
from pricing.tokens import (
    TEXT_MAX,
    Method,
    TokenEstimate,
    by_characters,
    by_history,
    by_task,
    encoding_of,
    estimate_tokens,
    known,
    quantile,
    vocabulary_of,
)
from pricing.units import TokenCounts
from tests.skips import LONG

NOW_US = from_datetime(datetime(2026, 11, 22, 9, tzinfo=UTC))
PRICER = Pricer([load_catalogue()])
TEXTS = [
    "What is the current price of a bitcoin?",
    "def add(one: int, other: int) -> int:\n    return one + other\n" * 20,
    "Die Würde des Menschen ist unantastbar. " * 10,
    "人人生而自由,在尊严和权利上一律平等。" * 10,
    '{"id": 17, "values": [1.5, 2.25, 3.125], "nested": {"a": null}}' * 8,
    "",
]


def estimated(sent: TokenEstimate, made: TokenEstimate, model: str = "gpt-4o") -> CostEstimate:
    return estimate_cost(
        PRICER, at_us=NOW_US, provider="openai", model_id=model, input_tokens=sent, output_tokens=made
    )


def test_the_source_s_comparison_has_its_exact_figures() -> None:
    models = [
        ("openai", "gpt-4"),
        ("openai", "gpt-3.5-turbo"),
        ("anthropic", "claude-3-opus"),
        ("anthropic", "claude-3-sonnet"),
        ("google", "gemini-pro"),
    ]
    found = compare(PRICER, models, at_us=NOW_US, input_tokens=1000, output_tokens=500)
    shown = {
        key: (format_nano(each.base_cost_nano), format_nano(each.total_cost_nano))
        for key, each in found.items()
    }
    assert shown == {
        "openai/gpt-4": ("0.06", "0.063"),
        "openai/gpt-3.5-turbo": ("0.00125", "0.0013125"),
        "anthropic/claude-3-opus": ("0.0525", "0.055125"),
        "anthropic/claude-3-sonnet": ("0.0105", "0.011025"),
        "google/gemini-pro": ("0.0003125", "0.000328125"),
    }
    assert {(each.platform_fee_ppm, each.currency) for each in found.values()} == {(50_000, "USD")}


def test_an_estimate_has_the_ends_of_its_interval() -> None:
    sent = TokenEstimate(1000, 0.5, Method.CHARS_DIV_4, 500, 2000)
    found = estimated(sent, known(500))
    assert (found.base_cost_nano, found.platform_fee_nano, found.total_cost_nano) == (
        7_500_000,
        375_000,
        7_875_000,
    )
    assert (found.low_nano, found.high_nano) == (6_562_500, 10_500_000)


def test_an_unknown_price_is_no_estimate_of_nothing() -> None:
    found = estimated(known(10), known(10), "no-such-model")
    assert (found.pricing, found.reason) == (Pricing.UNPRICED, Reason.UNKNOWN_MODEL)


def test_batches_are_estimated_at_their_own_price() -> None:
    found = estimate_cost(
        PRICER,
        at_us=NOW_US,
        provider="openai",
        model_id="gpt-4o",
        input_tokens=known(1000),
        output_tokens=known(500),
        fee_ppm=0,
        mode=Mode.BATCH,
    )
    assert (found.base_cost_nano, found.total_cost_nano) == (3_750_000, 3_750_000)


@pytest.mark.parametrize("fee_ppm", [-1, 1_000_001])
def test_a_fee_is_a_share(fee_ppm: int) -> None:
    with pytest.raises(ImpossibleCount, match=f"a fee of {fee_ppm} ppm must be 0 to 1000000"):
        with_fee(1, fee_ppm)


def test_a_quarter_of_the_characters_is_labelled_as_an_estimate() -> None:
    assert by_characters("a" * 400) == TokenEstimate(100, 0.5, Method.CHARS_DIV_4, 50, 400)
    assert by_characters("") == TokenEstimate(0, 0.5, Method.CHARS_DIV_4, 0, 0)
    assert by_characters("abc").token_count == 1
    assert by_characters("平" * 100) == TokenEstimate(25, 0.5, Method.CHARS_DIV_4, 12, 300)
    assert estimate_tokens("hello there", "claude-sonnet-4-5").method is Method.CHARS_DIV_4


def test_the_next_answer_is_as_long_as_the_median_of_those_before() -> None:
    assert by_history([]) is None
    assert by_history([7]) == TokenEstimate(7, 1 / 6, Method.HISTORY, 7, 7)
    assert by_history(range(1, 101)) == TokenEstimate(50, 100 / 105, Method.HISTORY, 10, 90)
    with pytest.raises(ImpossibleCount, match=r"a length \(-1\)"):
        by_history([5, -1])


def test_a_task_takes_three_times_its_description_and_criteria() -> None:
    found = by_task("d" * 400, ["c" * 100, "e" * 99])
    assert found == TokenEstimate((100 + 50) * 3, 0.2, Method.TASK_X3, 150, 1350)


def test_a_text_without_end_is_refused_and_what_the_caller_knows_is_exact() -> None:
    with pytest.raises(ImpossibleCount, match=f"longer than {TEXT_MAX}"):
        estimate_tokens("a" * (TEXT_MAX + 1))
    with pytest.raises(ImpossibleCount):
        known(-1)
    assert known(5) == TokenEstimate(5, 1.0, Method.EXACT, 5, 5)


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("openai/gpt-5", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("claude-3-opus", None),
        ("gemini-2.5-pro", None),
    ],
)
def test_vocabularies_are_those_that_openai_published(model: str, encoding: str | None) -> None:
    assert encoding_of(model) == encoding


@pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")  # bpe-openai's own
@pytest.mark.parametrize(("model", "first"), [("gpt-4o", 9), ("gpt-4", 9)])
def test_counts_are_exact_where_a_vocabulary_is_at_hand(model: str, first: int) -> None:
    if vocabulary_of(model) is None:
        pytest.skip(f"{LONG} with the extra tokens: bpe-openai is not installed")
    found = [estimate_tokens(text, model) for text in TEXTS]
    assert found[0] == TokenEstimate(first, 1.0, Method.EXACT, first, first)
    assert found[-1].token_count == 0
    for exact, text in zip(found, TEXTS, strict=True):
        guess = by_characters(text)
        assert guess.low <= exact.token_count <= guess.high, text
    special = estimate_tokens("<|endoftext|>", model)
    assert special.token_count > 1  # a text is data: nothing in it is special


def test_what_last_month_would_have_cost_elsewhere() -> None:
    usage = [
        (PricingRequest(NOW_US, "openai", "gpt-4o", TokenCounts(uncached=1000, completion=500)), 7_500_000),
        (PricingRequest(NOW_US, "openai", "gpt-4o", TokenCounts(uncached=1, audio_in=5)), 1_000),
    ]
    workload = Workload(PRICER, [("openai", "gpt-4o-mini"), ("openai", "gpt-4"), ("x", "unknown")])
    for each in usage:
        workload.add([each])
    found = workload.compared()
    mini = found["openai/gpt-4o-mini"]
    assert (mini.total_nano, mini.savings_nano, mini.operations, mini.unpriced) == (450_000, 7_050_000, 1, 1)
    assert (mini.savings_ppm, mini.cost_per_token_nano) == (940_000, 300)
    assert found["openai/gpt-4"].savings_nano == 7_500_000 - 60_000_000
    assert found["x/unknown"] == (0, 0, None, None, 0, 0, 2)


def test_too_many_models_are_refused() -> None:
    with pytest.raises(ImpossibleCount, match="101 models are more than 100"):
        compare(PRICER, [("a", f"{n}") for n in range(101)], at_us=NOW_US, input_tokens=1, output_tokens=1)
    with pytest.raises(ImpossibleCount):
        Workload(PRICER, [("a", f"{n}") for n in range(101)])


@given(st.lists(st.integers(0, 10**6), min_size=1))
def test_an_interval_holds_its_middle(lengths: list[int]) -> None:
    found = by_history(lengths)
    assert found is not None
    assert min(lengths) <= found.low <= found.token_count <= found.high <= max(lengths)
    assert 0 < found.confidence < 1
    ordered = sorted(lengths)
    assert sum(each <= found.high for each in ordered) * 10 >= len(ordered) * 9
    assert quantile(ordered, 100) == ordered[-1]


@given(st.text(max_size=200))
def test_every_text_has_an_estimate_within_its_interval(text: str) -> None:
    found = by_characters(text)
    assert 0 <= found.low <= found.token_count <= found.high
    assert bool(found.token_count) == bool(text)


def test_confidences_tell_methods_apart() -> None:
    own, task = by_history(range(30)), by_task("a" * 40, [])
    assert own is not None
    assert known(1).confidence > own.confidence > by_characters("abcd").confidence > task.confidence
    assert Decimal(str(task.confidence)) == Decimal("0.2")
