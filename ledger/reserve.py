"""Decide a reservation: an upper bound is held on every window of the charge path, or on none.

Invariant, for every limit that refuses: at each grant, spent + reserved + asked ≤ limit.
"""

from typing import Final, NamedTuple

from ledger.admission import METERS, Asked, Passed, comes_close, limits_passed, refusal_of, slots_of
from ledger.charge import as_seen, as_seen_in, threshold_warning
from ledger.commands import AGENTS, Reserve
from ledger.errors import BudgetClosed, Conflict, NotFound, OutOfRange
from ledger.expiry import expired_now
from ledger.holds import Decision, HeldOverride, Hold, HoldState
from ledger.model import Agent, ChargePath, Enforcement, Limit, Override, Warning, Window, id_of, uid_of
from ledger.overrides import letting_pass, take
from ledger.overrides import told as by_override
from ledger.plan import Facts, Plan, resource_of
from ledger.prices import bound_on
from ledger.record import next_payer, user_of
from ledger.results import BudgetExceeded, PriceUnknown, Reservation, ReserveResult, Throttled
from ledger.state import TenantState
from ledger.throttle import Delay, delay_on, told
from ledger.tree import BudgetTree
from ledger.wallets import is_low, low_warning
from ledger.warnings import dump_warnings, load_warnings
from ledger.windows import reached
from pricing.bounds import Bound
from pricing.errors import PricingError
from pricing.quote import Pricing, Quote

SOFT_LIMIT: Final = "SOFT_LIMIT"

# Members that every grant reads: by way of their class that takes as long as a call (Python 3.11).
_HELD: Final = HoldState.HELD
_ALLOW: Final = Decision.ALLOW


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
    admitted = _admit(state, command, plan, facts, asked, now_us) if comes_close(plan, asked) else _FREELY
    if not isinstance(admitted, _Admitted):
        return admitted
    answer, delay, override, passed = admitted
    decision = Decision.WARN if answer else _ALLOW
    delay_ms = 0
    if delay is not None:
        decision, delay_ms = Decision.THROTTLE, delay.ms
        answer = (as_seen(state, command.scope_uid, told(delay)), *answer)
    # Who is asked to wait holds for as long after that.
    expires_at_us = now_us + delay_ms * 1_000 + command.ttl_seconds * 1_000_000
    if not command.dry_run:
        if agent is None:
            state.put_agent(Agent(command.agent_uid, command.tenant, command.agent_id, created_at_us=now_us))
        held = None if override is None else take(state, override, slots_of(passed), asked[0], now_us)
        _hold(state, command, plan, facts, asked, decision, answer, now_us, expires_at_us, held)
        state.next_expiry_us = min(state.next_expiry_us, expires_at_us)
    return Reservation(
        command.reservation_id,
        HoldState.RELEASED if command.dry_run else _HELD,
        asked[0],
        0 if command.dry_run else asked[0],
        expires_at_us,
        decision,
        delay_ms,
        False,  # noqa: FBT003 - no duplicate
        answer,
        command.agent_id,
        plan.leaf_id,
        0,
        _visible_id(state.tree, override, command.scope_uid),
    )


class _Admitted(NamedTuple):
    """What goes with a reservation that is granted."""

    warnings: tuple[Warning, ...] = ()
    delay: Delay | None = None
    override: Override | None = None
    passed: Passed = []  # noqa: RUF012 - nobody adds to it
    """The limits that it passes by the override."""


_FREELY: Final = _Admitted()


def _admit(
    state: TenantState, command: Reserve, plan: Plan, facts: Facts, asked: Asked, now_us: int
) -> _Admitted | BudgetExceeded | Throttled:
    """Whether what comes close to a limit fits everywhere, or passes by an override; else the refusal."""
    scope_uid = command.scope_uid
    passed = limits_passed(state, plan, asked, now_us)
    if not passed:
        return _Admitted(_warnings(state, plan, asked, scope_uid), _delay(plan, asked, now_us))
    override = letting_pass(state, plan.path.budget_uids, facts, slots_of(passed), asked[0], now_us)
    if override is None:
        return refusal_of(state, passed, scope_uid, now_us, dry_run=command.dry_run)
    warnings = (as_seen(state, scope_uid, by_override(override)), *_warnings(state, plan, asked, scope_uid))
    return _Admitted(warnings, None, override, passed)


def _hold(
    state: TenantState,
    command: Reserve,
    plan: Plan,
    facts: Facts,
    asked: Asked,
    decision: Decision,
    warnings: tuple[Warning, ...],
    now_us: int,
    expires_at_us: int,
    override: HeldOverride | None,
) -> None:
    """Hold what was asked for on every window of the plan, and note it."""
    state.touch_plan(plan)
    for index, counters in plan.counted:
        amount = asked[index]
        for window, _, _ in counters:
            window.reserved += amount
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
        _HELD,
        0,
        0,
        decision,
        dump_warnings(warnings) if warnings else None,
        command.prompt_tokens or 0,
        command.ttl_seconds,
        override,
    )
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
        _visible_id(tree, hold.override, scope_uid),
    )


def _visible_id(
    tree: BudgetTree, override: Override | HeldOverride | None, scope_uid: str | None
) -> str | None:
    """The id of the override by which a reservation passed, for keys that see its budget."""
    if override is None or not tree.within(override.budget_uid, scope_uid):
        return None
    return id_of(override.uid)


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
        prompt, completion = command.prompt_tokens, command.max_completion_tokens
        tokens = (prompt or 0) + (completion or 0)
        unsaid = prompt is None or completion is None
        if not tokens and unsaid and command.model_id is not None and plan.tokens_limited:
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


def _delay(plan: Plan, asked: Asked, now_us: int) -> Delay | None:
    """The longest delay that a limit asks for; None where none does."""
    delays = [
        delay
        for meter, amount in zip(METERS, asked, strict=True)
        for slot in plan.slots.get(meter, ())
        if (delay := delay_on(slot, amount, now_us)) is not None
    ]
    return max(delays, key=lambda delay: delay.ms, default=None)


def _warnings(state: TenantState, plan: Plan, asked: Asked, scope_uid: str | None) -> tuple[Warning, ...]:
    """Thresholds that were reached before this, and soft limits that it passes."""
    warnings: list[Warning] = []
    for meter, amount in zip(METERS, asked, strict=True):
        warnings.extend(
            _soft(cap.budget.budget_id, cap.limit, cap.amount, None)
            for cap in plan.caps.get(meter, ())
            if amount > cap.most(max(1, asked.requests)) and cap.limit.enforcement is Enforcement.SOFT
        )
        for slot in plan.slots.get(meter, ()):
            budget, limit, window, allowed = slot
            if allowed is None:
                continue
            if is_low(slot):
                warnings.append(low_warning(slot))
            if limit.thresholds_ppm and reached(window.spent, allowed, limit.thresholds_ppm[0]):
                warnings.append(threshold_warning(budget, limit, window, allowed, ended=False))
            elif limit.enforcement is Enforcement.SOFT and window.spent + window.reserved + amount > allowed:
                warnings.append(_soft(budget.budget_id, limit, allowed, window))
    return tuple(as_seen(state, scope_uid, each) for each in warnings)


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
