"""Between cost entries and the properties of their nodes."""

from typing import Any

from ledger.changes import RecordedOperation
from ledger.model import CostEntry, EntryKind, Forced

Properties = dict[str, Any]


def present(properties: Properties) -> Properties:
    """Without what is unknown: a new node needs no nulls, and they cost the driver and the engine a tenth."""
    return {name: value for name, value in properties.items() if value is not None}


def entry_properties(entry: CostEntry, path_uid: str) -> Properties:
    """What a CostEntry node holds beside its uid."""
    properties: Properties = {
        "tenant": entry.tenant,
        "token_usage_id": entry.token_usage_id,
        "kind": entry.kind.value,
        "prompt_cost_nano": entry.prompt_cost_nano,
        "completion_cost_nano": entry.completion_cost_nano,
        "other_cost_nano": entry.other_cost_nano,
        "total_cost_nano": entry.total_cost_nano,
        "currency": entry.currency,
        "seq": entry.seq,
        "charged_at_us": entry.charged_at_us,
        "recorded_at_us": entry.recorded_at_us,
        "charge_path": path_uid,
        "operations": entry.operations,
        "prompt_tokens": entry.prompt_tokens,
        "completion_tokens": entry.completion_tokens,
        "price_source": entry.price_source,
        "price_card": entry.price_card,
        "price_date": entry.price_date,
        "catalogue_version": entry.catalogue_version,
        "catalogue_hash": entry.catalogue_hash,
        "adjusts": entry.adjusts,
        "reason": entry.reason,
        "list_cost_nano": entry.list_cost_nano,
        "fx_rate": entry.fx_rate,
        "fx_date": entry.fx_date,
        "fx_source": entry.fx_source,
        "fx_from": entry.fx_from,
        "billed_cost_nano": entry.billed_cost_nano,
    }
    return present(properties | forced_properties(entry.forced))


def forced_properties(forced: Forced) -> Properties:
    """What a charge forced past limits, as two lists; mostly nothing."""
    if not forced:
        return {}
    uids, amounts = zip(*forced, strict=True)
    return {"forced_windows": list(uids), "forced_amounts": list(amounts)}


def first_entry_properties(entry: CostEntry, operation: RecordedOperation) -> Properties:
    """The same of an operation's first entry, which adds its quantity to the rollups."""
    properties = entry_properties(entry, operation.path_uid)
    if operation.usage.resource is not None:
        properties["units_nano"] = operation.usage.resource.quantity_nano
    return properties


def entry_of(node: Properties) -> CostEntry:
    """The entry of a node's properties."""
    return CostEntry(
        node["uid"],
        node["tenant"],
        node["token_usage_id"],
        EntryKind(node["kind"]),
        node["prompt_cost_nano"],
        node["completion_cost_nano"],
        node["other_cost_nano"],
        node["total_cost_nano"],
        node["currency"],
        node["seq"],
        node["charged_at_us"],
        node["recorded_at_us"],
        node.get("price_source"),
        node.get("price_card"),
        node.get("price_date"),
        node.get("catalogue_version"),
        node.get("catalogue_hash"),
        node["operations"],
        node["prompt_tokens"],
        node["completion_tokens"],
        node.get("adjusts"),
        node.get("reason"),
        node.get("list_cost_nano"),
        node.get("fx_rate"),
        node.get("fx_date"),
        node.get("fx_source"),
        node.get("fx_from"),
        node.get("billed_cost_nano"),
        tuple(zip(node.get("forced_windows") or (), node.get("forced_amounts") or (), strict=True)),
    )
