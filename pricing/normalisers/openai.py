"""OpenAI: Chat Completions; Responses and what shares its words: Realtime, images, transcriptions."""

from collections.abc import Iterable, Mapping
from typing import Any

from pricing.modes import Mode
from pricing.normalisers.shape import Normalised, Shape, check_total, last_with
from pricing.units import TokenCounts

_ENDS = {"response.completed", "response.incomplete", "response.failed", "response.done"}


def chat(response: Mapping[str, Any]) -> Normalised:
    """A ``chat.completion`` object; also those of legacy completions and embeddings."""
    body = Shape(response, "")
    usage = Shape(response.get("usage"), "usage")
    prompt, completion = usage.count("prompt_tokens", required=True), usage.count("completion_tokens")
    check_total(usage.count("total_tokens"), prompt + completion, "usage.total_tokens")
    sent, made = usage.inner("prompt_tokens_details"), usage.inner("completion_tokens_details")
    counts = TokenCounts.from_billed(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cache_read_tokens=sent.count("cached_tokens"),
        cache_write_tokens=sent.count("cache_write_tokens"),
        audio_input_tokens=sent.count("audio_tokens"),
        image_input_tokens=sent.count("image_tokens"),
        reasoning_tokens=made.count("reasoning_tokens"),
        audio_output_tokens=made.count("audio_tokens"),
    )
    return Normalised(counts, Mode.of(body.text("service_tier"), "service_tier"))


def chat_stream(chunks: Iterable[Mapping[str, Any]]) -> Normalised | None:
    """``chat.completion.chunk`` objects: the last has the usage, where ``include_usage`` was asked for."""
    found = last_with(chunks, "usage")
    return None if found is None else chat(found)


def responses(response: Mapping[str, Any]) -> Normalised:
    """A ``response`` object; also a Realtime one, a generated image, a transcription."""
    body = Shape(response, "")
    usage = Shape(response.get("usage"), "usage")
    mode = Mode.of(body.text("service_tier"), "service_tier")
    if usage.text("type") == "duration":
        return Normalised(TokenCounts.from_billed(milliseconds=usage.milliseconds("seconds")), mode)
    prompt, completion = usage.count("input_tokens", required=True), usage.count("output_tokens")
    check_total(usage.count("total_tokens"), prompt + completion, "usage.total_tokens")
    # Responses says input_tokens_details, Realtime and transcriptions say input_token_details.
    sent = usage.inner("input_tokens_details", "input_token_details")
    made = usage.inner("output_tokens_details", "output_token_details")
    counts = TokenCounts.from_billed(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cache_read_tokens=sent.count("cached_tokens"),
        cache_write_tokens=sent.count("cache_write_tokens"),
        audio_input_tokens=sent.count("audio_tokens"),
        audio_cache_read_tokens=sent.inner("cached_tokens_details").count("audio_tokens"),
        image_input_tokens=sent.count("image_tokens"),
        reasoning_tokens=made.count("reasoning_tokens"),
        audio_output_tokens=made.count("audio_tokens"),
        image_output_tokens=made.count("image_tokens"),
        web_searches=sum(map(_is_search, body.items("output"))),
    )
    return Normalised(counts, mode)


def responses_stream(events: Iterable[Mapping[str, Any]]) -> Normalised | None:
    """The events of a response: the last one holds it whole. Image and audio streams end with a usage."""
    found = None
    for event in events:
        inner = event["response"] if event.get("type") in _ENDS else event
        if inner.get("usage") is not None:
            found = inner
    return None if found is None else responses(found)


def _is_search(item: Shape) -> bool:
    """Whether an output item is a search that is billed; opening a page and looking in it are not."""
    if item.text("type") != "web_search_call":
        return False
    return item.inner("action").text("type") in {None, "search"}
