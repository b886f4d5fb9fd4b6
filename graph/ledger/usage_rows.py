"""What was used, in the properties of a TokenUsage node."""

from collections.abc import Mapping
from typing import Any, Final

from pricing.modes import Mode
from pricing.quote import PricingRequest
from pricing.resources import ResourceType, type_of
from pricing.units import BILLED, Resource, TokenCounts

COUNTED: Final = BILLED[2:]
"""The counts beside prompt and completion tokens, as they are called on a TokenUsage node."""


def resource_type_of(resource: Resource | None) -> str:
    """The source document's word for what was used."""
    return ResourceType.LLM_TOKENS.value if resource is None else type_of(resource.unit).value


def counts_of(node: Mapping[str, Any]) -> TokenCounts:
    """The disjoint counts of a TokenUsage node."""
    return TokenCounts.from_billed(
        prompt_tokens=node["prompt_tokens"],
        completion_tokens=node["completion_tokens"],
        **{name: node.get(name) or 0 for name in COUNTED},
    )


def request_of(node: Mapping[str, Any]) -> PricingRequest:
    """What is to be priced of a TokenUsage node, at its own date."""
    unit = node.get("unit")
    return PricingRequest(
        min(node["timestamp_us"], node["recorded_at_us"]),
        node.get("provider"),
        node.get("model_id"),
        counts_of(node),
        node.get("provider_cost_nano"),
        node.get("provider_cost_currency") or "USD",
        resource=None if unit is None else Resource(node["quantity_nano"], unit),
        mode=Mode.of(node.get("mode")),
    )
