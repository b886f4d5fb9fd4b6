"""Delegation: which operation had which other one done for it, whichever of the two is reported first."""

from typing import Final

from ledger.changes import Delegation
from ledger.model import uid_of
from ledger.results import InvalidUsage
from ledger.state import TenantState
from ledger.usage import Usage

CHECKED_MAX: Final = 100
"""How many operations are looked at, each above the other, for a cycle."""


def refused(state: TenantState, usage: Usage) -> InvalidUsage | None:
    """Why a new operation cannot have been delegated as it says; None where it can.

    Only an operation that others wait for can close a cycle, so nothing is looked at for any other.
    """
    parent_id = usage.sent.parent_operation_id
    if parent_id is None:
        return None
    operation_id = usage.sent.operation_id
    uid, at = uid_of(state.tenant, operation_id), uid_of(state.tenant, parent_id)
    if at == uid:
        return _refusal(operation_id, "CYCLE", f"operation {operation_id} cannot have delegated itself")
    if not state.awaited(uid):
        return None
    for _ in range(CHECKED_MAX):
        known = state.operation(at)
        if known is None or known.parent_uid is None:
            return None
        at = known.parent_uid
        if at == uid:
            text = f"operation {parent_id} was delegated by {operation_id} itself, directly or not"
            return _refusal(operation_id, "CYCLE", text)
    return _refusal(operation_id, "INVALID", f"operation {parent_id} is more than {CHECKED_MAX} deep")


def delegate(state: TenantState, uid: str, usage: Usage) -> None:
    """Note which operation delegated a new one, and which ones it delegated itself."""
    parent_id = usage.sent.parent_operation_id
    if parent_id is not None:
        parent_uid = uid_of(state.tenant, parent_id)
        if state.operation(parent_uid) is None:
            state.wait_for(parent_uid)
        state.changes.delegations.append(Delegation(parent_uid, uid))
    if state.head.awaited and state.awaited(uid):
        state.arrive(uid)


def _refusal(operation_id: str, code: str, text: str) -> InvalidUsage:
    return InvalidUsage(operation_id, code, "parent_operation_id", f"parent_operation_id: {text}")
