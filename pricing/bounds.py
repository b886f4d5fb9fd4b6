"""What a call costs at most, before it is made: so much is held for it.

The prompt is known and costs today's price; the completion is as long as the caller allows, else as long as
the model can make it (a table that we maintain), else as long as its context window leaves room for. Where
none of them is known there is no bound, and nobody pretends that there is one.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from pricing.catalogue import Catalogue
from pricing.quote import Pricer, Pricing, PricingRequest
from pricing.units import TokenCounts


class BoundSource(StrEnum):
    """Where the length of the completion comes from."""

    ASKED = "ASKED"
    MODEL_OUTPUT = "MODEL_OUTPUT"
    CONTEXT_WINDOW = "CONTEXT_WINDOW"


NO_BOUND: Final = "NO_BOUND"
# What may follow a model's name without making it another model: dates, revisions, tags.
_TAG: Final = re.compile(r"\d{2,8}|latest|preview|exp|experimental|beta|maas|free|extended|v\d.*")


class Bound(NamedTuple):
    """The most that a call can use. What is None nobody knows, and ``reason`` says why."""

    cost_nano: int | None = None
    currency: str = "USD"
    tokens: int | None = None
    source: BoundSource | None = None
    reason: str | None = NO_BOUND
    request: PricingRequest | None = None
    """The longest call that it is for: what a contract makes of it is for the ledger to say."""


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """How long a model's answers and contexts can be, in tokens; None where nobody says."""

    max_output_tokens: int | None
    context_tokens: int | None


class ModelTable:
    """The limits of models by name."""

    def __init__(self, rows: Mapping[str, ModelLimits]) -> None:
        self._rows = dict(rows)

    def find(self, model_id: str) -> ModelLimits | None:
        """The limits of a model; dated, tagged and prefixed ids are those of the plain name."""
        name = model_id.lower()
        found = self._tagged(name)
        while found is None and "/" in name:
            name = name.partition("/")[2]
            found = self._tagged(name)
        return found

    def _tagged(self, name: str) -> ModelLimits | None:
        while name not in self._rows:
            end = max(name.rfind(mark) for mark in "-@:")
            if end <= 0 or not _TAG.fullmatch(name, end + 1):
                return None
            name = name[:end]
        return self._rows[name]


@cache
def load_models() -> ModelTable:
    """The table that ships with this room; each row says where its figures come from."""
    text = files("pricing").joinpath("data/models.toml").read_text(encoding="utf-8")
    return ModelTable(
        {
            name: ModelLimits(row.get("max_output_tokens"), row.get("context_tokens"))
            for name, row in tomllib.loads(text)["models"].items()
        }
    )


class Bounds:
    """Upper bounds by a pricer and a table of models; the catalogue knows the contexts of many more."""

    def __init__(self, pricer: Pricer, models: ModelTable, catalogue: Catalogue | None = None) -> None:
        self._pricer = pricer
        self._models = models
        self._catalogue = catalogue

    def bound(
        self,
        *,
        at_us: int,
        provider: str | None,
        model_id: str | None,
        prompt_tokens: int | None,
        max_completion_tokens: int | None,
    ) -> Bound:
        """The most that a call can use. Raises ``PricingError`` for instants and sums that cannot be.

        A prompt of unknown length may be as long as the context window allows.
        """
        limits = None if model_id is None else self._limits(provider, model_id)
        context = None if limits is None else limits.context_tokens
        completion, source = max_completion_tokens, BoundSource.ASKED
        if completion is None and limits is not None and limits.max_output_tokens is not None:
            completion, source = limits.max_output_tokens, BoundSource.MODEL_OUTPUT
        if completion is None and context is not None:
            completion, source = max(0, context - (prompt_tokens or 0)), BoundSource.CONTEXT_WINDOW
        prompt = prompt_tokens
        if prompt is None and context is not None and completion is not None:
            prompt = max(0, context - completion)
        if completion is None or prompt is None:
            return Bound()
        counts = TokenCounts(uncached=prompt, completion=completion)
        request = PricingRequest(at_us, provider, model_id, counts)
        quote = self._pricer.quote(request)
        tokens = prompt + completion
        if quote.pricing is not Pricing.PRICED:
            return Bound(None, quote.currency, tokens, source, str(quote.reason), request)
        return Bound(quote.total_nano, quote.currency, tokens, source, None, request)

    def _limits(self, provider: str | None, model_id: str) -> ModelLimits | None:
        limits = self._models.find(model_id)
        if limits is None and self._catalogue is not None:
            context = self._catalogue.context_tokens(provider, model_id)
            limits = None if context is None else ModelLimits(None, context)
        return limits
