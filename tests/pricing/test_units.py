"""Counts: disjoint, complete, and never impossible."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import AmountOutOfRange, ImpossibleCount, InvalidAmount
from pricing.units import (
    COMPLETION,
    COUNT_MAX,
    NO_COUNTS,
    OTHER,
    PRICED_OTHER,
    PROMPT,
    TOKENS,
    Resource,
    TokenCounts,
)

small = st.integers(0, 1000)


def test_parts_are_taken_out_of_their_wholes() -> None:
    counts = TokenCounts.from_billed(
        prompt_tokens=10_000,
        completion_tokens=2_000,
        cache_read_tokens=4_000,
        cache_write_tokens=1_500,
        cache_write_1h_tokens=500,
        reasoning_tokens=700,
        audio_input_tokens=900,
        audio_output_tokens=300,
        audio_cache_read_tokens=400,
        image_input_tokens=200,
        image_output_tokens=100,
        video_input_tokens=150,
        video_output_tokens=50,
        web_searches=3,
        pages=4,
        milliseconds=5_500,
        characters=6,
        requests=2,
    )
    assert counts == TokenCounts(
        uncached=3_650,
        cache_read=3_600,
        cache_write_5m=1_000,
        cache_write_1h=500,
        audio_in=500,
        audio_cache_read=400,
        image_in=200,
        video_in=150,
        completion=850,
        reasoning=700,
        audio_out=300,
        image_out=100,
        video_out=50,
        web_searches=3,
        pages=4,
        milliseconds=5_500,
        characters=6,
        requests=2,
    )


@given(prompt=small, completion=small, data=st.data())
def test_every_token_is_in_exactly_one_count(prompt: int, completion: int, data: st.DataObject) -> None:
    def upto(limit: int) -> int:
        return data.draw(st.integers(0, limit))

    cache_read = upto(prompt)
    cache_write = upto(prompt - cache_read)
    audio_in = upto(prompt)
    reasoning = upto(completion)
    audio_out = upto(completion - reasoning)
    counts = TokenCounts.from_billed(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        cache_write_1h_tokens=upto(cache_write),
        reasoning_tokens=reasoning,
        audio_input_tokens=audio_in,
        audio_output_tokens=audio_out,
        audio_cache_read_tokens=upto(max(0, min(cache_read, audio_in))),
        image_input_tokens=(image_in := upto(prompt - audio_in)),
        image_output_tokens=(image_out := upto(completion - reasoning - audio_out)),
        video_input_tokens=upto(prompt - audio_in - image_in),
        video_output_tokens=upto(completion - reasoning - audio_out - image_out),
        pages=upto(9),
    )
    assert min(counts) >= 0
    assert (counts.prompt_tokens, counts.completion_tokens) == (prompt, completion)
    assert counts.total_tokens == prompt + completion
    assert counts.cache_read + counts.audio_cache_read == cache_read
    assert counts.cache_write_5m + counts.cache_write_1h == cache_write
    assert TokenCounts.from_billed(**counts.billed()) == counts


def test_tokens_that_are_cached_and_image_are_billed_as_cached() -> None:
    counts = TokenCounts.from_billed(prompt_tokens=1_000, cache_read_tokens=700, image_input_tokens=600)
    assert counts == TokenCounts(cache_read=700, image_in=300)


def test_tokens_that_are_cached_and_audio_are_billed_as_cached_audio() -> None:
    counts = TokenCounts.from_billed(prompt_tokens=1_000, cache_read_tokens=700, audio_input_tokens=600)
    assert counts == TokenCounts(cache_read=400, audio_cache_read=300, audio_in=300)


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        (
            {"prompt_tokens": 10, "cache_read_tokens": 11},
            "cache_read_tokens",
            "cache_read_tokens (11) is more than prompt_tokens (10), which includes it",
        ),
        (
            {"prompt_tokens": 10, "cache_read_tokens": 6, "cache_write_tokens": 5},
            "cache_read_tokens",
            "cache_read_tokens + cache_write_tokens (11) is more than prompt_tokens (10), which includes it",
        ),
        (
            {"prompt_tokens": 10, "cache_write_tokens": 2, "cache_write_1h_tokens": 3},
            "cache_write_1h_tokens",
            "cache_write_1h_tokens (3) is more than cache_write_tokens (2), which includes it",
        ),
        (
            {"completion_tokens": 4, "reasoning_tokens": 5},
            "reasoning_tokens",
            "reasoning_tokens (5) is more than completion_tokens (4), which includes it",
        ),
        (
            {"completion_tokens": 4, "reasoning_tokens": 2, "audio_output_tokens": 3},
            "reasoning_tokens",
            (
                "reasoning_tokens + audio_output_tokens (5) is more than completion_tokens (4), "
                "which includes it"
            ),
        ),
        (
            {"prompt_tokens": 9, "audio_input_tokens": 5, "image_input_tokens": 5},
            "audio_input_tokens",
            "audio_input_tokens + image_input_tokens (10) is more than prompt_tokens (9), which includes it",
        ),
        (
            {
                "prompt_tokens": 9,
                "audio_input_tokens": 5,
                "cache_read_tokens": 1,
                "audio_cache_read_tokens": 2,
            },
            "audio_cache_read_tokens",
            "audio_cache_read_tokens (2) is more than cache_read_tokens (1), which includes it",
        ),
        (
            {
                "prompt_tokens": 9,
                "audio_input_tokens": 1,
                "cache_read_tokens": 5,
                "audio_cache_read_tokens": 2,
            },
            "audio_cache_read_tokens",
            "audio_cache_read_tokens (2) is more than audio_input_tokens (1), which includes it",
        ),
        ({"prompt_tokens": -1}, "prompt_tokens", f"prompt_tokens (-1) must be 0 to {COUNT_MAX}"),
        (
            {"completion_tokens": COUNT_MAX + 1},
            "completion_tokens",
            f"completion_tokens ({COUNT_MAX + 1}) must be 0 to {COUNT_MAX}",
        ),
        ({"web_searches": -7}, "web_searches", f"web_searches (-7) must be 0 to {COUNT_MAX}"),
    ],
)
def test_impossible_counts_name_both_numbers(fields: dict[str, int], field: str, message: str) -> None:
    with pytest.raises(ImpossibleCount) as caught:
        TokenCounts.from_billed(**fields)
    assert str(caught.value) == message
    assert (caught.value.field, caught.value.code) == (field, "INVALID")


def test_the_components_lie_edge_to_edge() -> None:
    assert (PROMPT.start, PROMPT.stop, COMPLETION.stop, OTHER.stop) == (
        0,
        COMPLETION.start,
        OTHER.start,
        len(TokenCounts._fields),
    )
    assert (TOKENS.start, TOKENS.stop) == (PROMPT.start, COMPLETION.stop)
    assert (PRICED_OTHER.start, PRICED_OTHER.stop) == (OTHER.start, TokenCounts._fields.index("requests"))


def test_tokens_that_are_cached_and_video_are_billed_as_cached() -> None:
    counts = TokenCounts.from_billed(
        prompt_tokens=1_000, cache_read_tokens=900, image_input_tokens=100, video_input_tokens=300
    )
    assert counts == TokenCounts(cache_read=900, video_in=100)


def test_nothing_is_nothing() -> None:
    assert TokenCounts.from_billed() == NO_COUNTS
    assert NO_COUNTS.total_tokens == 0


def test_resources_have_exact_quantities() -> None:
    assert Resource.of(Decimal("2.5"), "core_hour") == Resource(2_500_000_000, "core_hour")
    with pytest.raises(InvalidAmount):
        Resource.of(Decimal("0.0000000001"), "gb_hour")
    with pytest.raises(ImpossibleCount):
        Resource.of(Decimal(-1), "gb_hour")
    with pytest.raises(AmountOutOfRange):
        Resource.of(Decimal("1e10"), "gb_hour")
