"""Decide changes to budgets: create, update, move, close."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from ledger.changes import KnownRequest
from ledger.commands import (
    CloseBudget,
    CreateBudget,
    IncreaseLimit,
    LimitSpec,
    MoveBudget,
    UpdateBudget,
    check_amount,
)
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
from ledger.limits import amount_limit, check_number, check_thresholds, in_order, limits_of, thresholds
from ledger.model import (
    UNATTRIBUTED,
    WALLET_LIMIT,
    Budget,
    Increase,
    Limit,
    Meter,
    Schedule,
    Threshold,
    Window,
    WindowKind,
    uid_of,
)
from ledger.notices import look_again
from ledger.state import TenantState
from ledger.wallets import look_at_balance
from ledger.windows import GONE, LEVEL_SPAN, PPM, Span, keyed_span, standing_instant
from pricing.calendar import zone
from pricing.errors import PricingError
from pricing.money import NANO_MAX, validate_currency

DEPTH_MAX: Final = 256
INCREASES_MAX: Final = 16
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
        "put_limits",
        "carry_over_cap_nano",
        "thresholds",
        "cool_down_seconds",
        "low_balance_nano",
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
        limits=limits_of(uid, command.amount_nano, _told_at(command), command.limits),
        carry_over_cap_nano=command.carry_over_cap_nano,
        thresholds=_by_height(command.thresholds),
        cool_down_seconds=command.cool_down_seconds,
        low_balance_nano=command.low_balance_nano,
    )
    existing = state.tree.get(uid)
    if existing is not None:
        return _same_or_conflict(state, command, existing, budget)
    if parent is not None:
        _check_below(state, budget, parent)
    state.put_budget(budget)
    return budget


def _same_or_conflict(state: TenantState, command: CreateBudget, existing: Budget, asked: Budget) -> Budget:
    if _content(asked) == _content(existing) and state.tree.within(existing.uid, command.scope_uid):
        return existing
    raise Conflict(
        f"Budget {command.budget_id} exists with other content. Use updateBudget or moveBudget to change it.",
        field="budget_id",
    )


def _content(budget: Budget) -> Budget:
    """What a caller says about a budget, without what the ledger noted about it since."""
    limits = tuple(
        replace(limit, since_us=0, increases=()) for limit in budget.limits if limit.key != WALLET_LIMIT
    )
    return replace(budget, created_at_us=0, rollup_timezone="", schedules=(), recut_us=0, limits=limits)


def _check(command: CreateBudget) -> None:
    _check_id(command.budget_id, "budget_id")
    try:
        validate_currency(command.currency)
    except PricingError as error:
        raise InvalidInput(str(error), field="currency") from error
    _check_fields(command)


def _check_id(identifier: str, field: str) -> None:
    if not 0 < len(identifier) <= 256 or not identifier.isprintable():  # noqa: PLR2004 - the contract's bound
        raise InvalidInput(f"{field} must have 1 to 256 printable characters", field=field)


def _check_fields(said: CreateBudget | Budget) -> None:
    amount_nano, start_us, end_us = said.amount_nano, said.period_start_us, said.period_end_us
    if amount_nano is not None and amount_nano < 0:
        raise InvalidInput("amount must not be negative", field="amount")
    if amount_nano is not None and amount_nano > NANO_MAX:
        raise OutOfRange("amount does not fit into 64 bits of nano-units", field="amount")
    check_amount(said.carry_over_cap_nano, "carry_over_cap")
    check_amount(said.low_balance_nano, "low_balance_threshold")
    if end_us is not None and end_us <= (start_us or 0):
        raise InvalidInput("period_end must be after period_start", field="period_end")
    try:
        zone(said.timezone)
    except PricingError as error:
        raise InvalidInput(str(error), field="timezone") from error
    if not 0 < said.warning_threshold_ppm <= PPM:
        raise InvalidInput("warning_threshold must be above 0 and at most 1", field="warning_threshold")
    check_thresholds(said.thresholds, said.cool_down_seconds)
    if said.name is not None:
        _check_id(said.name, "name")
    if said.resource_id is not None:
        _check_id(said.resource_id, "resource_id")


def _by_height(thresholds: Iterable[Threshold]) -> tuple[Threshold, ...]:
    return tuple(sorted(thresholds, key=lambda each: each.at_ppm))


def _told_at(said: CreateBudget | Budget) -> tuple[int, ...]:
    return thresholds(said.warning_threshold_ppm, said.thresholds)


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


def open_budget(state: TenantState, scope_uid: str | None, budget_id: str) -> Budget:
    """A budget that the key sees and may change. Raises ``NotFound``, ``BudgetClosed``."""
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
    if len(state.tree.chain(parent.uid)) + max(1, state.tree.height(budget.uid)) > DEPTH_MAX:
        raise InvalidInput(f"a budget tree has at most {DEPTH_MAX} levels", field=field)


def update_budget(state: TenantState, command: UpdateBudget, now_us: int) -> Budget:
    """Change fields of an open budget. Zone and recurrence change with the next window."""
    budget = open_budget(state, command.scope_uid, command.budget_id)
    unknown = sorted(set(command.changes) - UPDATABLE)
    if unknown:
        raise InvalidInput(f"{unknown[0]} cannot be changed", field=unknown[0])
    changes: dict[str, Any] = dict(command.changes)
    if "thresholds" in changes:
        changes["thresholds"] = _by_height(changes["thresholds"])
    specs: tuple[LimitSpec, ...] | None = changes.pop("limits", None)
    put: tuple[LimitSpec, ...] = changes.pop("put_limits", ())
    changed = replace(budget, **changes)
    _check_fields(changed)
    changed = replace(
        changed,
        limits=_limits(budget, changed, specs, put, now_us),
        schedules=_schedules(budget, changed, now_us),
        recut_us=budget.recut_us if _cut_by(budget) == _cut_by(changed) else now_us,
    )
    if changed == budget:
        return budget
    state.put_budget(changed)
    _recount(state, budget, changed, now_us)
    look_again(state, changed, now_us)
    if changed.low_balance_nano != budget.low_balance_nano:
        look_at_balance(state, changed, now_us)
    return changed


def _limits(
    budget: Budget,
    changed: Budget,
    specs: tuple[LimitSpec, ...] | None,
    put: tuple[LimitSpec, ...],
    now_us: int,
) -> tuple[Limit, ...]:
    """The limits of the changed budget; those that it did not have before begin with the running window.

    ``specs`` are all of them, unless None; ``put`` are added, or take the place of those with their keys.
    """
    before = {limit.key: limit for limit in budget.limits}
    if specs is None:
        told = _told_at(changed)
        others = tuple(
            replace(limit, thresholds_ppm=told) for limit in budget.limits[1:] if limit.key != WALLET_LIMIT
        )
        wanted = (amount_limit(budget.uid, changed.amount_nano, told), *others)
    else:
        wanted = limits_of(budget.uid, changed.amount_nano, _told_at(changed), specs)
    if put:
        added = limits_of(budget.uid, changed.amount_nano, _told_at(changed), put)[1:]
        wanted = in_order({each.key: each for each in (*wanted, *added)}.values())
        check_number(wanted[1:])
    if budget.wallet is not None:
        wanted = in_order((*wanted, budget.wallet))
    return tuple(
        replace(limit, since_us=was.since_us, increases=was.increases)
        if (was := before.get(limit.key)) is not None
        else replace(limit, since_us=now_us)
        for limit in wanted
    )


def _schedules(budget: Budget, changed: Budget, now_us: int) -> tuple[Schedule, ...]:
    if (budget.recurrence, budget.timezone) == (changed.recurrence, changed.timezone):
        return budget.schedules
    return (*budget.schedules, Schedule(now_us, changed.recurrence, changed.timezone))


def _cut_by(budget: Budget) -> tuple[object, ...]:
    return budget.period_start_us, budget.period_end_us, budget.recurrence, budget.timezone


def _recount(state: TenantState, old: Budget, new: Budget, now_us: int) -> None:
    """Windows that are new, or whose bounds changed, start with what was truly charged in them."""
    before, cut_anew = {limit.key for limit in old.limits}, _cut_by(old) != _cut_by(new)
    for limit in new.limits:
        if limit.key in before and not cut_anew:
            continue
        # Only a budget's own period can change windows that have ended.
        everything = limit.window is WindowKind.PERIOD
        for window in state.windows_of(limit, None if everything else now_us):
            span = _span_now(new, limit, window)
            if limit.key not in before or (window.start_us, window.end_us) != (span.start_us, span.end_us):
                state.recount(limit, window, span)
        if limit.counts_all and limit.meter is not Meter.LEVEL:
            window = state.window(new, limit, standing_instant(new, limit, now_us))
            if window is not None:
                state.touch(window)


def _span_now(budget: Budget, limit: Limit, window: Window) -> Span:
    """What a window that exists spans now; ``GONE`` where there is none like it any more."""
    if limit.meter is Meter.LEVEL:
        return LEVEL_SPAN
    key = window.uid.removeprefix(f"{limit.uid}@").partition("/")[0]
    return keyed_span(budget, limit, key) or GONE


def move_budget(state: TenantState, command: MoveBudget, now_us: int) -> Budget:
    """Hang a budget under another parent. Charges made so far stay where they are."""
    del now_us
    budget = open_budget(state, command.scope_uid, command.budget_id)
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


def increase_limit(state: TenantState, command: IncreaseLimit, now_us: int) -> Budget:
    """Allow more than a limit's amount for a while; when it ends, the amount is what it was."""
    budget = open_budget(state, command.scope_uid, command.budget_id)
    known = state.request(command.request_uid)
    if known is not None:
        if known.fingerprint != command.fingerprint:
            raise Conflict(
                f"Idempotency key {command.idempotency_key} was used for another increase.",
                field="idempotency_key",
            )
        return budget
    from_us = now_us if command.from_us is None else command.from_us
    if command.until_us <= max(from_us, now_us):
        raise InvalidInput("an increase ends after it begins, and after now", field="until")
    changed = tuple(
        replace(
            limit, increases=_increases(limit, Increase(command.amount, from_us, command.until_us), now_us)
        )
        if limit.key == command.limit_key
        else limit
        for limit in budget.limits
    )
    if changed == budget.limits:
        raise NotFound(f"Budget {command.budget_id} has no limit {command.limit_key}.", field="meter")
    increased = replace(budget, limits=changed)
    state.put_budget(increased)
    state.put_request(KnownRequest(command.request_uid, command.tenant, command.fingerprint))
    look_again(state, increased, now_us)
    return increased


def _increases(limit: Limit, added: Increase, now_us: int) -> tuple[Increase, ...]:
    if limit.amount is None:
        raise InvalidInput("a limit without an amount cannot be increased", field="meter")
    running = tuple(each for each in limit.increases if each.until_us > now_us)
    if len(running) >= INCREASES_MAX:
        raise InvalidInput(f"a limit has at most {INCREASES_MAX} increases at once", field="meter")
    if limit.amount + added.amount + sum(each.amount for each in running) > NANO_MAX:
        raise OutOfRange("the limit would not fit into 64 bits", field="amount")
    return (*running, added)
