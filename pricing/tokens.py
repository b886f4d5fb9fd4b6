"""How many tokens a text has, or an answer will have: counted where that can be, else a labelled estimate.

===============  ============================================================================  ==========
method           how                                                                           confidence
===============  ============================================================================  ==========
``exact``        the model's own vocabulary, of the extra ``tokens`` (OpenAI models)           1
``history``      the median of the lengths of the agent's own answers; interval: 10 % to 90 %  n / (n + 5)
``chars_div_4``  characters / 4; interval: characters / 8 to bytes                             0.5
``task_x3``      three times description and criteria; interval: once to nine times             0.2
===============  ============================================================================  ==========

A confidence is a label for comparing methods, no probability. Vocabularies of Claude and Gemini are not
published: their texts are always estimated.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, NamedTuple, Protocol

from pricing.errors import ImpossibleCount

TEXT_MAX: Final = 4_000_000
"""The longest text that is counted, in characters; a longer one is an error."""
_CHARS_PER_TOKEN: Final = 4
_ROUND_TRIPS: Final = 3
_HISTORY_DOUBT: Final = 5
_ENCODINGS: Final = (
    ("o200k_base", ("gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "o1", "o3", "o4")),
    ("cl100k_base", ("gpt-4", "gpt-3.5", "text-embedding-3", "text-embedding-ada-002")),
)


class Method(StrEnum):
    """Where a number of tokens comes from."""

    EXACT = "exact"
    HISTORY = "history"
    CHARS_DIV_4 = "chars_div_4"
    TASK_X3 = "task_x3"


class TokenEstimate(NamedTuple):
    """So many tokens, how sure that is, and within which interval they may lie."""

    token_count: int
    confidence: float
    method: Method
    low: int
    high: int


class Vocabulary(Protocol):
    """What ``bpe-openai`` and ``tiktoken`` have in common."""

    def encode_ordinary(self, text: str) -> Sequence[int]:
        """The tokens of a text, in which nothing is special."""
        ...


def known(token_count: int) -> TokenEstimate:
    """A number of tokens that the caller knows."""
    if token_count < 0:
        raise ImpossibleCount(f"token_count ({token_count}) must not be negative", "token_count")
    return TokenEstimate(token_count, 1.0, Method.EXACT, token_count, token_count)


def estimate_tokens(text: str, model_id: str | None = None) -> TokenEstimate:
    """The tokens of a text for a model: exact where its vocabulary is at hand. Raises ``ImpossibleCount``."""
    if len(text) > TEXT_MAX:
        raise ImpossibleCount(f"a text of {len(text)} characters is longer than {TEXT_MAX}", "text")
    vocabulary = None if model_id is None else vocabulary_of(model_id)
    if vocabulary is not None:
        return known(len(vocabulary.encode_ordinary(text)))
    return by_characters(text)


def by_characters(text: str) -> TokenEstimate:
    """A quarter of the characters, and at least one token; no tokeniser makes more of them than bytes."""
    count = len(text) // _CHARS_PER_TOKEN or min(1, len(text))
    size = len(text.encode("utf-8", "surrogatepass"))
    return TokenEstimate(count, 0.5, Method.CHARS_DIV_4, len(text) // 8, max(count, size))


def by_history(lengths: Iterable[int]) -> TokenEstimate | None:
    """The length of the next answer by those of the answers before: median, and the middle 80 %."""
    ordered = sorted(lengths)
    if not ordered:
        return None
    if ordered[0] < 0:
        raise ImpossibleCount(f"a length ({ordered[0]}) must not be negative", "lengths")
    count = len(ordered)
    confidence = count / (count + _HISTORY_DOUBT)
    median = quantile(ordered, 50)
    return TokenEstimate(median, confidence, Method.HISTORY, quantile(ordered, 10), quantile(ordered, 90))


def by_task(description: str, criteria: Sequence[str], model_id: str | None = None) -> TokenEstimate:
    """What a task will use: its description and criteria, three times for the round trips."""
    parts = [estimate_tokens(description, model_id), estimate_tokens(" ".join(criteria), model_id)]
    count = sum(part.token_count for part in parts)
    return TokenEstimate(
        count * _ROUND_TRIPS, 0.2, Method.TASK_X3, count, count * _ROUND_TRIPS * _ROUND_TRIPS
    )


def quantile(ordered: Sequence[int], percent: int) -> int:
    """The smallest of these that so many percent of them are not above (nearest rank)."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, rank - 1)]


def encoding_of(model_id: str) -> str | None:
    """The name of the vocabulary of a model; None for one that is not published."""
    name = model_id.lower().rsplit("/", 1)[-1]
    return next((encoding for encoding, names in _ENCODINGS if name.startswith(names)), None)


@cache
def vocabulary_of(model_id: str) -> Vocabulary | None:
    """The vocabulary of a model, if it is published and the extra ``tokens`` is installed."""
    encoding = encoding_of(model_id)
    return None if encoding is None else _load(encoding)


@cache
def _load(encoding: str) -> Vocabulary | None:
    # tiktoken would download its vocabulary: only bpe-openai brings it along.
    if find_spec("bpe_openai") is None:
        return None
    library: Any = import_module("bpe_openai")
    return library.get_encoding(encoding)
