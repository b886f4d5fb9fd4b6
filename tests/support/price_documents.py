"""Documents of price sources: price lists of the stated shape, and LiteLLM's file, with prices as asked."""

import json
from fractions import Fraction
from typing import Any

from graph.price_sources import PriceSources
from ledger.price_sources import Attempt, HeldState, RefreshOutcome, StoredSource
from ledger.refresh import Held
from pricing.price_list import FORMAT
from pricing.review import Jump, Verdict
from pricing.sources import Offered, PriceSource, SourceKind

MODEL = "acme-large"
"""A model that no catalogue knows."""


def model(price: Any = "2", *, name: str = MODEL, completion: Any = "8", **fields: Any) -> dict[str, Any]:
    """A model's prices for a million tokens in and out."""
    lines = [
        {"unit": "uncached", "price": price, "per": 1_000_000},
        {"unit": "completion", "price": completion, "per": 1_000_000},
    ]
    return {"model": name, "valid_from": "2026-01-01", "lines": lines, **fields}


def price_list(*models: dict[str, Any], **fields: Any) -> bytes:
    """A price list of a provider that no catalogue knows."""
    document = {"format": FORMAT, "provider": "acme", "version": "v1", "models": list(models or (model(),))}
    return json.dumps({**document, **fields}).encode()


def litellm_file(prices: dict[str, Any]) -> bytes:
    """LiteLLM's file with prices per token; what is no number is a whole row."""
    rows = {
        name: price
        if isinstance(price, dict)
        else {"litellm_provider": "acme", "input_cost_per_token": price, "output_cost_per_token": price}
        for name, price in prices.items()
    }
    return json.dumps(rows).encode()


def holding_source(sources: PriceSources, tenant: str, source_id: str, word: str = "acme") -> str:
    """Set up a source of which one price waits; the price's id. Its texts hold the word."""
    location = f"https://{word}.example/prices"
    source = PriceSource(source_id, SourceKind.PRICE_LIST, location, every_seconds=None)
    sources.put(StoredSource(tenant, source, f"{word}-key", 1))
    leased = sources.lease(tenant, source_id)
    assert leased is not None
    jump = Jump(f"{word}/model", "uncached", Fraction(1), Fraction(7777), Verdict.ROSE)
    held = Held(Offered(f"{word}/model", row=json.dumps({word: 777.7})), (jump,))
    sources.finish(leased, Attempt(1, RefreshOutcome.UPDATED, held=1, version=word, etag=word), [held])
    ((_, found),) = sources.held_page(tenant, HeldState.HELD, source_id, None, 2)
    return found.held_id
