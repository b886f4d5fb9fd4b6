"""What is billed: disjoint counts of one operation, and quantities of other resources.

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
    video_in: int = 0
    completion: int = 0
    """Text, without reasoning."""
    reasoning: int = 0
    audio_out: int = 0
    image_out: int = 0
    video_out: int = 0
    web_searches: int = 0
    pages: int = 0
    """Of documents that were read."""
    milliseconds: int = 0
    """Of audio or video, where time is billed instead of tokens."""
    characters: int = 0
    """Of text, where characters are billed instead of tokens."""
    requests: int = 0
    """Requests that the operation stands for; 0 means the one that it is."""

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
        video_input_tokens: int = 0,
        video_output_tokens: int = 0,
        web_searches: int = 0,
        pages: int = 0,
        milliseconds: int = 0,
        characters: int = 0,
        requests: int = 0,
    ) -> "TokenCounts":
        """Disjoint counts of a record whose wholes include their parts. Raises ``ImpossibleCount``.

        ``prompt_tokens`` includes cache reads, cache writes, audio, images and video; ``cache_write_tokens``
        its one-hour part; ``cache_read_tokens`` and ``audio_input_tokens`` the cached audio;
        ``completion_tokens`` reasoning, generated audio, images and video.
        """
        cached = cache_read_tokens + cache_write_tokens
        modal = audio_input_tokens + image_input_tokens + video_input_tokens
        made = reasoning_tokens + audio_output_tokens + image_output_tokens + video_output_tokens
        given = (
            prompt_tokens, completion_tokens,
            cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
            reasoning_tokens, audio_input_tokens, audio_output_tokens, audio_cache_read_tokens,
            image_input_tokens, image_output_tokens, video_input_tokens, video_output_tokens,
            web_searches, pages, milliseconds, characters, requests,
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
            raise _impossible(dict(zip(BILLED, given, strict=True)))

        audio, image, video = audio_input_tokens, image_input_tokens, video_input_tokens
        audio_cached = audio_cache_read_tokens
        if modal:
            audio -= audio_cached
            twice = cached + audio + image + video - prompt_tokens
            if twice > 0:
                text = cache_read_tokens - audio_cached
                audio, audio_cached, image, video = _once(twice, text, audio, audio_cached, image, video)
        return cls._make((
            prompt_tokens - cached - audio - image - video,
            cache_read_tokens - audio_cached,
            cache_write_tokens - cache_write_1h_tokens, cache_write_1h_tokens,
            audio, audio_cached, image, video,
            completion_tokens - made,
            reasoning_tokens, audio_output_tokens, image_output_tokens, video_output_tokens,
            web_searches, pages, milliseconds, characters, requests,
        ))  # fmt: skip

    def billed(self) -> dict[str, int]:
        """The arguments of :meth:`from_billed` that give these counts, without those that are 0."""
        wholes = (
            self.prompt_tokens, self.completion_tokens,
            self.cache_read + self.audio_cache_read,
            self.cache_write_5m + self.cache_write_1h, self.cache_write_1h,
            self.reasoning, self.audio_in + self.audio_cache_read, self.audio_out, self.audio_cache_read,
            self.image_in, self.image_out, self.video_in, self.video_out, *self[OTHER],
        )  # fmt: skip
        return {name: count for name, count in zip(BILLED, wholes, strict=True) if count}


PROMPT = slice(0, 8)
COMPLETION = slice(8, 13)
TOKENS = slice(0, 13)
OTHER = slice(13, 18)
PRICED_OTHER = slice(13, 17)
"""``OTHER`` without requests, which have a rate of their own kind."""
COUNT_NAMES = TokenCounts._fields
NO_COUNTS = TokenCounts()


class Resource(NamedTuple):
    """A quantity of something that is not tokens: CPU, memory, storage, transfer (``pricing.resources``)."""

    quantity_nano: int
    """Billionths of the unit."""
    unit: str
    """What is counted, for instance ``cpu_core_hour`` or ``egress_gb``."""

    @classmethod
    def of(cls, quantity: Decimal, unit: str) -> "Resource":
        """A quantity of at most nine decimal places, from 0. Raises ``PricingError``."""
        quantity_nano = to_nano_exact(quantity, "quantity")
        if quantity_nano < 0:
            raise ImpossibleCount(f"quantity ({quantity}) must not be negative", "quantity")
        return cls(quantity_nano, unit)


BILLED = (
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
    "video_input_tokens",
    "video_output_tokens",
    "web_searches",
    "pages",
    "milliseconds",
    "characters",
    "requests",
)
"""What a caller says was used: the arguments of :meth:`TokenCounts.from_billed`, wholes first."""
_PARTS = (
    (("cache_read_tokens",), "prompt_tokens"),
    (("cache_write_tokens",), "prompt_tokens"),
    (("cache_read_tokens", "cache_write_tokens"), "prompt_tokens"),
    (("audio_input_tokens", "image_input_tokens", "video_input_tokens"), "prompt_tokens"),
    (("reasoning_tokens",), "completion_tokens"),
    (
        ("reasoning_tokens", "audio_output_tokens", "image_output_tokens", "video_output_tokens"),
        "completion_tokens",
    ),
    (("cache_write_1h_tokens",), "cache_write_tokens"),
    (("audio_cache_read_tokens",), "audio_input_tokens"),
    (("audio_cache_read_tokens",), "cache_read_tokens"),
)


def _once(
    twice: int, text_cached: int, audio: int, audio_cached: int, image: int, video: int
) -> tuple[int, int, int, int]:
    """Audio, cached audio, images and video without what was counted as cached, too.

    Providers give one figure for all that was cached. What the parts have above the prompt was counted twice,
    as cached and as image, video or audio: it is billed as cached.
    """
    image, twice = max(0, image - twice), max(0, twice - image)
    video, twice = max(0, video - twice), max(0, twice - video)
    return audio - twice, audio_cached + min(twice, text_cached), image, video


def _impossible(given: Mapping[str, int]) -> ImpossibleCount:
    """The first thing that is wrong with these counts."""
    for field, count in given.items():
        if not 0 <= count <= COUNT_MAX:
            return ImpossibleCount(f"{field} ({count}) must be 0 to {COUNT_MAX}", field)
    for parts, whole in _PARTS:
        total = sum(given[part] for part in parts)
        if total > given[whole]:
            said = [part for part in parts if given[part]]
            message = f"{' + '.join(said)} ({total}) is more than {whole} ({given[whole]}), which includes it"
            return ImpossibleCount(message, said[0])
    raise AssertionError(given)
