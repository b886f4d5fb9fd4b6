"""Providers that imitate Chat Completions, each with fields of its own.

DeepSeek counts cache hits and misses, Moonshot puts ``cached_tokens`` beside the tokens, xAI and Perplexity
leave reasoning out of ``completion_tokens``, OpenRouter and Perplexity say what they charged, Groq's streams
hide the usage in ``x_groq``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pricing.modes import Mode
from pricing.normalisers.shape import Normalised, Shape, check_total
from pricing.units import TokenCounts


def chat(response: Mapping[str, Any]) -> Normalised:
    """A ``chat.completion`` object in one of the imitations."""
    body = Shape(response, "")
    usage = Shape(response.get("usage"), "usage")
    prompt, completion = usage.count("prompt_tokens", required=True), usage.count("completion_tokens")
    sent, made = usage.inner("prompt_tokens_details"), usage.inner("completion_tokens_details")
    reasoning = made.count("reasoning_tokens") or usage.count("reasoning_tokens")
    total = usage.count("total_tokens")
    if _is_beside(usage, total, prompt + completion, reasoning):
        completion += reasoning
        total = 0 if total != prompt + completion else total
    check_total(total, prompt + completion, "usage.total_tokens")
    hit, missed = usage.count("prompt_cache_hit_tokens"), usage.count("prompt_cache_miss_tokens")
    if missed:
        check_total(prompt, hit + missed, "usage.prompt_tokens")
    counts = TokenCounts.from_billed(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cache_read_tokens=hit or sent.count("cached_tokens") or usage.count("cached_tokens"),
        cache_write_tokens=sent.count("cache_write_tokens"),
        audio_input_tokens=sent.count("audio_tokens"),
        image_input_tokens=sent.count("image_tokens"),
        video_input_tokens=sent.count("video_tokens"),
        reasoning_tokens=reasoning,
        audio_output_tokens=made.count("audio_tokens"),
        image_output_tokens=made.count("image_tokens"),
        web_searches=usage.count("num_search_queries")
        or usage.inner("server_tool_use").count("web_search_requests"),
    )
    return Normalised(counts, Mode.of(body.text("service_tier"), "service_tier"), _cost(response, usage))


def stream(chunks: Iterable[Mapping[str, Any]]) -> Normalised | None:
    """Chunks: the last that has a usage has all of it."""
    found: dict[str, Any] | None = None
    for chunk in chunks:
        usage: Any = chunk.get("usage")
        if usage is None and "x_groq" in chunk:
            usage = chunk["x_groq"].get("usage")
        if usage is not None:
            found = {**chunk, "usage": usage}
    return None if found is None else chat(found)


def _is_beside(usage: Shape, total: int, without: int, reasoning: int) -> bool:
    """Whether reasoning is beside the completion: the total says so, or Perplexity's own fields do."""
    if not reasoning:
        return False
    return total == without + reasoning or "num_search_queries" in usage or "search_context_size" in usage


def _cost(response: Mapping[str, Any], usage: Shape) -> Any:
    cost = response["usage"].get("cost")
    return usage.inner("cost").decimal("total_cost") if isinstance(cost, Mapping) else usage.decimal("cost")
