"""What ends a hold: release, and expiry. Both give back what is held, to the windows that it is on."""

from dataclasses import replace
from typing import Final

from ledger.commands import Sweep
from ledger.holds import Hold, HoldState
from ledger.notices import tell_cooled_down
from ledger.overrides import return_unspent
from ledger.results import Swept
from ledger.state import FOREVER_US, TenantState

PAGE: Final = 200


def sweep(state: TenantState, command: Sweep, now_us: int) -> Swept:
    """Release what has expired, and tell what budgets held back that have cooled down."""
    state.next_expiry_us = 0
    tell_cooled_down(state, now_us)
    return Swept(expire_overdue(state, now_us, command.limit))


def expire_overdue(state: TenantState, now_us: int, limit: int = 1_000_000) -> int:
    """Release the holds that have expired, at most ``limit``; how many they were.

    Costs nothing while no hold can have expired since the last look.
    """
    released, after_key = 0, f"{state.tenant}/"
    while state.next_expiry_us <= now_us and released < limit:
        page = state.reader.first_to_expire(state.tenant, after_key, PAGE)
        overdue = [uid for _, uid, expires_at_us in page if expires_at_us <= now_us]
        missing = [uid for uid in overdue if uid not in state.holds]
        state.holds.update(state.reader.holds(missing) if missing else {})
        holds = [hold for uid in overdue if (hold := state.holds.get(uid)) is not None]
        state.load_windows_at(uid for hold in holds for uid, _ in hold.amounts())
        released += sum(expired_now(state, hold, now_us) for hold in holds)
        if len(overdue) < PAGE:
            state.next_expiry_us = _next_expiry_us(state, page[len(overdue) :])
        else:
            after_key = page[-1][0]
    return released


def _next_expiry_us(state: TenantState, waiting: list[tuple[str, str, int]]) -> int:
    """When the next hold expires: of the graph's, or of this batch's own, which are not there yet."""
    own = (hold.expires_at_us for hold in state.changes.holds.values() if hold.state is HoldState.HELD)
    return min([*(expires_at_us for _, _, expires_at_us in waiting[:1]), *own], default=FOREVER_US)


def expired_now(state: TenantState, hold: Hold, now_us: int) -> bool:
    """Release a hold if it has expired; whether it did so just now."""
    if hold.state is not HoldState.HELD or hold.expires_at_us > now_us:
        return False
    give_back(state, hold, HoldState.EXPIRED)
    state.changes.expired += 1
    return True


def as_of(hold: Hold, now_us: int) -> Hold:
    """A hold as it is at an instant, for readers: one that has expired holds nothing, swept or not."""
    if hold.state is not HoldState.HELD or hold.expires_at_us > now_us:
        return hold
    return replace(hold, state=HoldState.EXPIRED, cost_nano=0, tokens=0, requests=0, level=0)


def give_back(state: TenantState, hold: Hold, ended: HoldState) -> None:
    """End a hold: nothing is held any more."""
    hold_nothing(state, hold)
    hold.cost_nano = hold.tokens = hold.requests = hold.level = 0
    hold.state = ended
    return_unspent(state, hold)
    state.put_hold(hold)


def hold_nothing(state: TenantState, hold: Hold) -> None:
    """Give back to each window what the hold has on it."""
    windows = hold.windows
    state.hold_less(windows.cost, hold.cost_nano)
    state.hold_less(windows.tokens, hold.tokens)
    state.hold_less(windows.requests, hold.requests)
    state.hold_less(windows.level, hold.level)
