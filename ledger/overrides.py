"""Overrides: emergency grants that let reservations pass limits, exactly up to an amount, until an instant.

A reservation that would be refused passes by an override of a budget that it charges, all of it or not at
all; what it holds is taken off the override, under the ledger's lock, so no two servers use it twice. What
the reservation does not spend comes back to the override when it ends. Windows hold and count it as any
other; what is charged past a limit by it counts as ``forced`` there.

Invariant: at each grant, spent + reserved + asked ≤ limit + what overrides gave the reservations held there.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ledger.administer import open_budget
from ledger.errors import Conflict, InvalidInput, NotFound, OutOfRange
from ledger.events import BUDGET_OVERRIDDEN, budget_event
from ledger.holds import HeldOverride, Hold
from ledger.model import Override, Warning, id_of, uid_of
from ledger.override_commands import CreateOverride, RevokeOverride
from ledger.plan import Facts, Slot
from ledger.state import TenantState
from ledger.windows import EXCEEDED_PPM
from pricing.money import NANO_MAX

OVERRIDDEN: Final = "OVERRIDDEN"
OVERRIDES_MAX: Final = 1_000
"""How many may be active at once in a tenant."""


def create_override(state: TenantState, command: CreateOverride, now_us: int) -> Override:
    """Grant one. Raises ``NotFound``, ``BudgetClosed``, ``Conflict``, ``InvalidInput``, ``OutOfRange``."""
    known = state.override(command.uid)
    if known is not None:
        same = known.fingerprint == command.fingerprint
        if not same or not state.tree.within(known.budget_uid, command.scope_uid):
            raise Conflict(
                f"Idempotency key {command.idempotency_key} was used for another override.",
                field="idempotency_key",
            )
        return known
    budget = open_budget(state, command.scope_uid, command.budget_id)
    if command.until_us <= now_us:
        raise InvalidInput("until must be after now", field="until")
    if command.amount_nano > NANO_MAX:
        raise OutOfRange("amount does not fit into 64 bits of nano-units", field="amount")
    if len(state.active_overrides(now_us)) >= OVERRIDES_MAX:
        raise InvalidInput(f"at most {OVERRIDES_MAX} overrides are active at once", field="budget_id")
    override = Override(
        command.uid,
        command.tenant,
        command.override_id,
        command.fingerprint,
        budget.uid,
        command.scope_uid,
        command.amount_nano,
        command.reason,
        command.author,
        now_us,
        command.until_us,
        command.agent_id,
        command.user_id,
    )
    state.put_override(override)
    return override


def revoke_override(state: TenantState, command: RevokeOverride, now_us: int) -> Override:
    """End one at once. Raises ``NotFound``."""
    override = state.override(uid_of(command.tenant, command.override_id))
    if override is None or not state.tree.within(override.budget_uid, command.scope_uid):
        raise NotFound(f"There is no override {command.override_id}.", field="override_id")
    if override.revoked_at_us is None:
        override = replace(override, revoked_at_us=now_us, revoked_by=command.author)
        state.put_override(override)
    return override


def letting_pass(
    state: TenantState,
    budget_uids: Iterable[str],
    facts: Facts,
    passed: Iterable[Slot],
    cost_nano: int,
    now_us: int,
) -> Override | None:
    """The override by which something passes limits, the one that ends first; None where there is none.

    What holds no money passes by none: it could not be counted.
    """
    active = state.active_overrides(now_us) if cost_nano else ()
    charged, refusing = frozenset(budget_uids), {slot.budget.uid for slot in passed}
    for override in active:
        if (
            override.budget_uid in charged
            and override.left_nano >= cost_nano
            and override.agent_id in {None, facts["agent_id"]}
            and override.user_id in {None, facts["user_id"]}
            and all(state.tree.within(uid, override.scope_uid) for uid in refusing)
        ):
            return override
    return None


def take(
    state: TenantState, override: Override, passed: Iterable[Slot], cost_nano: int, now_us: int
) -> HeldOverride:
    """Take what a reservation holds off the override that lets it pass; tell when that is its first."""
    slots = list(passed)
    if override.first_used_us is None:
        override = replace(override, first_used_us=now_us)
        _tell(state, override, slots[0], now_us)
    state.put_override(replace(override, used_nano=override.used_nano + cost_nano))
    windows = tuple(dict.fromkeys(slot.window.uid for slot in slots if slot.window.uid))
    return HeldOverride(override.uid, override.budget_uid, cost_nano, windows)


def _tell(state: TenantState, override: Override, slot: Slot, now_us: int) -> None:
    """Tell those who see both the limit and the override; where nobody does, those who see the limit."""
    _, body = budget_event(slot.budget, slot.limit, slot.window, EXCEEDED_PPM, now_us)
    for uid in state.tree.chain(slot.budget.uid):
        if state.tree.within(override.budget_uid, uid):
            state.emit(BUDGET_OVERRIDDEN, uid, now_us, {**body, "override_id": override.override_id})
            return
    state.emit(BUDGET_OVERRIDDEN, slot.budget.uid, now_us, body)


def return_unspent(state: TenantState, hold: Hold) -> None:
    """A reservation has ended: what it did not spend of its override may be used again."""
    held = hold.override
    if held is None:
        return
    spent_nano = min(held.amount_nano, hold.charged_nano)
    override = state.override(held.uid)
    if override is not None and spent_nano < held.amount_nano:
        used_nano = override.used_nano - (held.amount_nano - spent_nano)
        state.put_override(replace(override, used_nano=used_nano))
        hold.override = held._replace(amount_nano=spent_nano)


def told(override: Override) -> Warning:
    """That an override lets a reservation pass, as the caller is told it."""
    budget_id = id_of(override.budget_uid)
    # Without figures: who does not see the budget is told the text all the same.
    text = f"Budget {budget_id} lets this pass limits that refuse it, by an override."
    return Warning(OVERRIDDEN, text, budget_id, limit=override.amount_nano)
