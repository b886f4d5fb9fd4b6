"""LiteLLM's price file: what is read of it, what is refused, and how it agrees with the catalogue.

The file is nobody's to commit here. The oracle runs where it is at hand: installed (``pip install --no-deps
litellm==1.110.2``), or named by COSTGRAPH_LITELLM_PRICES.
"""

import json
import os
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import pytest

from pricing.bounds import ModelLimits
from pricing.calendar import from_datetime
from pricing.catalogue import load_catalogue
from pricing.errors import InvalidPriceData
from pricing.litellm import LiteLLMPrices, Problem, read_litellm
from pricing.modes import Mode
from pricing.quote import Pricer, PricingRequest, Quote, Reason
from pricing.units import TokenCounts
from tests.skips import LONG

NOW_US = from_datetime(datetime(2026, 11, 22, 9, tzinfo=UTC))
ROWS: dict[str, Any] = {
    "sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of many"},
    "gpt-x": {
        "litellm_provider": "openai",
        "input_cost_per_token": 2.5e-06,
        "input_cost_per_token_above_200k_tokens": 5e-06,
        "input_cost_per_token_batches": 1.25e-06,
        "output_cost_per_token": 1e-05,
        "output_cost_per_token_batches": 5e-06,
        "cache_read_input_token_cost": 1.25e-06,
        "cache_creation_input_token_cost_above_1hr": 6e-06,
        "search_context_cost_per_query": {"search_context_size_medium": 0.03},
        "max_input_tokens": "128000",
        "max_output_tokens": 16384,
    },
    "gemini/g-x": {
        "litellm_provider": "gemini",
        "input_cost_per_token": 3e-07,
        "output_cost_per_token": 4e-07,
    },
    "whisper-x": {"litellm_provider": "openai", "input_cost_per_second": 0.0001},
    "ocr-x": {"litellm_provider": "mistral", "ocr_cost_per_page": 0.001},
    "stairs": {
        "litellm_provider": "dashscope",
        "tiered_pricing": [
            {"range": [0, 32000.0], "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
            {"range": [32000.0, 128000.0], "input_cost_per_token": 3e-06, "output_cost_per_token": 6e-06},
        ],
    },
    "nothing": {"litellm_provider": "openai", "input_cost_per_token": 0, "output_cost_per_token": 0.0},
    "text": {"litellm_provider": "openai", "input_cost_per_token": "1e-6", "output_cost_per_token": 1e-6},
    "absurd": {"litellm_provider": "openai", "input_cost_per_token": 2500000, "output_cost_per_token": 1e-6},
    "negative": {"litellm_provider": "openai", "input_cost_per_token": -1e-6, "output_cost_per_token": 1e-6},
}


def read(rows: object = ROWS) -> LiteLLMPrices:
    return read_litellm(json.dumps(rows).encode(), "1.0")


def quote(
    counts: TokenCounts, model: str, provider: str | None = "openai", mode: Mode = Mode.STANDARD
) -> Quote:
    return Pricer([read()]).quote(PricingRequest(NOW_US, provider, model, counts, mode=mode))


def test_prices_are_read_to_the_last_digit() -> None:
    answer = quote(TokenCounts(uncached=1000, cache_read=1000, completion=500, web_searches=1), "gpt-x")
    assert (answer.prompt_nano, answer.completion_nano, answer.other_nano) == (
        3_750_000,
        5_000_000,
        30_000_000,
    )
    assert (answer.price_source, answer.price_card, answer.catalogue_version) == (
        "litellm",
        "openai/gpt-x",
        "1.0",
    )
    assert answer.catalogue_hash == sha256(json.dumps(ROWS).encode()).hexdigest()


def test_long_prompts_and_one_hour_caches_have_their_own_price() -> None:
    assert quote(TokenCounts(uncached=200_000), "gpt-x").total_nano == 200_000 * 2_500
    assert quote(TokenCounts(uncached=200_001), "gpt-x").total_nano == 200_001 * 5_000
    assert quote(TokenCounts(cache_write_1h=1000), "gpt-x").total_nano == 6_000_000


def test_modes_have_their_own_prices_or_none() -> None:
    assert quote(TokenCounts(uncached=1000, completion=1), "gpt-x", mode=Mode.BATCH).total_nano == 1_255_000
    assert quote(TokenCounts(uncached=1000), "gpt-x", mode=Mode.FLEX).reason is Reason.MODE_NOT_PRICED


def test_providers_are_found_by_our_names() -> None:
    assert quote(TokenCounts(uncached=10), "g-x", "google").total_nano == 3_000
    assert quote(TokenCounts(uncached=10), "gemini/g-x", None).total_nano == 3_000
    assert quote(TokenCounts(uncached=10), "gpt-x", "anthropic").reason is Reason.UNKNOWN_MODEL


def test_seconds_pages_and_stairs_are_priced() -> None:
    assert quote(TokenCounts(milliseconds=1500), "whisper-x").total_nano == 150_000
    assert quote(TokenCounts(pages=3), "ocr-x", "mistral").total_nano == 3_000_000
    assert quote(TokenCounts(uncached=32_000), "stairs", "dashscope").total_nano == 32_000 * 1_000
    assert quote(TokenCounts(uncached=32_001), "stairs", "dashscope").total_nano == 32_001 * 3_000


@pytest.mark.parametrize("model", ["nothing", "text", "absurd", "negative", "sample_spec", "unknown"])
def test_what_the_file_cannot_mean_is_unpriced(model: str) -> None:
    assert quote(TokenCounts(uncached=10), model).reason is Reason.UNKNOWN_MODEL


def test_what_is_wrong_with_a_file_is_listed() -> None:
    assert read().problems == [
        Problem("text", "input_cost_per_token", "'1e-6' is not a number"),
        Problem("absurd", "input_cost_per_token", "2500000 must be 0 to 1000 USD"),
        Problem("negative", "input_cost_per_token", "-0.000001 must be 0 to 1000 USD"),
    ]


def test_a_price_that_would_take_ages_to_write_out_is_none() -> None:
    row = b'{"tiny": {"input_cost_per_token": 1e-99999999999, "litellm_provider": "p", "mode": "chat"}}'
    assert read_litellm(row).problems == [
        Problem("tiny", "input_cost_per_token", "1E-99999999999 has more than 64 decimal places")
    ]


def test_limits_are_read_though_they_are_texts() -> None:
    assert read().limits("openai", "gpt-x") == ModelLimits(16_384, 128_000)
    assert read().limits("google", "g-x") is None
    assert read().limits("openai", "unknown") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"m": 5}', b'{"m": {"input": 1}}', b"\xff\xfe", b'{"m": NaN}', b"[" * 10**5],
)
def test_what_is_no_price_file_is_an_error(content: bytes) -> None:
    with pytest.raises(InvalidPriceData):
        read_litellm(content)


ORACLE_HASH = "8943af58bf9f979c6a4bef815687117ffa341e462a41faed9be17b5c33d3dcc2"
CATALOGUE_NAMES = {"openai": "openai", "anthropic": "anthropic", "gemini": "google"}
UNITS = ("uncached", "completion", "cache_read", "cache_write_5m", "cache_write_1h")
REASONS = {
    # (beginning of the name, mode, unit): why the two differ
    ("claude-", Mode.BATCH, "cache_write_1h"): "the file has no batch price for one-hour cache writes",
    (
        "claude-sonnet-4-5",
        None,
        None,
    ): "the catalogue doubles prompts above 200,000 tokens, the file does not",
    ("ft:gpt-4o-2024-08-06", None, "cache_read"): "the catalogue has no price for cached input of fine-tunes",
    ("ft:gpt-4o-mini", None, "cache_read"): "as above",
    (
        "ft:gpt-4o-2024-11-20",
        None,
        "cache_write_5m",
    ): "the file has a price for cache writes, OpenAI has none",
    ("ft:gpt-4o-2024-11-20", None, "cache_write_1h"): "as above",
    ("gpt-4o-search-preview", None, "cache_read"): "the catalogue has no price for its cached input",
    ("gemini/gemini-2.5-pro-preview-tts", None, "cache_read"): "as above",
    ("gpt-5.6-cyber", None, None): "the file doubles prompts above 272,000 tokens, the catalogue does not",
    ("gpt-5.5-pro", Mode.BATCH, None): "as above",
    ("gemini-flash-latest", Mode.BATCH, "cache_read"): "the file has no batch price for cached input",
    ("gemini/gemini-flash-latest", Mode.BATCH, "cache_read"): "as above",
    ("gemini-flash-lite-latest", Mode.BATCH, "cache_read"): "as above",
    ("gemini/gemini-flash-lite-latest", Mode.BATCH, "cache_read"): "as above",
    ("gemini/gemini-3.5-flash-lite", Mode.BATCH, "cache_read"): "the file halves it, the catalogue does not",
    ("gemini-pro-latest", Mode.BATCH, None): "the file has no batch price above 200,000 tokens",
    ("gemini/gemini-pro-latest", Mode.BATCH, None): "as above",
}


def price_file() -> Path | None:
    named = os.environ.get("COSTGRAPH_LITELLM_PRICES")
    if named is not None:
        return Path(named)
    try:
        listed = files("litellm") or ()
    except PackageNotFoundError:
        return None
    found = [file for file in listed if file.name == "model_prices_and_context_window_backup.json"]
    return Path(str(found[0].locate())) if found else None


@pytest.fixture(scope="module")
def oracle() -> LiteLLMPrices:
    path = price_file()
    if path is None:
        pytest.skip(f"{LONG} with COSTGRAPH_LITELLM_PRICES: litellm's price file is not at hand")
    prices = read_litellm(path.read_bytes())
    if prices.content_hash != ORACLE_HASH:
        pytest.skip(f"{LONG}: the differences are listed for litellm 1.110.2, and this is another version")
    return prices


def reason_of(name: str, mode: Mode, unit: str) -> str | None:
    return next(
        (
            reason
            for (beginning, of_mode, of_unit), reason in REASONS.items()
            if name.startswith(beginning) and of_mode in {None, mode} and of_unit in {None, unit}
        ),
        None,
    )


def differences(oracle: LiteLLMPrices, coverage: Counter[tuple[str, str]]) -> list[tuple[str, Mode, str]]:
    """Where the catalogue and the file price the same name and disagree, at a short and at a long prompt."""
    catalogue, found = load_catalogue(), list[tuple[str, Mode, str]]()
    for name in oracle.names:
        vendor = oracle.rows[name].get("litellm_provider")
        if vendor not in CATALOGUE_NAMES or oracle.rows[name].get("mode") not in {"chat", "responses"}:
            continue
        coverage[vendor, "in the file"] += 1
        ours = catalogue.find(CATALOGUE_NAMES[vendor], name.removeprefix(f"{vendor}/"), NOW_US)
        theirs = oracle.find(CATALOGUE_NAMES[vendor], name.removeprefix(f"{vendor}/"), NOW_US)
        if ours is None or theirs is None:
            continue
        coverage[vendor, "in both"] += 1
        for mode in (Mode.STANDARD, Mode.BATCH):
            one, other = ours.in_mode(mode), theirs.in_mode(mode)
            if one is None or other is None:
                continue
            for unit in UNITS:
                counts = [TokenCounts(**{unit: count}) for count in (1_000, 500_000)]
                pairs = [(one.costs(each), other.costs(each)) for each in counts]
                coverage[vendor, "prices compared"] += 1
                if any(a is not None and b is not None and a != b for a, b in pairs):
                    found.append((name, mode, unit))
    return found


def test_every_price_that_the_catalogue_and_litellm_both_know_is_equal_or_its_difference_is_known(
    oracle: LiteLLMPrices, capsys: pytest.CaptureFixture[str]
) -> None:
    coverage = Counter[tuple[str, str]]()
    found = differences(oracle, coverage)
    with capsys.disabled():
        for (vendor, what), count in sorted(coverage.items()):
            print(f"{vendor}: {count} {what}")  # noqa: T201 - the coverage is asked for
    assert [each for each in found if reason_of(*each) is None] == []
    assert coverage["openai", "in both"] >= 110
    assert coverage["anthropic", "in both"] >= 19
    assert coverage["gemini", "in both"] >= 25
    used = {
        key for key in REASONS for name, mode, unit in found if reason_of(name, mode, unit) == REASONS[key]
    }
    assert len(used) == len(REASONS), "a reason that is not needed any more"
