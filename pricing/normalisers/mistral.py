"""Mistral: chat, audio and OCR. Audio is billed by its seconds, its tokens are in no count but the total."""

from collections.abc import Iterable, Mapping
from typing import Any

from pricing.modes import Mode
from pricing.normalisers.shape import Normalised, Shape, check_total, last_with
from pricing.units import TokenCounts


def chat(response: Mapping[str, Any]) -> Normalised:
    """A chat completion, a transcription or an OCR response (``usage_info``)."""
    body = Shape(response, "")
    mode = Mode.of(body.text("service_tier"), "service_tier")
    if "usage_info" in body:
        pages = body.inner("usage_info").count("pages_processed", required=True)
        return Normalised(TokenCounts.from_billed(pages=pages), mode)
    usage = Shape(response.get("usage"), "usage")
    prompt, completion = usage.count("prompt_tokens", required=True), usage.count("completion_tokens")
    milliseconds = usage.milliseconds("prompt_audio_seconds")
    if not milliseconds:
        check_total(usage.count("total_tokens"), prompt + completion, "usage.total_tokens")
    details = usage.inner("prompt_tokens_details", "prompt_token_details")
    cached = usage.count("num_cached_tokens") or details.count("cached_tokens")
    counts = TokenCounts.from_billed(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cache_read_tokens=cached,
        reasoning_tokens=usage.inner("completion_tokens_details").count("reasoning_tokens"),
        milliseconds=milliseconds,
    )
    return Normalised(counts, mode)


def stream(chunks: Iterable[Mapping[str, Any]]) -> Normalised | None:
    """The last chunk has the usage; the SDK puts every chunk under ``data``."""
    found = last_with((chunk.get("data") or chunk for chunk in chunks), "usage")
    return None if found is None else chat(found)
