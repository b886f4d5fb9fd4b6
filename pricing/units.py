"""What is billed: disjoint token counts of one operation, and quantities of other resources.

A provider reports wholes with their parts inside ("prompt tokens, of which cached"). Inside, every token is
in exactly one count, so that no price can be taken twice. :meth:`TokenCounts.from_billed` is the door
between the two; a record that cannot be is an :class:`~pricing.errors.ImpossibleCount`.
"""

from decimal import Decimal
from typing import NamedTuple

from pricing.errors import ImpossibleCount
from pricing.money import to_nano_exact

COUNT_MAX = 10**15
"""The largest count of anything in one operation."""


class TokenCounts(NamedTuple):
    """Disjoint counts of one operation: prompt counts first, then completion counts, then others.

    The order is the order of :data:`PROMPT`, :data:`COMPLETION` and :data:`OTHER`; rate vectors share it.
    """

    uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_in: int = 0
    audio_cache_read: int = 0
    image_in: int = 0
    completion: int = 0
    """Text, without reasoning."""
    reasoning: int = 0
    audio_out: int = 0
    image_out: int = 0
    web_searches: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All that the provider bills as input, cached tokens included."""
        return sum(self[PROMPT])

    @property
    def completion_tokens(self) -> int:
        """All that the provider bills as output, reasoning included."""
        return sum(self[COMPLETION])

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens."""
        return sum(self[TOKENS])

    @classmethod
    def from_billed(
        cls,
        *,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        cache_write_1h_tokens: int = 0,
        reasoning_tokens: int = 0,
        audio_input_tokens: int = 0,
        audio_output_tokens: int = 0,
        audio_cache_read_tokens: int = 0,
        image_input_tokens: int = 0,
        image_output_tokens: int = 0,
        web_searches: int = 0,
    ) -> "TokenCounts":
        """Disjoint counts of a record whose wholes include their parts. Raises ``ImpossibleCount``.

        ``prompt_tokens`` includes cache reads, cache writes, audio and images; ``cache_write_tokens`` its
        one-hour part; ``cache_read_tokens`` and ``audio_input_tokens`` the cached audio;
        ``completion_tokens`` reasoning, generated audio and images.
        """
        cached = cache_read_tokens + cache_write_tokens
        modal = audio_input_tokens + image_input_tokens
        made = reasoning_tokens + audio_output_tokens + image_output_tokens
        counts = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "cache_read_tokens": cache_read_tokens,
            "cache_write_tokens": cache_write_tokens,
            "cache_write_1h_tokens": cache_write_1h_tokens,
            "reasoning_tokens": reasoning_tokens,
            "audio_input_tokens": audio_input_tokens,
            "audio_output_tokens": audio_output_tokens,
            "audio_cache_read_tokens": audio_cache_read_tokens,
            "image_input_tokens": image_input_tokens,
            "image_output_tokens": image_output_tokens,
            "web_searches": web_searches,
        }
        _check_each(counts)
        if cached or modal or cache_write_1h_tokens or audio_cache_read_tokens:
            _check_prompt(counts)
        if made:
            _check_part(counts, ("reasoning_tokens",), "completion_tokens")
            _check_part(
                counts,
                ("reasoning_tokens", "audio_output_tokens", "image_output_tokens"),
                "completion_tokens",
            )

        audio = audio_input_tokens - audio_cache_read_tokens
        image = image_input_tokens
        # Providers give one figure for all that was cached. Where the parts add up to more than the prompt,
        # the surplus is tokens counted twice, as cached and as image or audio: they are billed as cached.
        twice = max(0, cached + audio + image - prompt_tokens)
        image -= (twice_image := min(twice, image))
        audio -= (twice_audio := twice - twice_image)
        audio_cached = audio_cache_read_tokens + min(twice_audio, cache_read_tokens - audio_cache_read_tokens)
        return cls(
            uncached=prompt_tokens - cached - audio - image,
            cache_read=cache_read_tokens - audio_cached,
            cache_write_5m=cache_write_tokens - cache_write_1h_tokens,
            cache_write_1h=cache_write_1h_tokens,
            audio_in=audio,
            audio_cache_read=audio_cached,
            image_in=image,
            completion=completion_tokens - made,
            reasoning=reasoning_tokens,
            audio_out=audio_output_tokens,
            image_out=image_output_tokens,
            web_searches=web_searches,
        )


PROMPT = slice(0, 7)
COMPLETION = slice(7, 11)
TOKENS = slice(0, 11)
OTHER = slice(11, 12)
NO_COUNTS = TokenCounts()


class Resource(NamedTuple):
    """A quantity of something that is not tokens: CPU, memory, storage, transfer. No price knows it yet."""

    quantity_nano: int
    """Billionths of the unit."""
    unit: str
    """What is counted, for instance ``core_hour`` or ``gb_hour``."""

    @classmethod
    def of(cls, quantity: Decimal, unit: str) -> "Resource":
        """A quantity of at most nine decimal places, from 0. Raises ``PricingError``."""
        quantity_nano = to_nano_exact(quantity, "quantity")
        if quantity_nano < 0:
            raise ImpossibleCount(f"quantity ({quantity}) must not be negative", "quantity")
        return cls(quantity_nano, unit)


def _check_each(counts: dict[str, int]) -> None:
    if min(counts.values()) >= 0 and max(counts.values()) <= COUNT_MAX:
        return
    field, count = next((f, n) for f, n in counts.items() if not 0 <= n <= COUNT_MAX)
    raise ImpossibleCount(f"{field} ({count}) must be 0 to {COUNT_MAX}", field)


def _check_prompt(counts: dict[str, int]) -> None:
    _check_part(counts, ("cache_read_tokens",), "prompt_tokens")
    _check_part(counts, ("cache_write_tokens",), "prompt_tokens")
    _check_part(counts, ("cache_read_tokens", "cache_write_tokens"), "prompt_tokens")
    _check_part(counts, ("cache_write_1h_tokens",), "cache_write_tokens")
    _check_part(counts, ("audio_input_tokens", "image_input_tokens"), "prompt_tokens")
    _check_part(counts, ("audio_cache_read_tokens",), "audio_input_tokens")
    _check_part(counts, ("audio_cache_read_tokens",), "cache_read_tokens")


def _check_part(counts: dict[str, int], parts: tuple[str, ...], whole: str) -> None:
    total = sum(counts[part] for part in parts)
    if total > counts[whole]:
        names = " + ".join(parts)
        message = f"{names} ({total}) is more than {whole} ({counts[whole]}), which includes it"
        raise ImpossibleCount(message, parts[0])
