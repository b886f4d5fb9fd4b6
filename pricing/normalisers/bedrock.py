"""Amazon Bedrock: Converse and ConverseStream, and the metrics that close an InvokeModel stream."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pricing.modes import Mode
from pricing.normalisers.shape import Normalised, Shape, check_total
from pricing.units import TokenCounts

METRICS: Final = "amazon-bedrock-invocationMetrics"


def converse(response: Mapping[str, Any]) -> Normalised:
    """A Converse response: tokens read from or written to the cache come beside ``inputTokens``."""
    body = Shape(response, "")
    usage = Shape(response.get("usage"), "usage")
    read, written = usage.count("cacheReadInputTokens"), usage.count("cacheWriteInputTokens")
    long = 0
    details = usage.items("cacheDetails")
    if details:
        check_total(sum(each.count("inputTokens") for each in details), written, "usage.cacheDetails")
        long = sum(each.count("inputTokens") for each in details if each.text("ttl") == "1h")
    counts = TokenCounts.from_billed(
        prompt_tokens=usage.count("inputTokens", required=True) + read + written,
        completion_tokens=usage.count("outputTokens"),
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=long,
    )
    # A latency-optimised call has a price of its own, as other providers' fast mode has.
    if body.inner("performanceConfig").text("latency") == "optimized":
        return Normalised(counts, Mode.FAST)
    return Normalised(counts, Mode.of(body.inner("serviceTier").text("type"), "serviceTier.type"))


def stream(events: Iterable[Mapping[str, Any]]) -> Normalised | None:
    """The ``metadata`` event of ConverseStream, or the last chunk of InvokeModelWithResponseStream."""
    found: Normalised | None = None
    for event in events:
        if event.get("metadata") is not None:
            found = converse(event["metadata"])
        elif event.get(METRICS) is not None:
            found = _metrics(Shape(event[METRICS], METRICS))
    return found


def _metrics(metrics: Shape) -> Normalised:
    read, written = metrics.count("cacheReadInputTokenCount"), metrics.count("cacheWriteInputTokenCount")
    counts = TokenCounts.from_billed(
        prompt_tokens=metrics.count("inputTokenCount", required=True) + read + written,
        completion_tokens=metrics.count("outputTokenCount"),
        cache_read_tokens=read,
        cache_write_tokens=written,
    )
    return Normalised(counts)
