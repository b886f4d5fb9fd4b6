"""Google: ``generateContent`` of the Gemini API and Vertex AI, and the Live API; camelCase or snake_case."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pricing.modes import Mode
from pricing.normalisers.shape import Normalised, Shape
from pricing.units import TokenCounts


def content(response: Mapping[str, Any]) -> Normalised:
    """A ``GenerateContentResponse``."""
    body = Shape(response, "")
    usage = Shape(response.get("usageMetadata") or response.get("usage_metadata"), "usageMetadata")
    sent, tools = _modalities(usage, "promptTokensDetails"), _modalities(usage, "toolUsePromptTokensDetails")
    cached = _modalities(usage, "cacheTokensDetails")
    made = _modalities(usage, "candidatesTokensDetails", "responseTokensDetails")
    thoughts = _count(usage, "thoughtsTokenCount")
    counts = TokenCounts.from_billed(
        prompt_tokens=_count(usage, "promptTokenCount") + _count(usage, "toolUsePromptTokenCount"),
        completion_tokens=_count(usage, "candidatesTokenCount", "responseTokenCount") + thoughts,
        cache_read_tokens=_count(usage, "cachedContentTokenCount"),
        audio_cache_read_tokens=cached["AUDIO"],
        audio_input_tokens=sent["AUDIO"] + tools["AUDIO"],
        image_input_tokens=sent["IMAGE"] + tools["IMAGE"],
        video_input_tokens=sent["VIDEO"] + tools["VIDEO"],
        reasoning_tokens=thoughts,
        audio_output_tokens=made["AUDIO"],
        image_output_tokens=made["IMAGE"],
        video_output_tokens=made["VIDEO"],
        web_searches=_searches(body),
    )
    tier = usage.text("serviceTier", "service_tier") or usage.text("trafficType", "traffic_type")
    if tier is not None and tier.endswith("_UNSPECIFIED"):
        tier = None
    return Normalised(counts, Mode.of(tier, "usageMetadata.trafficType"))


def stream(chunks: Iterable[Mapping[str, Any]]) -> Normalised | None:
    """Chunks of a stream: each says what was used so far, and searches may come in any of them."""
    last: dict[str, Any] | None = None
    candidates: list[Any] = []
    for chunk in chunks:
        candidates += chunk.get("candidates") or ()
        usage = chunk.get("usageMetadata") or chunk.get("usage_metadata")
        if usage is not None:
            last = {**chunk, "usageMetadata": usage}
    return None if last is None else content({**last, "candidates": candidates})


def _searches(body: Shape) -> int:
    """Models up to Gemini 2.5 are billed once per prompt that searched, later ones per query."""
    queries = sum(
        each.inner("groundingMetadata", "grounding_metadata").length("webSearchQueries", "web_search_queries")
        for each in body.items("candidates")
    )
    model = body.text("modelVersion", "model_version") or ""
    return min(1, queries) if model.startswith(("gemini-1", "gemini-2")) else queries


def _modalities(usage: Shape, *names: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in usage.items(*_both(*names)):
        modality = each.text("modality") or "TEXT"
        found[modality] += _count(each, "tokenCount")
    return found


def _count(usage: Shape, *names: str) -> int:
    return usage.count(*_both(*names))


def _both(*names: str) -> tuple[str, ...]:
    """The names as they are and with underscores, as the SDKs for Python have them."""
    snake = ("".join(f"_{c.lower()}" if c.isupper() else c for c in name) for name in names)
    return (*names, *snake)
