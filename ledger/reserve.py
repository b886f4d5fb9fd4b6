"""Decide a reservation: an upper bound is held on every window of the charge path, or on none.

Invariant, for every limit that refuses: at each grant, spent + reserved + asked ≤ limit.
"""

from typing import Final, NamedTuple

from ledger.charge import as_seen, as_seen_in, tell, threshold_warning
from ledger.commands import AGENTS, Reserve
from ledger.errors import BudgetClosed, Conflict, NotFound, OutOfRange
from ledger.expiry import expire_overdue, expired_now
from ledger.holds import Decision, Hold, HoldState
from ledger.model import Agent, ChargePath, Enforcement, Limit, Meter, Warning, Window, id_of, uid_of
from ledger.plan import Counter, Facts, Plan, Slot, resource_of
from ledger.prices import bound_on
from ledger.record import next_payer, user_of
from ledger.results import BudgetExceeded, PriceUnknown, Reservation, ReserveResult, Throttled, Violation
from ledger.state import TenantState
from ledger.throttle import Delay, delay_on, told
from ledger.tree import BudgetTree
from ledger.violations import exceeded, violation_of
from ledger.wallets import is_low, low_warning
from ledger.warnings import dump_warnings, load_warnings
from ledger.windows import EXCEEDED_PPM, reached
from pricing.bounds import Bound
from pricing.errors import PricingError
from pricing.money import NANO_MAX
from pricing.quote import Pricing, Quote

SOFT_LIMIT: Final = "SOFT_LIMIT"
RETRY_MS: Final = 1_000
"""When to come back where nothing says when room will be."""


class Asked(NamedTuple):
    """What a hold takes of each meter, and what limits on a single one look at."""

    cost: int
    """In nano-units."""
    tokens: int
    requests: int
    level: int
    size: int = 0
    """Of its largest file, in bytes."""
    age: int = 0
    """How old the lease will be when it expires, in seconds."""


def reserve(state: TenantState, command: Reserve, now_us: int) -> ReserveResult:
    """Decide one reservation. Raises ``NotFound``, ``BudgetClosed``, ``Conflict``, ``OutOfRange``."""
    known = None if command.dry_run else state.hold(command.uid)
    if known is not None:
        return _repeated(state, command, known, now_us)

    agent = state.agent(command.agent_uid)
    facts = facts_of_reserve(state, command, agent)
    payer_uid = payer_of(state, command, agent)
    if payer_uid is None:
        raise NotFound(f"There is no budget {command.budget_id}.", field="budget_id")
    path = state.tree.path(payer_uid, facts)
    plan = state.plan(path, facts, now_us)
    if plan.shut:
        raise shut_error(state, plan, command.scope_uid)
    asked = _asked(state, command, plan)
    if isinstance(asked, PriceUnknown):
        return asked
    answer: list[Warning] = []
    delay: Delay | None = None
    if _close(plan, asked):
        refusal = refuse(state, plan, asked, command.scope_uid, now_us, dry_run=command.dry_run)
        if refusal is not None:
            return refusal
        answer = _warnings(state, plan, asked, command.scope_uid)
        delay = _delay(plan, asked, now_us)
    decision = Decision.WARN if answer else Decision.ALLOW
    if delay is not None:
        decision = Decision.THROTTLE
        answer = [as_seen(state, command.scope_uid, told(delay)), *answer]
    delay_ms = 0 if delay is None else delay.ms
    # Who is asked to wait holds for as long after that.
    expires_at_us = now_us + delay_ms * 1_000 + command.ttl_seconds * 1_000_000
    if not command.dry_run:
        if agent is None:
            state.put_agent(Agent(command.agent_uid, command.tenant, command.agent_id, created_at_us=now_us))
        _hold(state, command, plan, facts, asked, decision, answer, now_us, expires_at_us)
        state.next_expiry_us = min(state.next_expiry_us, expires_at_us)
    return Reservation(
        command.reservation_id,
        HoldState.RELEASED if command.dry_run else HoldState.HELD,
        asked[0],
        0 if command.dry_run else asked[0],
        expires_at_us,
        decision,
        delay_ms,
        duplicate=False,
        warnings=tuple(answer),
        agent_id=command.agent_id,
        budget_id=id_of(path.leaf_uid),
    )


def _hold(
    state: TenantState,
    command: Reserve,
    plan: Plan,
    facts: Facts,
    asked: Asked,
    decision: Decision,
    warnings: list[Warning],
    now_us: int,
    expires_at_us: int,
) -> None:
    """Hold what was asked for, and note it."""
    state.use_path(plan.path)
    hold_on(state, plan, asked)
    hold = Hold(
        command.uid,
        command.tenant,
        command.reservation_id,
        command.fingerprint,
        command.agent_id,
        plan.path,
        now_us,
        now_us,
        expires_at_us,
        asked.cost,
        asked.cost,
        asked.tokens,
        asked.requests,
        asked.level,
        plan.held,
        facts["user_id"],
        command.provider,
        command.model_id,
        facts["resource"] or "",
        command.resource,
    )
    if warnings:
        hold.decision = decision
        hold.warnings = dump_warnings(warnings)
    state.put_hold(hold)
    state.changes.granted += 1


def reservation_of(state: TenantState, hold: Hold, scope_uid: str | None, *, duplicate: bool) -> Reservation:
    """A reservation as it now is."""
    return reservation_in(state.tree, hold, scope_uid, duplicate=duplicate)


def reservation_in(tree: BudgetTree, hold: Hold, scope_uid: str | None, *, duplicate: bool) -> Reservation:
    """The same for readers, who have a tree and no ledger."""
    warnings = tuple(as_seen_in(tree, scope_uid, each) for each in load_warnings(hold.warnings))
    return Reservation(
        hold.reservation_id,
        hold.state,
        hold.amount_nano,
        hold.cost_nano,
        hold.expires_at_us,
        hold.decision,
        0,
        duplicate,
        warnings,
        hold.agent_id,
        hold.leaf_id,
        hold.charged_nano,
    )


def visible_hold(state: TenantState, reservation_id: str, scope_uid: str | None) -> Hold:
    """A reservation that the key may see. Raises ``NotFound``."""
    hold = state.hold(uid_of(state.tenant, reservation_id))
    if hold is None or not state.tree.within(hold.path.leaf_uid, scope_uid):
        raise NotFound(f"There is no reservation {reservation_id}.", field="reservation_id")
    return hold


def _repeated(state: TenantState, command: Reserve, hold: Hold, now_us: int) -> Reservation:
    within = state.tree.within(hold.path.leaf_uid, command.scope_uid)
    if hold.fingerprint != command.fingerprint or not within:
        raise Conflict(
            f"Idempotency key {command.idempotency_key} was used for another reservation. "
            "Use a new key for a new one, or repeat the first one unchanged.",
            field="idempotency_key",
        )
    expired_now(state, hold, now_us)
    return reservation_of(state, hold, command.scope_uid, duplicate=True)


def facts_of_reserve(state: TenantState, command: Reserve, agent: Agent | None) -> Facts:
    """What limits and scoped budgets look at."""
    return {
        "user_id": command.user_id or user_of(state, command.scope_uid, agent),
        "provider": command.provider,
        "model_id": command.model_id,
        "agent_id": command.agent_id,
        # A lease of something else is no request of an API.
        "resource": resource_of(
            command.model_id,
            command.prompt_tokens or 0,
            "api_call" if command.resource == AGENTS else command.resource,
        ),
        "level": command.resource,
        **state.tree.tag_facts(command.tags),
    }


def payer_of(state: TenantState, command: Reserve, agent: Agent | None) -> str | None:
    """The budget asked for, else as of usage: the parent operation's, the agent's, the key's.

    None where the budget asked for is unknown, or not the key's to spend from.
    """
    if command.budget_id is not None:
        uid = uid_of(command.tenant, command.budget_id)
        return uid if state.tree.within(uid, command.scope_uid) else None
    return next_payer(state, command.parent_operation_id, agent, command.scope_uid)


def shut_error(state: TenantState, plan: Plan, scope_uid: str | None) -> BudgetClosed:
    """The error of a path on which a budget is closed, or outside its period."""
    budget = plan.shut[0]
    name = f"Budget {budget.budget_id}"
    if not state.tree.within(budget.uid, scope_uid):
        name = "A budget above this key's own"
    what = "is closed" if budget.closed_at_us is not None else "is outside its period"
    return BudgetClosed(f"{name} {what} and takes no reservations.", field="budget_id")


def _asked(state: TenantState, command: Reserve, plan: Plan) -> Asked | PriceUnknown:
    bound = command.bound
    cost = command.amount_nano
    if cost is None:
        cost, reason = _at_most(state, plan.path, bound)
        if cost is None:
            if plan.costs_limited:
                return PriceUnknown(command.provider, command.model_id, reason or "NO_BOUND")
            cost = 0
    tokens = bound.tokens
    if tokens is None:
        said = (command.prompt_tokens, command.max_completion_tokens)
        tokens = sum(each or 0 for each in said)
        if not tokens and None in said and command.model_id is not None and plan.tokens_limited:
            # Nobody knows how many, but a call of a model has some: a limit that is used up refuses it.
            tokens = 1
    # Who holds nothing is no lease.
    age = command.ttl_seconds if command.quantity else 0
    return Asked(cost, tokens, command.requests, command.quantity, command.size_bytes, age)


def _at_most(state: TenantState, path: ChargePath, bound: Bound) -> tuple[int | None, str | None]:
    """What a call costs at most on a path, in its currency; else why nobody knows."""
    leaf = state.tree.get(path.leaf_uid)
    currency = bound.currency if leaf is None else leaf.currency
    if state.prices.plain and (not bound.cost_nano or currency == bound.currency):
        return bound.cost_nano, bound.reason
    if bound.request is None and bound.cost_nano is None:
        return None, bound.reason
    cost_nano = bound.cost_nano or 0
    pricing = Pricing.UNPRICED if bound.cost_nano is None else Pricing.PRICED
    listed = Quote(pricing, bound.currency, other_nano=cost_nano, total_nano=cost_nano)
    try:
        quote = bound_on(state, path, bound.request, listed, currency)
    except PricingError as error:
        raise OutOfRange(error.message, field=error.field) from error
    if quote.pricing is Pricing.PRICED:
        return quote.total_nano, None
    return None, bound.reason if quote.reason is None else quote.reason.value


def hold_on(state: TenantState, plan: Plan, asked: Asked) -> None:
    """Hold on every window of a plan."""
    cost, tokens, requests, level, _, _ = asked
    state.touch_plan(plan)
    for window, _, _ in plan.cost:
        window.reserved += cost
    for window, _, _ in plan.tokens:
        window.reserved += tokens
    for window, _, _ in plan.requests:
        window.reserved += requests
    for window, _, _ in plan.level:
        window.reserved += level


def _close(plan: Plan, asked: Asked) -> bool:
    """Whether anything needs a closer look: most requests pass far from every limit."""
    cost, tokens, requests, level, size, age = asked
    return (
        cost > plan.cost_cap
        or tokens > plan.token_cap
        or size > plan.size_cap
        or age > plan.age_cap
        or _near(plan.cost, cost)
        or _near(plan.tokens, tokens)
        or _near(plan.requests, requests)
        or _near(plan.level, level)
    )


def _near(counters: tuple[Counter, ...], asked: int) -> bool:
    for window, look_above, warn_from in counters:
        spent = window.spent
        if spent + window.reserved + asked > look_above or spent >= warn_from:
            return True
    return False


_METERS: Final = (Meter.COST, Meter.TOKENS, Meter.REQUESTS, Meter.LEVEL, Meter.SIZE, Meter.AGE)
"""In the order of ``Asked``."""


def _delay(plan: Plan, asked: Asked, now_us: int) -> Delay | None:
    """The longest delay that a limit asks for; None where none does."""
    delays = [
        delay
        for meter, amount in zip(_METERS, asked, strict=True)
        for slot in plan.slots.get(meter, ())
        if (delay := delay_on(slot, amount, now_us)) is not None
    ]
    return max(delays, key=lambda delay: delay.ms, default=None)


def refuse(
    state: TenantState,
    plan: Plan,
    asked: Asked,
    scope_uid: str | None,
    now_us: int,
    *,
    dry_run: bool = False,
    kept: frozenset[str] = frozenset(),
    added: int = 0,
    grant: Asked | None = None,
) -> BudgetExceeded | Throttled | None:
    """The refusal of what passes a limit, once all that has expired was released; None where nothing does.

    ``kept`` names windows that hold it already: they are asked for the cost that is ``added`` to it, and for
    nothing else. ``grant`` is all that is granted, where that is more than ``asked``: limits on a single
    operation look at it. Raises ``OutOfRange`` where 64 bits do not suffice.
    """
    found = _passed(plan, asked, kept, added, grant or asked)
    if found and expire_overdue(state, now_us):
        found = _passed(plan, asked, kept, added, grant or asked)
    if not found:
        return None
    for slot, _, _ in found:
        if slot.amount is None and slot.window is not _NO_WINDOW:
            raise OutOfRange("The sum of a budget's window would not fit into 64 bits.", field="amount")
    violations = [
        violation_of(
            slot.budget,
            slot.limit,
            None if slot.window is _NO_WINDOW else slot.window,
            allowed,
            amount,
            visible=state.tree.within(slot.budget.uid, scope_uid),
        )
        for slot, allowed, amount in found
    ]
    hard = [slot for slot, _, _ in found if slot.limit.enforcement is Enforcement.HARD]
    if not hard:
        return Throttled(_retry_after_ms(violations, now_us), tuple(violations))
    if not dry_run:
        for slot in hard:
            if slot.window is not _NO_WINDOW:
                tell(state, slot, now_us, refused_ppm=EXCEEDED_PPM)
    return exceeded(violations)


_NO_WINDOW: Final = Window("", "", None, None)


def _passed(
    plan: Plan, asked: Asked, kept: frozenset[str], added: int, grant: Asked
) -> list[tuple[Slot, int, int]]:
    """The limits that refuse or delay and would be passed, each with what it allows and is asked for."""
    found: list[tuple[Slot, int, int]] = []
    calls = max(1, grant.requests)
    for meter, amount, granted in zip(_METERS, asked, grant, strict=True):
        found.extend(
            (Slot(cap.budget, cap.limit, _NO_WINDOW, cap.amount), cap.amount, granted)
            for cap in plan.caps.get(meter, ())
            if granted > cap.most(calls) and cap.limit.enforcement is not Enforcement.SOFT
        )
        for slot in plan.slots.get(meter, ()):
            window, more = slot.window, amount
            if window.uid in kept:
                more = added if meter is Meter.COST else 0
                if not more:
                    continue
            allowed = slot.amount if slot.refuses else NANO_MAX
            if allowed is not None and window.spent + window.reserved + more > allowed:
                refused = slot if slot.refuses else slot._replace(amount=None)
                found.append((refused, allowed, more))
    return found


def _retry_after_ms(violations: list[Violation], now_us: int) -> int:
    resets = [each.resets_at_us for each in violations if each.resets_at_us is not None]
    if not resets:
        return RETRY_MS
    return max(1, -(-(max(resets) - now_us) // 1_000))


def _warnings(state: TenantState, plan: Plan, asked: Asked, scope_uid: str | None) -> list[Warning]:
    """Thresholds that were reached before this, and soft limits that it passes."""
    warnings: list[Warning] = []
    for meter, amount in zip(_METERS, asked, strict=True):
        warnings.extend(
            _soft(cap.budget.budget_id, cap.limit, cap.amount, None)
            for cap in plan.caps.get(meter, ())
            if amount > cap.most(max(1, asked.requests))
        )
        for slot in plan.slots.get(meter, ()):
            budget, limit, window, allowed = slot
            if allowed is None:
                continue
            if is_low(slot):
                warnings.append(low_warning(slot))
            if limit.thresholds_ppm and reached(window.spent, allowed, limit.thresholds_ppm[0]):
                warnings.append(threshold_warning(budget, limit, window, allowed, ended=False))
            elif window.spent + window.reserved + amount > allowed:
                warnings.append(_soft(budget.budget_id, limit, allowed, window))
    return [as_seen(state, scope_uid, each) for each in warnings]


def _soft(budget_id: str, limit: Limit, allowed: int, window: Window | None) -> Warning:
    return Warning(
        SOFT_LIMIT,
        f"Budget {budget_id} would pass a soft limit.",
        budget_id,
        limit.meter,
        limit.window,
        allowed,
        None if window is None else window.spent,
        None if window is None else window.reserved,
    )
