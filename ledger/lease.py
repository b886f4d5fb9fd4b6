"""Decide what keeps a hold alive, and what ends it early: extend (a heartbeat) and release."""

from typing import Final

from ledger.admission import Asked, refuse
from ledger.changes import KnownRequest
from ledger.commands import Extend, Release
from ledger.errors import Conflict
from ledger.expiry import expired_now, give_back, hold_nothing
from ledger.holds import Hold, HoldState
from ledger.plan import Plan
from ledger.reserve import reservation_of, shut_error, visible_hold
from ledger.results import Reservation, ReserveResult
from ledger.state import TenantState

SECOND_US: Final = 1_000_000


def release(state: TenantState, command: Release, now_us: int) -> Reservation:
    """Give back all that is held. What has ended already is answered as it is. Raises ``NotFound``."""
    hold = visible_hold(state, command.reservation_id, command.scope_uid)
    if not expired_now(state, hold, now_us) and hold.state is HoldState.HELD:
        give_back(state, hold, HoldState.RELEASED)
        return reservation_of(state, hold, command.scope_uid, duplicate=False)
    return reservation_of(state, hold, command.scope_uid, duplicate=True)


def extend(state: TenantState, command: Extend, now_us: int) -> ReserveResult:
    """Hold for longer, perhaps more. Raises ``NotFound``, ``Conflict``, ``BudgetClosed``.

    Where a window of the hold has ended, this is a new admission to the windows of now: what is left must
    fit into them, all or nothing. A refusal leaves the hold as it was.
    """
    hold = visible_hold(state, command.reservation_id, command.scope_uid)
    known = state.request(command.request_uid)
    expired_now(state, hold, now_us)
    if known is not None:
        if known.fingerprint != command.fingerprint:
            raise Conflict(
                f"Idempotency key {command.idempotency_key} was used for another extension.",
                field="idempotency_key",
            )
        return reservation_of(state, hold, command.scope_uid, duplicate=True)
    if hold.state is not HoldState.HELD:
        raise Conflict(
            f"Reservation {command.reservation_id} is {hold.state.value}: make a new one.",
            field="reservation_id",
        )
    refusal = _admit(state, command, hold, now_us)
    if refusal is not None:
        return refusal
    hold.amount_nano += command.add_amount_nano
    hold.expires_at_us = max(hold.expires_at_us, now_us + command.ttl_seconds * 1_000_000)
    state.put_hold(hold)
    state.put_request(KnownRequest(command.request_uid, command.tenant, command.fingerprint))
    return reservation_of(state, hold, command.scope_uid, duplicate=False)


def _admit(state: TenantState, command: Extend, hold: Hold, now_us: int) -> ReserveResult | None:
    """Move the hold to the windows of now, with what is added; or say why not, and change nothing."""
    plan = state.plan(hold.path, hold.facts(), now_us)
    kept = frozenset(uid for uids in hold.windows for uid in uids)
    moved = kept != frozenset(uid for uids in plan.held for uid in uids)
    if plan.shut and (moved or command.add_amount_nano):
        raise shut_error(state, plan, command.scope_uid)
    age = _age_seconds(hold, now_us + command.ttl_seconds * SECOND_US)
    if not moved and not command.add_amount_nano and age <= plan.age_cap:
        return None
    added = command.add_amount_nano
    new = Asked(hold.cost_nano + added, hold.tokens, hold.requests, hold.level)
    grant = Asked(hold.amount_nano + added, hold.tokens, max(1, hold.requests), hold.level, age=age)
    refusal = refuse(state, plan, new, command.scope_uid, now_us, kept=kept, added=added, grant=grant)
    if refusal is not None:
        return refusal
    _move(state, hold, plan, new)
    if moved:
        hold.at_us = now_us
    return None


def _age_seconds(hold: Hold, at_us: int) -> int:
    """How old a lease is at an instant, in whole seconds that have begun; what holds nothing is none."""
    return -(-(at_us - hold.created_at_us) // SECOND_US) if hold.level else 0


def _move(state: TenantState, hold: Hold, plan: Plan, amounts: Asked) -> None:
    hold_nothing(state, hold)
    hold.cost_nano, hold.tokens, hold.requests, hold.level = amounts[:4]
    hold.windows = plan.held
    state.touch_plan(plan)
    for meter, slots in plan.slots.items():
        for slot in slots:
            slot.window.reserved += hold.amount_on(meter)
