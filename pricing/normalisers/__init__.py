"""From a provider's own answer to disjoint counts: one module per family of providers.

Each reads a whole response (:data:`RESPONSES`) or the events of a stream (:data:`STREAMS`), in the words that
the provider publishes, as decoded JSON. What is not said is 0; what cannot be is an error that names both
numbers; a processing mode that nobody knows is an error. Fields that are new since do no harm.

===================  ==========================================================================
family               cached tokens and reasoning
===================  ==========================================================================
openai_chat          inside ``prompt_tokens``; inside ``completion_tokens``
openai_responses     inside ``input_tokens``; inside ``output_tokens``
anthropic            beside ``input_tokens``, reads and writes; thinking inside ``output_tokens``
google               inside ``promptTokenCount``; thoughts beside ``candidatesTokenCount``
bedrock              beside ``inputTokens``
mistral              inside ``prompt_tokens``
openai_compatible    as OpenAI, with each imitator's own fields
===================  ==========================================================================
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from pricing.normalisers import anthropic, bedrock, compatible, google, mistral, openai
from pricing.normalisers.shape import Normalised


class Family(StrEnum):
    """Whose shape a usage object has."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    BEDROCK = "bedrock"
    MISTRAL = "mistral"
    OPENAI_COMPATIBLE = "openai_compatible"


RESPONSES: Final[Mapping[Family, Callable[[Mapping[str, Any]], Normalised]]] = {
    Family.OPENAI_CHAT: openai.chat,
    Family.OPENAI_RESPONSES: openai.responses,
    Family.ANTHROPIC: anthropic.message,
    Family.GOOGLE: google.content,
    Family.BEDROCK: bedrock.converse,
    Family.MISTRAL: mistral.chat,
    Family.OPENAI_COMPATIBLE: compatible.chat,
}
STREAMS: Final[Mapping[Family, Callable[[Iterable[Mapping[str, Any]]], Normalised | None]]] = {
    Family.OPENAI_CHAT: openai.chat_stream,
    Family.OPENAI_RESPONSES: openai.responses_stream,
    Family.ANTHROPIC: anthropic.stream,
    Family.GOOGLE: google.stream,
    Family.BEDROCK: bedrock.stream,
    Family.MISTRAL: mistral.stream,
    Family.OPENAI_COMPATIBLE: compatible.stream,
}


def normalise(family: Family, response: Mapping[str, Any]) -> Normalised:
    """The counts of a whole response. Raises a ``PricingError`` for what is not one, or cannot be."""
    return RESPONSES[family](response)


def normalise_stream(family: Family, events: Iterable[Mapping[str, Any]]) -> Normalised | None:
    """The counts of a stream so far; None where no event has told any yet.

    A stream that broke off has what its events told, which the caller's own count may exceed.
    """
    return STREAMS[family](events)


__all__ = ["Family", "Normalised", "normalise", "normalise_stream"]
