"""Refusals in words: which limit, how much of it is taken, what to do about it.

The texts begin as the source documents' do (000:730-766, 000:1050).
"""

from collections.abc import Sequence
from typing import Final

from ledger.model import WALLET_LIMIT, Budget, Limit, Meter, Recurrence, Window, WindowKind
from ledger.results import BudgetExceeded, Violation
from pricing.calendar import to_datetime
from pricing.money import format_nano

_ADJECTIVE: Final = {
    WindowKind.MINUTE: "minute",
    WindowKind.HOUR: "hourly",
    WindowKind.DAY: "daily",
    WindowKind.WEEK: "weekly",
    WindowKind.MONTH: "monthly",
    WindowKind.YEAR: "yearly",
    WindowKind.LIFETIME: "lifetime",
}
_RECURRING: Final = {
    Recurrence.NONE: "period",
    Recurrence.DAILY: "daily",
    Recurrence.WEEKLY: "weekly",
    Recurrence.MONTHLY: "monthly",
    Recurrence.QUARTERLY: "quarterly",
    Recurrence.YEARLY: "yearly",
}
_PER: Final = {
    WindowKind.MINUTE: "min",
    WindowKind.HOUR: "hour",
    WindowKind.DAY: "day",
    WindowKind.WEEK: "week",
    WindowKind.MONTH: "month",
    WindowKind.YEAR: "year",
    WindowKind.PERIOD: "period",
    WindowKind.LIFETIME: "lifetime",
}

INSUFFICIENT: Final = "Insufficient balance"
"""How the refusal of a wallet begins."""
_ADVICE: Final = {
    Meter.COST: "Raise the limit, use a cheaper model, cache prompts, batch requests, or look for runaway "
    "agents (costgraph status --verbose).",
    Meter.TOKENS: "Raise the limit, shorten or cache prompts, ask for fewer completion tokens, or look for "
    "runaway agents (costgraph status --verbose).",
    Meter.REQUESTS: "Slow down, batch requests, or raise the limit.",
    Meter.LEVEL: "Release what is not needed, wait until some of it is, or raise the limit.",
    Meter.SIZE: "Split the file, compress it, or raise the limit.",
    Meter.AGE: "Ask for less time; when there is none left, end the lease and begin a new one, or raise the "
    "limit.",
}


def violation_of(
    budget: Budget, limit: Limit, window: Window | None, amount: int, asked: int, *, visible: bool
) -> Violation:
    """A limit that a request would pass; ``window`` is None for a limit on a single operation."""
    spent = 0 if window is None else window.spent
    reserved = 0 if window is None else window.reserved
    head, rest = _text(budget, limit, spent + reserved, asked, amount)
    resets_at_us = None if window is None else window.end_us
    if not visible:
        text = f"{head}: a limit above this key's own budget"
        return Violation(
            text, None, limit.meter, limit.window, 0, 0, 0, asked, 0, 0, resets_at_us, redacted=True
        )
    return Violation(
        f"{head}: {rest}{_whose(limit, window)} (budget {budget.budget_id})",
        budget.budget_id,
        limit.meter,
        limit.window,
        amount,
        spent,
        reserved,
        asked,
        amount - spent - reserved,
        spent + reserved + asked,
        resets_at_us,
    )


def exceeded(violations: Sequence[Violation]) -> BudgetExceeded:
    """The refusal that names them all."""
    message = "; ".join(dict.fromkeys(each.message for each in violations))
    meters = dict.fromkeys(each.meter for each in violations)
    advice = [_ADVICE.get(meter, "Raise the limit.") for meter in meters]
    if any(each.message.startswith(INSUFFICIENT) for each in violations):
        advice.insert(0, "Top up the budget (costgraph budget top-up).")
    detail = " ".join(advice)
    resets = [each.resets_at_us for each in violations]
    if all(each is not None for each in resets):
        at_us = max(each for each in resets if each is not None)
        detail += f" The limit resets at {to_datetime(at_us).isoformat()}."
    return BudgetExceeded(message, tuple(violations), detail)


def _text(  # noqa: PLR0911 - one line a text
    budget: Budget, limit: Limit, used: int, asked: int, amount: int
) -> tuple[str, str]:
    """Before and after the colon."""
    window = limit.window
    adjective = _adjective(budget, window)
    match limit.meter:
        case Meter.COST:
            return _cost_text(budget, limit, used, asked, amount)
        case Meter.TOKENS if window is WindowKind.REQUEST:
            return "Max context length exceeded", f"{asked} / {amount}"
        case Meter.TOKENS:
            return f"{adjective.capitalize()} token quota exceeded", f"{used} / {amount}"
        case Meter.REQUESTS:
            return "Rate limit exceeded", f"{amount} req/{_PER[window or WindowKind.LIFETIME]}"
        case Meter.LEVEL:
            return f"Max concurrent {limit.resource} reached", f"{amount}"
        case Meter.SIZE:
            return "Max file size exceeded", f"{asked} / {amount} bytes"
        case Meter.AGE:
            return "Max lifetime reached", f"{amount} s"


def _cost_text(budget: Budget, limit: Limit, used: int, asked: int, amount: int) -> tuple[str, str]:
    if limit.key == WALLET_LIMIT:
        left = _money(budget, max(0, amount - used))
        return INSUFFICIENT, f"{_money(budget, asked)} requested, {left} available"
    if limit.window is WindowKind.REQUEST:
        return "Cost of one request exceeded", f"{_money(budget, asked)} / {_money(budget, amount)}"
    if limit.window is WindowKind.DAY:
        return "Daily cost quota exceeded", f"{format_nano(used)} / {format_nano(amount)}"
    would_be, most = _money(budget, used + asked), _money(budget, amount)
    return "Budget exceeded", f"{would_be} / {most} {_adjective(budget, limit.window)} limit"


def _adjective(budget: Budget, window: WindowKind | None) -> str:
    if window is WindowKind.PERIOD:
        bounded = budget.period_start_us is not None or budget.period_end_us is not None
        unbounded = budget.recurrence is Recurrence.NONE and not bounded
        return "lifetime" if unbounded else _RECURRING[budget.recurrence]
    return _ADJECTIVE.get(window, "") if window is not None else ""


def _money(budget: Budget, nano: int) -> str:
    text = format_nano(nano)
    return f"${text}" if budget.currency == "USD" else f"{text} {budget.currency}"


def _whose(limit: Limit, window: Window | None) -> str:
    if limit.each is None or window is None:
        return ""
    member = window.uid.removeprefix(f"{limit.uid}@").partition("/")[2]
    return f" for {limit.each.lower()} {member}"
