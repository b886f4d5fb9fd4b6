"""Between reservations and the properties of their nodes."""

from collections.abc import Iterable
from typing import Any, Final

from cypher.ledger import HoldRow
from graph.ledger.entry_rows import present
from ledger.holds import Decision, HeldOverride, HeldStream, HeldWindows, Hold, HoldState, expiry_key
from ledger.model import ChargePath

Properties = dict[str, Any]

WINDOW_LISTS: Final = ("cost_windows", "token_windows", "request_windows", "level_windows")
"""In the order of ``HeldWindows``."""
AT_ONCE: Final = 1_000
"""How many holds are read at a time."""


def hold_figures(hold: Hold) -> Properties:
    """What changes on a Reservation node: its windows only as long as it holds, as then they may move."""
    figures = {
        "state": hold.state.value,
        "at_us": hold.at_us,
        "expires_at_us": hold.expires_at_us,
        "expiry_key": expiry_key(hold),
        "amount_nano": hold.amount_nano,
        "cost_nano": hold.cost_nano,
        "tokens": hold.tokens,
        "requests": hold.requests,
        "level": hold.level,
        "charged_nano": hold.charged_nano,
        "overrun_nano": hold.overrun_nano,
    }
    if hold.state is HoldState.HELD:
        figures |= _windows(hold.windows)
    if hold.override is not None:
        figures["override_nano"] = hold.override.amount_nano
    if hold.stream is not None:
        figures |= _stream(hold.stream)
    if hold.processing_time_ms is not None:
        figures["processing_time_ms"] = hold.processing_time_ms
    return figures


def _stream(stream: HeldStream) -> Properties:
    return {
        "stream_operation_id": stream.operation_id,
        "stream_started_us": stream.started_us,
        "stream_chunks": [number for run in stream.chunks for number in run],
        "stream_ended": stream.ended,
    }


def _override_of(node: Properties) -> HeldOverride | None:
    if node.get("override_uid") is None:
        return None
    windows = tuple(node.get("override_windows") or ())
    return HeldOverride(node["override_uid"], node["override_budget_uid"], node["override_nano"], windows)


def _stream_of(node: Properties) -> HeldStream | None:
    if node.get("stream_operation_id") is None:
        return None
    numbers: list[int] = node.get("stream_chunks") or []
    runs = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return HeldStream(node["stream_operation_id"], node["stream_started_us"], runs, node["stream_ended"])


def _windows(windows: HeldWindows) -> Properties:
    return {name: list(uids) or None for name, uids in zip(WINDOW_LISTS, windows, strict=True)}


def held_rows(holds: Iterable[Hold]) -> list[Properties]:
    """New reservations, by what they hold on."""
    found: dict[str, list[Properties]] = {}
    for each in holds:
        found.setdefault(each.path.uid, []).append({"uid": each.uid, "properties": hold_properties(each)})
    return [{"path_uid": path_uid, "rows": rows} for path_uid, rows in found.items()]


def hold_properties(hold: Hold) -> Properties:
    """What a new Reservation node holds beside its uid."""
    properties = {
        **hold_figures(hold),
        **_windows(hold.windows),
        "tenant": hold.tenant,
        "reservation_id": hold.reservation_id,
        "fingerprint": hold.fingerprint,
        "agent_id": hold.agent_id,
        "budget_id": hold.leaf_id,
        "charge_path": hold.path.uid,
        "created_at_us": hold.created_at_us,
        "user_id": hold.user_id,
        "provider": hold.provider,
        "model_id": hold.model_id,
        "resource": hold.resource,
        "level_of": hold.level_of,
        "decision": hold.decision.value,
        "warnings": hold.warnings,
        "prompt_tokens": hold.prompt_tokens,
        "ttl_seconds": hold.ttl_seconds,
    }
    if hold.override is not None:
        properties |= {
            "override_uid": hold.override.uid,
            "override_budget_uid": hold.override.budget_uid,
            "override_windows": list(hold.override.windows),
        }
    return present(properties)


def hold_of(row: HoldRow) -> Hold:
    """The reservation of a node's properties and its path."""
    node = row["hold"]
    tenant = node["tenant"]
    return Hold(
        node["uid"],
        tenant,
        node["reservation_id"],
        node["fingerprint"],
        node["agent_id"],
        ChargePath(node["charge_path"], tenant, tuple(row["chain"]), tuple(row["scoped"])),
        node["at_us"],
        node["created_at_us"],
        node["expires_at_us"],
        node["amount_nano"],
        node["cost_nano"],
        node["tokens"],
        node["requests"],
        node["level"],
        HeldWindows(*(tuple(node.get(name) or ()) for name in WINDOW_LISTS)),
        node.get("user_id"),
        node.get("provider"),
        node.get("model_id"),
        node["resource"],
        node.get("level_of"),
        HoldState(node["state"]),
        node["charged_nano"],
        node["overrun_nano"],
        Decision(node["decision"]),
        node.get("warnings"),
        node.get("prompt_tokens") or 0,
        node.get("ttl_seconds") or 0,
        _override_of(node),
        _stream_of(node),
        node.get("processing_time_ms"),
        stored=True,
    )
