"""Each provider family's usage object becomes disjoint counts, or an error that says what cannot be."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.errors import ImpossibleCount, InvalidUsageShape, PricingError, UnknownMode
from pricing.modes import Mode
from pricing.normalisers import Family, Normalised, normalise, normalise_stream
from pricing.units import TokenCounts
from tests.pricing.usage_shapes import (
    CHAT,
    CHAT_USAGE,
    CLAUDE,
    CONVERSE,
    CONVERSED,
    DEEPSEEK,
    EMBEDDING,
    GEMINI,
    IMAGE,
    MESSAGE_USAGE,
    OPENROUTER,
    PERPLEXITY,
    REALTIME,
    RESPONSE,
    TRANSCRIPTION,
    VOXTRAL,
    XAI,
)


@pytest.mark.parametrize(
    ("family", "response", "expected"),
    [
        (
            Family.OPENAI_CHAT,
            CHAT,
            Normalised(TokenCounts(uncached=86, cache_read=1920, completion=108, reasoning=192)),
        ),
        (Family.OPENAI_CHAT, EMBEDDING, Normalised(TokenCounts(uncached=8))),
        (
            Family.OPENAI_RESPONSES,
            RESPONSE,
            Normalised(
                TokenCounts(uncached=200, cache_read=128, completion=212, reasoning=640, web_searches=1),
                Mode.FLEX,
            ),
        ),
        (
            Family.OPENAI_RESPONSES,
            REALTIME,
            Normalised(
                TokenCounts(
                    uncached=55, cache_read=64, audio_in=6, audio_cache_read=2, completion=36, audio_out=112
                )
            ),
        ),
        (
            Family.OPENAI_RESPONSES,
            IMAGE,
            Normalised(TokenCounts(uncached=10, image_in=40, image_out=50)),
        ),
        (Family.OPENAI_RESPONSES, TRANSCRIPTION, Normalised(TokenCounts(milliseconds=27_340))),
        (Family.ANTHROPIC, {"type": "message", "usage": MESSAGE_USAGE}, Normalised(CLAUDE)),
        (
            Family.ANTHROPIC,
            {"usage": {"input_tokens": 5, "output_tokens": 7, "service_tier": "batch"}},
            Normalised(TokenCounts(uncached=5, completion=7), Mode.BATCH),
        ),
        (
            Family.ANTHROPIC,
            {
                "usage": {
                    "input_tokens": 5,
                    "output_tokens": 7,
                    "output_tokens_details": {"thinking_tokens": 4},
                    "service_tier": "standard",
                    "speed": "fast",
                }
            },
            Normalised(TokenCounts(uncached=5, completion=3, reasoning=4), Mode.FAST),
        ),
        (
            Family.GOOGLE,
            GEMINI,
            Normalised(
                TokenCounts(
                    uncached=450,
                    cache_read=300,
                    audio_in=100,
                    audio_cache_read=100,
                    image_in=40,
                    video_in=60,
                    completion=20,
                    reasoning=80,
                    image_out=100,
                    web_searches=2,
                )
            ),
        ),
        (Family.BEDROCK, CONVERSE, Normalised(CONVERSED, Mode.PRIORITY)),
        (
            Family.BEDROCK,
            {"usage": {"inputTokens": 3, "outputTokens": 4}, "performanceConfig": {"latency": "optimized"}},
            Normalised(TokenCounts(uncached=3, completion=4), Mode.FAST),
        ),
        (
            Family.MISTRAL,
            {"usage": {"prompt_tokens": 16, "completion_tokens": 34, "total_tokens": 50}},
            Normalised(TokenCounts(uncached=16, completion=34)),
        ),
        (
            Family.MISTRAL,
            VOXTRAL,
            Normalised(TokenCounts(uncached=4, completion=635, milliseconds=203_000)),
        ),
        (
            Family.MISTRAL,
            {"pages": [], "usage_info": {"pages_processed": 29, "doc_size_bytes": 3_002_783}},
            Normalised(TokenCounts(pages=29)),
        ),
        (
            Family.OPENAI_COMPATIBLE,
            DEEPSEEK,
            Normalised(TokenCounts(uncached=36, cache_read=64, completion=20, reasoning=30)),
        ),
        (
            Family.OPENAI_COMPATIBLE,
            XAI,
            Normalised(TokenCounts(uncached=26, cache_read=6, completion=9, reasoning=94)),
        ),
        (
            Family.OPENAI_COMPATIBLE,
            OPENROUTER,
            Normalised(
                TokenCounts(uncached=84, cache_read=10, cache_write_5m=100, completion=2),
                provider_cost=Decimal("0.00095"),
            ),
        ),
        (
            Family.OPENAI_COMPATIBLE,
            PERPLEXITY,
            Normalised(
                TokenCounts(uncached=33, completion=7163, reasoning=95_305, web_searches=18),
                provider_cost=Decimal("0.409"),
            ),
        ),
        (
            Family.OPENAI_COMPATIBLE,
            {"usage": {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55, "cached_tokens": 20}},
            Normalised(TokenCounts(uncached=30, cache_read=20, completion=5)),
        ),
    ],
)
def test_a_response_is_read_in_its_provider_s_words(
    family: Family, response: Mapping[str, Any], expected: Normalised
) -> None:
    assert normalise(family, response) == expected


@pytest.mark.parametrize(
    ("family", "events", "expected"),
    [
        (
            Family.OPENAI_CHAT,
            [
                {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "a"}}], "usage": None},
                {"object": "chat.completion.chunk", "choices": [], "usage": CHAT_USAGE},
            ],
            TokenCounts(uncached=86, cache_read=1920, completion=108, reasoning=192),
        ),
        (
            Family.OPENAI_RESPONSES,
            [
                {"type": "response.created", "response": {"status": "in_progress", "usage": None}},
                {"type": "response.output_text.delta", "delta": "a"},
                {"type": "response.completed", "response": RESPONSE},
            ],
            TokenCounts(uncached=200, cache_read=128, completion=212, reasoning=640, web_searches=1),
        ),
        (
            Family.OPENAI_RESPONSES,
            [{"type": "image_generation.partial_image"}, {"type": "image_generation.completed", **IMAGE}],
            TokenCounts(uncached=10, image_in=40, image_out=50),
        ),
        (
            Family.ANTHROPIC,
            [
                {"type": "message_start", "message": {"usage": {**MESSAGE_USAGE, "output_tokens": 1}}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}},
                {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 200}},
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn"},
                    "usage": {"output_tokens": 503, "server_tool_use": {"web_search_requests": 2}},
                },
                {"type": "message_stop"},
            ],
            CLAUDE,
        ),
        (
            Family.GOOGLE,
            [
                {"usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 2, "totalTokenCount": 10}},
                {
                    "modelVersion": "gemini-2.5-flash",
                    "candidates": [{"groundingMetadata": {"webSearchQueries": ["a", "b"]}}],
                    "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 9},
                },
            ],
            TokenCounts(uncached=8, completion=9, web_searches=1),
        ),
        (
            Family.BEDROCK,
            [
                {"messageStart": {"role": "assistant"}},
                {"contentBlockDelta": {"delta": {"text": "a"}, "contentBlockIndex": 0}},
                {"messageStop": {"stopReason": "end_turn"}},
                {"metadata": {"usage": CONVERSE["usage"], "metrics": {"latencyMs": 1}}},
            ],
            CONVERSED,
        ),
        (
            Family.BEDROCK,
            [
                {"type": "content_block_delta"},
                {
                    "type": "message_stop",
                    "amazon-bedrock-invocationMetrics": {
                        "inputTokenCount": 14,
                        "outputTokenCount": 39,
                        "cacheReadInputTokenCount": 5,
                        "invocationLatency": 1,
                    },
                },
            ],
            TokenCounts(uncached=14, cache_read=5, completion=39),
        ),
        (
            Family.MISTRAL,
            [
                {"data": {"choices": [{"delta": {"content": "a"}}]}},
                {"data": {"usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}}},
            ],
            TokenCounts(uncached=5, completion=6),
        ),
        (
            Family.OPENAI_COMPATIBLE,
            [
                {"choices": [{"delta": {"content": "a"}}]},
                {"x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}}},
            ],
            TokenCounts(uncached=5, completion=6),
        ),
    ],
)
def test_a_stream_is_read_to_its_end_and_nothing_is_added_twice(
    family: Family, events: list[dict[str, Any]], expected: TokenCounts
) -> None:
    found = normalise_stream(family, iter(events))
    assert found is not None
    assert found.counts == expected


def test_a_stream_that_broke_off_has_what_it_had_told() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 25, "output_tokens": 1}}}
    found = normalise_stream(Family.ANTHROPIC, [start])
    assert found is not None
    assert found.counts == TokenCounts(uncached=25, completion=1)


@pytest.mark.parametrize("family", Family)
def test_a_stream_that_has_told_nothing_yet_is_none_and_not_zero(family: Family) -> None:
    assert normalise_stream(family, [{"type": "ping"}]) is None


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("usage", [None, [], "many", 7])
def test_what_is_no_usage_object_is_an_error_that_names_it(family: Family, usage: object) -> None:
    with pytest.raises(InvalidUsageShape, match="usage"):
        normalise(family, {"usage": usage, "usageMetadata": usage})


@pytest.mark.parametrize("count", ["7", 7.5, True, [7]])
def test_a_count_must_be_a_whole_number(count: object) -> None:
    with pytest.raises(InvalidUsageShape) as caught:
        normalise(Family.OPENAI_CHAT, {"usage": {"prompt_tokens": count, "completion_tokens": 1}})
    assert caught.value.field == "usage.prompt_tokens"


@pytest.mark.parametrize(
    ("family", "response", "numbers"),
    [
        (Family.OPENAI_CHAT, {"usage": {**CHAT_USAGE, "total_tokens": 2307}}, ("2307", "2306")),
        (
            Family.OPENAI_CHAT,
            {"usage": {**CHAT_USAGE, "prompt_tokens_details": {"cached_tokens": 2007}}},
            ("2007", "2006"),
        ),
        (
            Family.ANTHROPIC,
            {"usage": {**MESSAGE_USAGE, "cache_creation_input_tokens": 249}},
            ("249", "248"),
        ),
        (
            Family.BEDROCK,
            {"usage": {**CONVERSE["usage"], "cacheWriteInputTokens": 99}},
            ("100", "99"),
        ),
        (
            Family.OPENAI_COMPATIBLE,
            {"usage": {**DEEPSEEK["usage"], "prompt_cache_miss_tokens": 37}},
            ("101", "100"),
        ),
        (Family.MISTRAL, {"usage": {"prompt_tokens": -5, "completion_tokens": 5}}, ("-5", "0")),
    ],
)
def test_impossible_counts_name_both_numbers(
    family: Family, response: dict[str, Any], numbers: tuple[str, str]
) -> None:
    with pytest.raises(ImpossibleCount) as caught:
        normalise(family, response)
    assert all(number in str(caught.value) for number in numbers), str(caught.value)


@pytest.mark.parametrize(
    ("family", "response"),
    [
        (Family.OPENAI_CHAT, {**CHAT, "service_tier": "scale"}),
        (Family.OPENAI_RESPONSES, {**RESPONSE, "service_tier": "warp"}),
        (Family.ANTHROPIC, {"usage": {**MESSAGE_USAGE, "service_tier": "gold"}}),
        (Family.GOOGLE, {"usageMetadata": {"promptTokenCount": 1, "trafficType": "PROVISIONED_THROUGHPUT"}}),
        (Family.BEDROCK, {**CONVERSE, "serviceTier": {"type": "reserved"}}),
    ],
)
def test_an_unknown_processing_mode_is_an_error(family: Family, response: dict[str, Any]) -> None:
    with pytest.raises(UnknownMode):
        normalise(family, response)


def test_google_s_snake_case_is_read_like_its_camel_case() -> None:
    def snake(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                "".join(f"_{c.lower()}" if c.isupper() else c for c in key): snake(inner)
                for key, inner in value.items()
            }
        return [snake(each) for each in value] if isinstance(value, list) else value

    assert normalise(Family.GOOGLE, snake(GEMINI)) == normalise(Family.GOOGLE, GEMINI)


counts = st.one_of(
    st.none(), st.integers(-5, 10**16), st.floats(), st.sampled_from(["", "x", "5"]), st.booleans()
)
names = st.sampled_from(
    [
        *CHAT_USAGE,
        *MESSAGE_USAGE,
        *CONVERSE["usage"],
        *GEMINI["usageMetadata"],
        "cost",
        "seconds",
        "type",
        "prompt_audio_seconds",
        "reasoning_tokens",
    ]
)
inner = st.one_of(counts, st.dictionaries(names, counts, max_size=3), st.lists(counts, max_size=2))


@given(st.sampled_from(Family), st.dictionaries(names, inner, max_size=6))
def test_whatever_is_sent_the_answer_is_disjoint_counts_or_an_error_of_ours(
    family: Family, usage: dict[str, Any]
) -> None:
    try:
        found = normalise(family, {"usage": usage, "usageMetadata": usage})
    except PricingError:
        return
    assert min(found.counts) >= 0
