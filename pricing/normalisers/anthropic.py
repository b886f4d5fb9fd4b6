"""Anthropic: Messages, alone, in batches and as streams. Vertex AI and Bedrock answer in the same words."""

from collections.abc import Iterable, Mapping
from typing import Any

from pricing.modes import Mode
from pricing.normalisers.shape import Normalised, Shape, check_total
from pricing.units import TokenCounts


def message(response: Mapping[str, Any]) -> Normalised:
    """A ``message`` object."""
    return _usage(Shape(response.get("usage"), "usage"))


def stream(events: Iterable[Mapping[str, Any]]) -> Normalised | None:
    """``message_start`` has the input; each ``message_delta`` has the output so far, not to be added up."""
    usage: dict[str, Any] = {}
    for event in events:
        found = event.get("usage")
        if event.get("type") == "message_start":
            found = event["message"].get("usage")
        if found is not None:
            Shape(found, "usage")
            usage |= {name: value for name, value in found.items() if value is not None}
    return _usage(Shape(usage, "usage")) if usage else None


def _usage(usage: Shape) -> Normalised:
    read, written = usage.count("cache_read_input_tokens"), usage.count("cache_creation_input_tokens")
    lifetimes = usage.inner("cache_creation")
    short, long = (
        lifetimes.count("ephemeral_5m_input_tokens"),
        lifetimes.count("ephemeral_1h_input_tokens"),
    )
    if short or long:
        check_total(written, short + long, "usage.cache_creation_input_tokens")
        written = short + long
    counts = TokenCounts.from_billed(
        prompt_tokens=usage.count("input_tokens", required=True) + read + written,
        completion_tokens=usage.count("output_tokens"),
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=long,
        reasoning_tokens=usage.inner("output_tokens_details").count("thinking_tokens"),
        web_searches=usage.inner("server_tool_use").count("web_search_requests"),
    )
    mode = Mode.of(usage.text("service_tier"), "usage.service_tier")
    speed = Mode.of(usage.text("speed"), "usage.speed")
    return Normalised(counts, mode if speed is Mode.STANDARD else speed)
