"""Processing modes: how fast and how surely a provider worked, which it prices apart.

A mode that nobody knows is an error and never the standard price: a batch call billed as standard costs
twice as much, a priority call half as much.
"""

from enum import StrEnum
from typing import Final

from pricing.errors import UnknownMode


class Mode(StrEnum):
    """The ways in which providers process a call for a price of its own."""

    STANDARD = "standard"
    BATCH = "batch"
    FLEX = "flex"
    PRIORITY = "priority"
    FAST = "fast"

    @classmethod
    def of(cls, text: str | None, field: str = "mode") -> "Mode":
        """The mode of a provider's word (``default``, ``on_demand``, ``batches``…); None is standard.

        Raises ``UnknownMode``. ``auto`` is a wish and not an answer: it is unknown, too.
        """
        if text is None:
            return cls.STANDARD
        mode = _WORDS.get(text.strip().lower())
        if mode is None:
            known = ", ".join(cls)
            message = f"unknown processing mode {text[:_TEXT_MAX]!r}; known are {known}"
            raise UnknownMode(message, field)
        return mode


_TEXT_MAX: Final = 64
_WORDS: Final[dict[str, Mode]] = {
    **{mode.value: mode for mode in Mode},
    "default": Mode.STANDARD,  # OpenAI, Bedrock
    "on_demand": Mode.STANDARD,  # Groq, Google's trafficType
    "standard_only": Mode.STANDARD,
    "on_demand_flex": Mode.FLEX,
    "on_demand_priority": Mode.PRIORITY,
    "batches": Mode.BATCH,
}
