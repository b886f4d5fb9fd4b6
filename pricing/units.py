"""What is billed: disjoint token counts of one operation, and quantities of other resources.

A provider reports wholes with their parts inside ("prompt tokens, of which cached"). Inside, every token is
in exactly one count, so that no price can be taken twice. :meth:`TokenCounts.from_billed` is the door
between the two; a record that cannot be is an :class:`~pricing.errors.ImpossibleCount`.
"""

from collections.abc import Mapping
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
        given = (
            prompt_tokens, completion_tokens,
            cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
            reasoning_tokens, audio_input_tokens, audio_output_tokens, audio_cache_read_tokens,
            image_input_tokens, image_output_tokens, web_searches,
        )  # fmt: skip
        if (
            min(given) < 0
            or max(given) > COUNT_MAX
            or cached > prompt_tokens
            or modal > prompt_tokens
            or made > completion_tokens
            or cache_write_1h_tokens > cache_write_tokens
            or audio_cache_read_tokens > audio_input_tokens
            or audio_cache_read_tokens > cache_read_tokens
        ):
            raise _impossible(dict(zip(_BILLED, given, strict=True)))

        audio = audio_input_tokens - audio_cache_read_tokens
        image = image_input_tokens
        audio_cached = audio_cache_read_tokens
        twice = cached + audio + image - prompt_tokens
        if twice > 0:
            # Providers give one figure for all that was cached. What the parts have above the prompt was
            # counted twice, as cached and as image or audio: it is billed as cached.
            image, twice = max(0, image - twice), max(0, twice - image)
            audio -= twice
            audio_cached += min(twice, cache_read_tokens - audio_cached)
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


_BILLED = (
    "prompt_tokens",
    "completion_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "audio_cache_read_tokens",
    "image_input_tokens",
    "image_output_tokens",
    "web_searches",
)
_PARTS = (
    (("cache_read_tokens",), "prompt_tokens"),
    (("cache_write_tokens",), "prompt_tokens"),
    (("cache_read_tokens", "cache_write_tokens"), "prompt_tokens"),
    (("audio_input_tokens", "image_input_tokens"), "prompt_tokens"),
    (("reasoning_tokens",), "completion_tokens"),
    (("reasoning_tokens", "audio_output_tokens", "image_output_tokens"), "completion_tokens"),
    (("cache_write_1h_tokens",), "cache_write_tokens"),
    (("audio_cache_read_tokens",), "audio_input_tokens"),
    (("audio_cache_read_tokens",), "cache_read_tokens"),
)


def _impossible(given: Mapping[str, int]) -> ImpossibleCount:
    """The first thing that is wrong with these counts."""
    for field, count in given.items():
        if not 0 <= count <= COUNT_MAX:
            return ImpossibleCount(f"{field} ({count}) must be 0 to {COUNT_MAX}", field)
    for parts, whole in _PARTS:
        total = sum(given[part] for part in parts)
        if total > given[whole]:
            names = " + ".join(parts)
            message = f"{names} ({total}) is more than {whole} ({given[whole]}), which includes it"
            return ImpossibleCount(message, parts[0])
    raise AssertionError(given)
