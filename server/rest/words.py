"""How values of the ledger are written in REST: money as exact decimal strings, instants in ISO 8601 UTC."""

from functools import lru_cache
from typing import Any

from ledger import model
from ledger.model import CostEntry, Meter
from pricing.calendar import to_datetime
from pricing.money import format_nano

PPM = 1_000_000


def instant(instant_us: int | None) -> str | None:
    """``2026-11-22T09:00:00.123456Z``."""
    if instant_us is None:
        return None
    second, microseconds = divmod(instant_us, 1_000_000)
    return f"{_second(second)}.{microseconds:06d}Z" if microseconds else f"{_second(second)}Z"


@lru_cache(4_096)
def _second(second: int) -> str:
    """Most instants of an answer lie within seconds of each other."""
    return to_datetime(second * 1_000_000).replace(tzinfo=None).isoformat()


def money(nano: int | None) -> str | None:
    """An amount of nano-units as a plain decimal."""
    return None if nano is None else format_nano(nano)


def quantity(amount: int | None, meter: Meter | None) -> str | None:
    """A figure in a limit's unit: money for COST, else a count."""
    if amount is None:
        return None
    return format_nano(amount) if meter in (None, Meter.COST) else str(amount)


def fraction(ppm: int | None) -> float | None:
    """Parts per million as a fraction."""
    return None if ppm is None else ppm / PPM


def cost_entry(entry: CostEntry | None) -> dict[str, Any] | None:
    """The entry's costs, and which price made them."""
    if entry is None:
        return None
    return {
        "total_cost": format_nano(entry.total_cost_nano),
        "prompt_cost": format_nano(entry.prompt_cost_nano),
        "completion_cost": format_nano(entry.completion_cost_nano),
        "other_cost": format_nano(entry.other_cost_nano),
        "currency": entry.currency,
        "charged_at": instant(entry.charged_at_us),
        "price_source": entry.price_source,
    }


def warning(each: model.Warning) -> dict[str, Any]:
    """Something that the caller should know about an operation that landed all the same."""
    return {
        "code": each.code,
        "message": each.message,
        "budget_id": each.budget_id,
        "meter": each.meter,
        "window": each.window,
        "limit": quantity(each.limit, each.meter),
        "spent": quantity(each.spent, each.meter),
        "reserved": quantity(each.reserved, each.meter),
        "utilization": fraction(each.utilization_ppm),
        "threshold": fraction(each.threshold_ppm),
        "late": each.late,
    }
