"""What was used, in the properties of a TokenUsage node."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from graph.ledger.entry_rows import Properties, first_entry_properties, forced_properties, present
from ledger.changes import RecordedOperation
from ledger.model import Pricing, seq_uid, uid_of
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


def charged_rows(operations: Iterable[RecordedOperation]) -> list[Properties]:
    """Priced operations with their entries, by who consumed and what is charged.

    Those of a batch mostly are of few agents and paths: to find these once saves a tenth of the write.
    """
    found: dict[tuple[str, str], list[Properties]] = {}
    for each in operations:
        if each.entry is not None:
            row = {
                "uid": each.uid,
                "usage": usage_properties(each),
                "entry_uid": each.entry.uid,
                "entry": first_entry_properties(each.entry, each),
            }
            found.setdefault((each.agent_uid, each.path_uid), []).append(row)
    return [
        {"agent_uid": agent_uid, "path_uid": path_uid, "rows": rows}
        for (agent_uid, path_uid), rows in found.items()
    ]


def usage_properties(operation: RecordedOperation) -> Properties:
    """What a TokenUsage node holds beside its uid. What is absent is 0 or unknown."""
    sent, counts = operation.usage.sent, operation.usage.counts
    # Sortable keys: both engines walk an index of one string in order, and neither one of two properties.
    when = f"{operation.timestamp_us:016d}/{sent.operation_id}"
    properties: Properties = {
        "tenant": operation.tenant,
        "operation_id": sent.operation_id,
        "agent_id": sent.agent_id,
        "agent_uid": operation.agent_uid,
        "capability_type": sent.capability_type,
        "model_id": sent.model_id,
        "provider": operation.provider,
        "timestamp_us": operation.timestamp_us,
        "recorded_at_us": operation.recorded_at_us,
        "prompt_tokens": counts.prompt_tokens,
        "completion_tokens": counts.completion_tokens,
        "total_tokens": counts.total_tokens,
        "user_id": operation.user_id,
        "region": sent.region,
        "category": sent.category,
        "outcome": sent.outcome.value,
        "tags": operation.usage.tags_json,
        "usage_reported": operation.usage.usage_reported,
        "parent_operation_id": sent.parent_operation_id,
        "budget_id": operation.leaf_id,
        "charge_path": operation.path_uid,
        "resource_type": resource_type_of(operation.usage.resource),
        "pricing": operation.pricing.value,
        "unpriced_reason": operation.unpriced_reason,
        "unpriced_seq": operation.unpriced_seq,
        "unpriced_key": None
        if operation.unpriced_seq is None
        else seq_uid(operation.tenant, operation.unpriced_seq),
        "time_key": f"{operation.tenant}/{when}",
        "path_key": f"{operation.path_uid}/{when}",
        "agent_key": f"{operation.agent_uid}/{when}",
        "fingerprint": operation.usage.fingerprint,
        "warnings": operation.warnings_json,
        # What the provider charged waits for an exchange rate with the usage; else its entry has it.
        "provider_cost_nano": None if operation.entry else operation.usage.provider_cost_nano,
        "provider_cost_currency": None if operation.entry else operation.usage.provider_cost_currency,
        "reservation_id": operation.reservation_id,
        "estimated_cost_nano": operation.usage.estimated_nano,
    }
    if operation.unpriced_seq is not None:
        properties["charged_at_us"] = operation.charged_at_us
        properties |= forced_properties(operation.forced)
    if operation.pricing is not Pricing.PRICED:
        seq = operation.unpriced_seq if operation.entry is None else operation.entry.seq
        properties["awaiting_key"] = seq_uid(operation.tenant, seq or 0)
    if sent.session_id is not None:
        properties["session_id"] = sent.session_id
        properties["session_uid"] = uid_of(operation.tenant, sent.session_id)
    if operation.usage.mode is not Mode.STANDARD:
        properties["mode"] = operation.usage.mode.value
    if (resource := operation.usage.resource) is not None:
        properties |= {"unit": resource.unit, "quantity_nano": resource.quantity_nano}
        properties["units_nano"] = resource.quantity_nano
    # What was itemised; a provider's own object says it in other words.
    properties |= counts.billed()
    return present(properties)
