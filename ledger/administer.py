"""Decide changes to budgets: create, update, move, close."""

from dataclasses import replace
from typing import Any, Final

from ledger.commands import CloseBudget, CreateBudget, LimitSpec, MoveBudget, UpdateBudget
from ledger.errors import (
    BudgetClosed,
    Conflict,
    CurrencyMismatch,
    CycleRefused,
    Forbidden,
    InvalidInput,
    NotFound,
    OutOfRange,
)
from ledger.limits import amount_limit, limits_of
from ledger.model import UNATTRIBUTED, Budget, Meter, Recurrence, Schedule, uid_of
from ledger.state import TenantState
from ledger.windows import PPM, schedule_at, window_span
from pricing.calendar import Unit, bounds, zone
from pricing.errors import PricingError
from pricing.money import NANO_MAX, validate_currency

DEPTH_MAX: Final = 256
UPDATABLE: Final = frozenset(
    {
        "name",
        "amount_nano",
        "resource_id",
        "period_start_us",
        "period_end_us",
        "recurrence",
        "timezone",
        "warning_threshold_ppm",
        "priority",
        "limits",
    }
)


def create_budget(state: TenantState, command: CreateBudget, now_us: int) -> Budget:
    """Create a budget, or return the one that has the same content. Raises ``LedgerError``."""
    _check(command)
    uid = uid_of(command.tenant, command.budget_id)
    parent = _parent(state, command)
    schedule = Schedule(0, command.recurrence, command.timezone)
    budget = Budget(
        uid=uid,
        tenant=command.tenant,
        budget_id=command.budget_id,
        parent_uid=None if parent is None else parent.uid,
        name=command.name,
        amount_nano=command.amount_nano,
        currency=command.currency,
        budget_type=command.budget_type,
        resource_id=command.resource_id,
        period_start_us=command.period_start_us,
        period_end_us=command.period_end_us,
        recurrence=command.recurrence,
        timezone=command.timezone,
        rollup_timezone=command.timezone,
        warning_threshold_ppm=command.warning_threshold_ppm,
        priority=command.priority,
        created_at_us=now_us,
        schedules=(schedule,),
        limits=limits_of(uid, command.amount_nano, command.warning_threshold_ppm, command.limits),
    )
    existing = state.tree.get(uid)
    if existing is not None:
        return _same_or_conflict(state, command, existing, budget)
    if parent is not None:
        _check_below(state, budget, parent)
    state.put_budget(budget)
    return budget


def _same_or_conflict(state: TenantState, command: CreateBudget, existing: Budget, asked: Budget) -> Budget:
    comparable = replace(
        asked, created_at_us=existing.created_at_us, rollup_timezone=existing.rollup_timezone
    )
    if comparable == existing and state.tree.within(existing.uid, command.scope_uid):
        return existing
    raise Conflict(
        f"Budget {command.budget_id} exists with other content. Use updateBudget or moveBudget to change it.",
        field="budget_id",
    )


def _check(command: CreateBudget) -> None:
    _check_id(command.budget_id, "budget_id")
    try:
        validate_currency(command.currency)
    except PricingError as error:
        raise InvalidInput(str(error), field="currency") from error
    _check_fields(
        command.amount_nano,
        command.period_start_us,
        command.period_end_us,
        command.timezone,
        command.warning_threshold_ppm,
    )


def _check_id(identifier: str, field: str) -> None:
    if not 0 < len(identifier) <= 256 or not identifier.isprintable():  # noqa: PLR2004 - the contract's bound
        raise InvalidInput(f"{field} must have 1 to 256 printable characters", field=field)


def _check_fields(
    amount_nano: int | None,
    period_start_us: int | None,
    period_end_us: int | None,
    timezone: str,
    warning_threshold_ppm: int,
) -> None:
    if amount_nano is not None and amount_nano < 0:
        raise InvalidInput("amount must not be negative", field="amount")
    if amount_nano is not None and amount_nano > NANO_MAX:
        raise OutOfRange("amount does not fit into 64 bits of nano-units", field="amount")
    if period_start_us is not None and period_end_us is not None and period_end_us <= period_start_us:
        raise InvalidInput("period_end must be after period_start", field="period_end")
    try:
        zone(timezone)
    except PricingError as error:
        raise InvalidInput(str(error), field="timezone") from error
    if not 0 < warning_threshold_ppm <= PPM:
        raise InvalidInput("warning_threshold must be above 0 and at most 1", field="warning_threshold")


def _parent(state: TenantState, command: CreateBudget) -> Budget | None:
    if command.parent_budget_id is None:
        if command.scope_uid is not None:
            text = "This key is confined to a budget: name a parentBudgetId in its subtree."
            raise InvalidInput(text, field="parent_budget_id")
        return None
    return _visible(state, command.scope_uid, command.parent_budget_id, "parent_budget_id")


def _visible(state: TenantState, scope_uid: str | None, budget_id: str, field: str) -> Budget:
    uid = uid_of(state.tenant, budget_id)
    budget = state.tree.get(uid)
    if budget is None or not state.tree.within(uid, scope_uid):
        raise NotFound(f"There is no budget {budget_id}.", field=field)
    return budget


def _open(state: TenantState, scope_uid: str | None, budget_id: str) -> Budget:
    budget = _visible(state, scope_uid, budget_id, "budget_id")
    if budget.closed_at_us is not None:
        raise BudgetClosed(f"Budget {budget_id} is closed and cannot be changed.", field="budget_id")
    return budget


def _check_below(state: TenantState, budget: Budget, parent: Budget, field: str = "parent_budget_id") -> None:
    if parent.closed_at_us is not None:
        raise BudgetClosed(f"Budget {parent.budget_id} is closed and takes no budgets below it.", field=field)
    if parent.currency != budget.currency:
        raise CurrencyMismatch(
            f"Budget {budget.budget_id} is in {budget.currency}, its parent {parent.budget_id} in "
            f"{parent.currency}: a budget tree has one currency.",
            field="currency",
        )
    if len(state.tree.chain(parent.uid)) >= DEPTH_MAX:
        raise InvalidInput(f"a budget tree has at most {DEPTH_MAX} levels", field=field)


def update_budget(state: TenantState, command: UpdateBudget, now_us: int) -> Budget:
    """Change fields of an open budget. Zone and recurrence change with the next window."""
    budget = _open(state, command.scope_uid, command.budget_id)
    unknown = sorted(set(command.changes) - UPDATABLE)
    if unknown:
        raise InvalidInput(f"{unknown[0]} cannot be changed", field=unknown[0])
    changes: dict[str, Any] = dict(command.changes)
    specs: tuple[LimitSpec, ...] | None = changes.pop("limits", None)
    changed = replace(budget, **changes)
    _check_fields(
        changed.amount_nano,
        changed.period_start_us,
        changed.period_end_us,
        changed.timezone,
        changed.warning_threshold_ppm,
    )
    first = amount_limit(budget.uid, changed.amount_nano, changed.warning_threshold_ppm)
    if specs is None:
        thresholds = (changed.warning_threshold_ppm, PPM)
        others = tuple(replace(limit, thresholds_ppm=thresholds) for limit in budget.limits[1:])
        limits = (first, *others)
    else:
        limits = limits_of(budget.uid, changed.amount_nano, changed.warning_threshold_ppm, specs)
    changed = replace(changed, limits=limits, schedules=_schedules(budget, changed, now_us))
    if changed == budget:
        return budget
    state.put_budget(changed)
    _recount(state, budget, changed, now_us)
    return changed


def _schedules(budget: Budget, changed: Budget, now_us: int) -> tuple[Schedule, ...]:
    if (budget.recurrence, budget.timezone) == (changed.recurrence, changed.timezone):
        return budget.schedules
    kept = tuple(each for each in budget.schedules if each.from_us <= now_us) or budget.schedules[:1]
    current, _ = schedule_at(replace(budget, schedules=kept), now_us)
    return (*kept, Schedule(_begins_us(current, changed, now_us), changed.recurrence, changed.timezone))


def _begins_us(current: Schedule, changed: Budget, now_us: int) -> int:
    """When a new recurrence or zone takes over: with the next window, or at once where none comes."""
    old = _UNITS.get(current.recurrence)
    if old is not None:
        return bounds(old, now_us, zone(current.timezone))[1]
    new = _UNITS.get(changed.recurrence)
    if new is not None:
        # The first recurring window is the running one, with its true spend.
        return max(bounds(new, now_us, zone(changed.timezone))[0], current.from_us + 1)
    return bounds(Unit.DAY, now_us, zone(current.timezone))[1]


_UNITS = {
    Recurrence.DAILY: Unit.DAY,
    Recurrence.WEEKLY: Unit.WEEK,
    Recurrence.MONTHLY: Unit.MONTH,
    Recurrence.QUARTERLY: Unit.QUARTER,
    Recurrence.YEARLY: Unit.YEAR,
}


def _recount(state: TenantState, old: Budget, new: Budget, now_us: int) -> None:
    """Windows that are new, or whose bounds changed, start with what was truly charged in them."""
    before = {limit.key: limit for limit in old.limits}
    for limit in new.limits:
        span = window_span(new, limit.window, now_us)
        if span is None or limit.each is not None:
            continue
        was = window_span(old, limit.window, now_us) if limit.key in before else None
        if was == span:
            continue
        window = state.window(new, limit, now_us)
        if window is None:
            continue
        spent = state.reader.spent(new.uid, span.start_us, span.end_us)
        window.start_us, window.end_us = span.start_us, span.end_us
        window.spent = {
            Meter.COST: spent.cost_nano,
            Meter.TOKENS: spent.tokens,
            Meter.REQUESTS: spent.requests,
        }.get(limit.meter, window.spent)
        state.touch(window)


def move_budget(state: TenantState, command: MoveBudget, now_us: int) -> Budget:
    """Hang a budget under another parent. Charges made so far stay where they are."""
    del now_us
    budget = _open(state, command.scope_uid, command.budget_id)
    if budget.budget_id == UNATTRIBUTED:
        raise InvalidInput("the unattributed budget stays a root", field="budget_id")
    if budget.uid == command.scope_uid:
        raise Forbidden("A key cannot move the budget that it is confined to.", field="budget_id")
    if command.new_parent_budget_id is None:
        if command.scope_uid is not None:
            raise Forbidden(
                "A confined key cannot move a budget out of its subtree.", field="new_parent_budget_id"
            )
        parent = None
    else:
        parent = _visible(state, command.scope_uid, command.new_parent_budget_id, "new_parent_budget_id")
        if budget.uid in state.tree.chain(parent.uid):
            raise CycleRefused(
                f"Budget {budget.budget_id} cannot move below itself: {parent.budget_id} is in its subtree.",
                field="new_parent_budget_id",
            )
        _check_below(state, budget, parent, "new_parent_budget_id")
    moved = replace(budget, parent_uid=None if parent is None else parent.uid)
    if moved != budget:
        state.put_budget(moved)
    return moved


def close_budget(state: TenantState, command: CloseBudget, now_us: int) -> Budget:
    """Close a budget. Reservations are refused from now on; records still land, with a warning."""
    budget = _visible(state, command.scope_uid, command.budget_id, "budget_id")
    if budget.budget_id == UNATTRIBUTED:
        raise InvalidInput("the unattributed budget stays open", field="budget_id")
    if budget.closed_at_us is not None:
        return budget
    closed = replace(budget, closed_at_us=now_us)
    state.put_budget(closed)
    return closed
