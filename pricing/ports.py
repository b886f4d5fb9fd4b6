"""What pricing needs from others. ``graph`` will implement it for contracts, overrides and imported files."""

from typing import Protocol

from pricing.rates import Card


class RateSource(Protocol):
    """One link of the chain that a price is looked up in; the first that knows the model wins."""

    def find(self, provider: str | None, model_id: str, at_us: int) -> Card | None:
        """The price of a model that was valid at an instant, or None where this source knows none."""
        ...
