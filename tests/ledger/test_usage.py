"""What a caller may report: every refusal with its code and field, and what makes two reports equal."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.model import Outcome
from ledger.results import InvalidUsage
from ledger.usage import ID_LENGTH_MAX, TAGS_BYTES_MAX, Usage, UsageInput, parse_usage
from tests.support.desk import us, usage_of

REQUIRED = {"operation_id": "op-1", "agent_id": "agent", "capability_type": "chat", "model_id": "gpt-4o"}
NAMES = (
    *("operation_id", "agent_id", "capability_type", "budget_id", "model_id", "provider"),
    *("user_id", "session_id", "region", "parent_operation_id", "category"),
)
COUNTS = [name for name in UsageInput.model_fields if name.endswith("_tokens")]
DEEP = "x" * 256


def refusal(**fields: Any) -> InvalidUsage:
    """The refusal of a usage with those fields."""
    answer = parse_usage({**REQUIRED, **fields})
    assert isinstance(answer, InvalidUsage), answer
    return answer


def test_a_usage_needs_only_its_ids_its_capability_and_its_model() -> None:
    usage = parse_usage(REQUIRED)
    assert isinstance(usage, Usage)
    assert (usage.sent.category, usage.sent.outcome, usage.counts.total_tokens) == ("api_call", Outcome.OK, 0)
    assert (usage.timestamp_us, usage.provider_cost_nano, usage.tags_json) == (None, None, None)


@pytest.mark.parametrize("name", ["operation_id", "agent_id", "capability_type"])
def test_what_is_required_is_missed_by_name(name: str) -> None:
    answer = parse_usage({field: value for field, value in REQUIRED.items() if field != name})
    assert isinstance(answer, InvalidUsage)
    assert (answer.code, answer.field) == ("INVALID", name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["", "x" * (ID_LENGTH_MAX + 1), "a\x00b", "a\nb", "\ud800", 7, ["a"]])
def test_a_name_is_a_short_text_without_control_characters(name: str, value: object) -> None:
    answer = refusal(**{name: value})
    assert (answer.code, answer.field) == ("INVALID", name)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_may_have_any_script_and_256_characters(name: str) -> None:
    for value in ("é/漢字 #1@x", DEEP):
        assert getattr(usage_of(**{**REQUIRED, name: value}).sent, name) == value


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [-1, 10**15 + 1, 2**70, 1.0, 1.5, "1", True, None])
def test_a_count_is_a_whole_number_from_zero_to_a_thousand_million_million(name: str, value: object) -> None:
    answer = refusal(**{name: value})
    assert (answer.code, answer.field) == ("INVALID", name)


@pytest.mark.parametrize(
    ("fields", "field", "part", "whole"),
    [
        ({"prompt_tokens": 10, "cache_read_tokens": 11}, "cache_read_tokens", 11, 10),
        ({"prompt_tokens": 10, "cache_write_tokens": 11}, "cache_write_tokens", 11, 10),
        ({"prompt_tokens": 10, "cache_read_tokens": 6, "cache_write_tokens": 5}, "cache_read_tokens", 11, 10),
        (
            {"prompt_tokens": 9, "cache_write_tokens": 4, "cache_write_1h_tokens": 5},
            "cache_write_1h_tokens",
            5,
            4,
        ),
        ({"completion_tokens": 10, "reasoning_tokens": 11}, "reasoning_tokens", 11, 10),
        (
            {"prompt_tokens": 10, "audio_input_tokens": 6, "image_input_tokens": 5},
            "audio_input_tokens",
            11,
            10,
        ),
        ({"completion_tokens": 10, "audio_output_tokens": 11}, "audio_output_tokens", 11, 10),
    ],
)
def test_a_part_larger_than_its_whole_is_impossible_and_both_are_named(
    fields: dict[str, int], field: str, part: int, whole: int
) -> None:
    answer = refusal(**fields)
    assert (answer.code, answer.field) == ("INVALID", field)
    assert f"({part})" in answer.message
    assert f"({whole})" in answer.message


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("2026-11-22T09:00:00", "offset"),
        ("2026-11-22", "offset"),
        (datetime(2026, 11, 22, 9), "offset"),  # noqa: DTZ001 - a naive one is the case
        ("yesterday", "ISO 8601"),
        (1_795_338_000, "ISO 8601"),
        ("1969-12-31T23:59:59Z", "1970"),
        ("2200-01-01T00:00:00Z", "2199"),
        ("0001-01-01T00:00:00+14:00", "1970"),
    ],
)
def test_a_timestamp_is_an_instant_with_an_offset(value: object, says: str) -> None:
    answer = refusal(timestamp=value)
    assert (answer.code, answer.field) == ("INVALID", "timestamp")
    assert says in answer.message


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0.1, "INVALID"),
        (float("nan"), "INVALID"),
        ("much", "INVALID"),
        ("NaN", "INVALID"),
        ("Infinity", "INVALID"),
        (True, "INVALID"),
        (["1"], "INVALID"),
        ("-0.01", "INVALID"),
        ("9223372036.854775808", "AMOUNT_OUT_OF_RANGE"),
        ("1e999999999", "AMOUNT_OUT_OF_RANGE"),
    ],
)
def test_a_providers_cost_is_an_exact_amount_from_zero(value: object, code: str) -> None:
    answer = refusal(provider_cost=value)
    assert (answer.code, answer.field) == (code, "provider_cost")


@pytest.mark.parametrize(
    ("value", "code"), [("1e99999999999", "AMOUNT_OUT_OF_RANGE"), ("1e-99999999999", "INVALID")]
)
def test_a_unit_cost_that_would_take_ages_to_write_out_is_refused_at_once(value: str, code: str) -> None:
    answer = refusal(model_id=None, unit="cpu_core_hour", quantity="1", unit_cost=value)
    assert (answer.code, answer.field) == (code, "unit_cost")


@pytest.mark.parametrize("value", ["usd", "US", "US DOLLARS", "", 7, None])
def test_a_providers_currency_is_a_code(value: object) -> None:
    answer = refusal(provider_cost="1", provider_cost_currency=value)
    assert (answer.code, answer.field) == ("INVALID", "provider_cost_currency")


def test_a_providers_cost_is_kept_to_the_nano_unit() -> None:
    assert usage_of("a", provider_cost="0.1").provider_cost_nano == 100_000_000
    assert usage_of("a", provider_cost=Decimal("9223372036.854775807")).provider_cost_nano == 2**63 - 1
    assert usage_of("a", provider_cost=3).provider_cost_nano == 3_000_000_000
    assert usage_of("a", provider_cost="0.0000000005").provider_cost_nano == 0
    assert usage_of("a", provider_cost="0.0000000015").provider_cost_nano == 2


@pytest.mark.parametrize(
    "value",
    [
        {"key": 2**70},
        {"key": "\ud800"},
        {"\ud800": "value"},
        {"key": ["a"]},
        {"key": None},
        {"key": float("nan")},
        {"key": {"deeper": 1}},
        ["key"],
        "key",
        {"key": "x" * TAGS_BYTES_MAX},
    ],
)
def test_tags_are_a_flat_and_small_json_object(value: object) -> None:
    answer = refusal(tags=value)
    assert answer.code == "INVALID"
    assert answer.field is not None
    assert answer.field.partition(".")[0] == "tags"


def test_an_unknown_field_and_an_unknown_outcome_are_refused_by_name() -> None:
    assert refusal(prompt_token=1).field == "prompt_token"
    assert refusal(outcome="ok").field == "outcome"


def test_an_operation_that_went_well_names_its_model_or_its_cost() -> None:
    answer = refusal(model_id=None)
    assert (answer.code, answer.field) == ("INVALID", "model_id")
    assert usage_of("a", model_id=None, provider_cost="0").provider_cost_nano == 0


@pytest.mark.parametrize("outcome", ["ERROR", "CANCELLED"])
def test_a_failed_operation_is_recorded_with_what_is_known(outcome: str) -> None:
    unknown = usage_of("a", model_id=None, outcome=outcome)
    assert (unknown.usage_reported, unknown.counts.total_tokens) == (False, 0)
    assert usage_of("a", outcome=outcome, prompt_tokens=5).usage_reported
    assert usage_of("a", outcome=outcome, prompt_tokens=0).usage_reported, "an explicit zero is known"
    assert usage_of("a").usage_reported


def test_a_bad_operation_id_is_echoed_only_where_it_is_a_text() -> None:
    answer = parse_usage({**REQUIRED, "operation_id": 5})
    assert isinstance(answer, InvalidUsage)
    assert (answer.operation_id, answer.field) == ("", "operation_id")


EQUAL: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"prompt_tokens": 0, "outcome": "OK", "category": "api_call", "budget_id": None}),
    ({}, {"tags": None}),
    ({}, {"tags": {}}),
    ({}, {"provider_cost_currency": "USD"}),
    ({"tags": {"a": 1, "b": "x"}}, {"tags": {"b": "x", "a": 1}}),
    ({"timestamp": "2026-11-22T09:00:00Z"}, {"timestamp": "2026-11-22T10:00:00+01:00"}),
    (
        {"timestamp": "2026-11-22T09:00:00Z"},
        {"timestamp": datetime.fromisoformat("2026-11-22T09:00:00+00:00")},
    ),
    ({"provider_cost": "1.50"}, {"provider_cost": Decimal("1.5")}),
    ({"provider_cost": "2"}, {"provider_cost": 2}),
    ({"outcome": "ERROR"}, {"outcome": Outcome.ERROR}),
]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_the_same_said_in_another_way_is_the_same(left: dict[str, Any], right: dict[str, Any]) -> None:
    first = usage_of("a", **left)
    second = usage_of("b", **dict(reversed(right.items())))
    assert first.fingerprint == second.fingerprint, "neither the id, nor order, nor defaults are content"


DIFFERENT: list[dict[str, Any]] = [
    *({name: "other"} for name in NAMES if name != "operation_id"),
    *(
        {"prompt_tokens": 9, "completion_tokens": 9, name: 1}
        for name in COUNTS
        if name
        not in {"prompt_tokens", "completion_tokens", "cache_write_1h_tokens", "audio_cache_read_tokens"}
    ),
    {
        "prompt_tokens": 9,
        "cache_read_tokens": 1,
        "audio_input_tokens": 1,
        "audio_cache_read_tokens": 1,
    },
    {"web_searches": 1},
    {"pages": 1},
    {"milliseconds": 1},
    {"characters": 1},
    {"requests": 1},
    {"mode": "batch"},
    {"mode": "flex"},
    {"model_id": None, "unit": "egress_gb", "quantity": "1"},
    {"model_id": None, "unit": "egress_gb", "quantity": "1.5"},
    {"model_id": None, "unit": "ingress_gb", "quantity": "1"},
    {"model_id": None, "unit": "ingress_gb", "quantity": "1", "unit_cost": "2"},
    {"prompt_tokens": 9, "completion_tokens": 9},
    {"prompt_tokens": 9, "cache_write_tokens": 1, "cache_write_1h_tokens": 1},
    {"timestamp": "2026-11-22T09:00:00Z"},
    {"timestamp": "2026-11-22T09:00:00.000001Z"},
    {"outcome": "ERROR"},
    {"provider_cost": "0"},
    {"provider_cost": "0.000000001"},
    {"provider_cost": "0", "provider_cost_currency": "EUR"},
    {"tags": {"a": 1}},
    {"tags": {"a": "1"}},
    {"tags": {"a": True}},
]


def test_whatever_a_caller_says_makes_another_content() -> None:
    prints = [usage_of("a", **fields).fingerprint for fields in ({}, *DIFFERENT)]
    assert len(set(prints)) == len(prints)


@given(st.permutations(sorted(REQUIRED)), st.integers(0, 10**15), st.integers(0, 10**15))
def test_the_order_of_fields_is_not_content(order: list[str], prompt: int, completion: int) -> None:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    usage = parse_usage({**counts, **{name: REQUIRED[name] for name in order}})
    assert isinstance(usage, Usage)
    said: dict[str, Any] = {**REQUIRED, **counts}
    assert usage.fingerprint == usage_of(**said).fingerprint
    assert usage.counts.total_tokens == prompt + completion


def test_the_timestamp_is_an_instant_in_microseconds() -> None:
    usage = usage_of("a", timestamp="2026-11-22T10:00:00.000007+01:00")
    assert usage.timestamp_us == us("2026-11-22T09:00:00") + 7
