"""Events: their types and bodies (source document 001:224-241; what follows ``timestamp`` is ours)."""

import re
from enum import StrEnum
from typing import Any, Final

from ledger.errors import InvalidInput
from ledger.model import Budget, Limit, Meter, Window, seq_uid
from ledger.windows import EXCEEDED_PPM
from pricing.calendar import to_datetime
from pricing.money import format_nano

BUDGET_WARNING: Final = "budget.warning"
BUDGET_EXCEEDED: Final = "budget.exceeded"
BUDGET_RECOVERED: Final = "budget.recovered"
BUDGET_OVERRIDDEN: Final = "budget.overridden"
BUDGET_LOW_BALANCE: Final = "budget.low_balance"
COST_RECORDED: Final = "cost.recorded"
EVENT_TYPES: Final = (
    BUDGET_WARNING,
    BUDGET_EXCEEDED,
    BUDGET_RECOVERED,
    BUDGET_OVERRIDDEN,
    BUDGET_LOW_BALANCE,
    COST_RECORDED,
)
"""Those that webhooks may ask for."""


class BudgetEventType(StrEnum):
    """What happened to a budget's window.

    It reached a threshold below its limit, or the limit itself; it left one again; an override let its first
    reservation pass; little credit is left.
    """

    BUDGET_WARNING = BUDGET_WARNING
    BUDGET_EXCEEDED = BUDGET_EXCEEDED
    BUDGET_RECOVERED = BUDGET_RECOVERED
    BUDGET_OVERRIDDEN = BUDGET_OVERRIDDEN
    BUDGET_LOW_BALANCE = BUDGET_LOW_BALANCE


_SEQ: Final = re.compile(r"[0-9]{16}")


def budget_event(
    budget: Budget, limit: Limit, window: Window, threshold_ppm: int, now_us: int
) -> tuple[str, dict[str, Any]]:
    """The type and the body of the event that a window reached a threshold."""
    amount = limit.amount or 0
    body = {
        "budget_id": budget.budget_id,
        "resource_id": budget.resource_id,
        "budget_type": budget.budget_type.value,
        "current_usage": _figure(limit.meter, window.spent),
        "budget_amount": _figure(limit.meter, amount),
        "percentage_used": window.spent / amount if amount else 1.0,
        "timestamp": _instant(now_us),
        "currency": budget.currency,
        "threshold": threshold_ppm / 1_000_000,
        "meter": limit.meter.value,
        "window": None if limit.window is None else limit.window.value,
        "window_start": _instant(window.start_us),
        "window_end": _instant(window.end_us),
    }
    event_type = BUDGET_EXCEEDED if threshold_ppm >= EXCEEDED_PPM else BUDGET_WARNING
    return event_type, body


def low_balance_body(
    budget: Budget, limit: Limit, window: Window, amount: int, now_us: int
) -> dict[str, Any]:
    """The body of the event that a balance is low: ``threshold`` is the fraction that is spent then."""
    low_nano = budget.low_balance_nano or 0
    threshold_ppm = max(0, amount - low_nano) * 1_000_000 // amount if amount else 1_000_000
    _, body = budget_event(budget, limit, window, threshold_ppm, now_us)
    return {
        **body,
        "balance": format_nano(amount - window.spent),
        "low_balance_threshold": format_nano(low_nano),
    }


def cost_body(
    event_id: str,
    operation_id: str,
    agent_id: str,
    budget_id: str,
    total_cost_nano: int,
    currency: str,
    at_us: int,
    *,
    kind: str,
    used_at_us: int,
    model_id: str | None,
    session_id: str | None,
) -> dict[str, Any]:
    """The body of ``cost.recorded``: one entry, written at ``timestamp``, for usage of ``used_at``."""
    return {
        "event_id": event_id,
        "operation_id": operation_id,
        "agent_id": agent_id,
        "budget_id": budget_id,
        "total_cost": format_nano(total_cost_nano),
        "currency": currency,
        "timestamp": _instant(at_us),
        "kind": kind,
        "used_at": _instant(used_at_us),
        "model_id": model_id,
        "session_id": session_id,
    }


def seq_of(tenant: str, event_id: str, field: str = "after") -> int:
    """The place of an event in its tenant's sequence. Raises ``InvalidInput`` for any other text."""
    seq = event_id.removeprefix(seq_uid(tenant, 0)[:-16])
    if seq == event_id or not _SEQ.fullmatch(seq):
        raise InvalidInput(f"{field} is not the id of an event: pass an eventId, unchanged.", field=field)
    return int(seq)


def _figure(meter: Meter, value: int) -> str:
    return format_nano(value) if meter is Meter.COST else str(value)


def _instant(instant_us: int | None) -> str | None:
    return None if instant_us is None else to_datetime(instant_us).isoformat()
