"""What must hold in a ledger's store at any moment, recomputed from scratch."""

from ledger.holds import HoldState
from ledger.model import Enforcement, EntryKind, Limit, Meter, Pricing
from ledger.plan import MEMBER_FACT
from ledger.recount import fits_facts
from tests.support.simulated_store import SimulatedStore

_COUNTED = {Meter.COST: 0, Meter.TOKENS: 1, Meter.REQUESTS: 2}


def check_books(store: SimulatedStore, *, limits_were_lowered: bool = False) -> None:
    """Raise ``AssertionError`` for whatever does not add up."""
    _check_sequence(store)
    _check_usages(store)
    limits = {limit.uid: limit for budget, _ in store.budgets.values() for limit in budget.limits}
    reserved: dict[str, int] = {}
    overridden: dict[str, int] = {}
    used: dict[str, int] = {}
    for hold in store.holds.values():
        amounts = hold.amounts()
        assert all(amount >= 0 for _, amount in amounts), hold
        if hold.state is not HoldState.HELD:
            assert not any(amount for _, amount in amounts), f"{hold.uid} is {hold.state} and holds"
        assert len({uid for uid, _ in amounts}) == len(amounts), f"{hold.uid} holds twice on a window"
        for uid, amount in amounts:
            reserved[uid] = reserved.get(uid, 0) + amount
            if uid in hold.overridden:
                overridden[uid] = overridden.get(uid, 0) + amount
        if hold.override is not None:
            used[hold.override.uid] = used.get(hold.override.uid, 0) + hold.override.amount_nano
    for override in store.overrides.values():
        assert override.used_nano == used.get(override.uid, 0), f"used of {override}"
        assert 0 <= override.used_nano <= override.amount_nano, override
    forced = _forced(store)
    for window in store.windows.values():
        assert window.reserved == reserved.get(window.uid, 0), f"reserved of {window.uid}: {window}"
        assert window.forced == forced.get(window.uid, 0), f"forced of {window.uid}: {window}"
        limit = limits.get(window.limit_uid)
        if limit is None or (window.end_us is not None and window.end_us <= limit.since_us):
            # The limit is gone, or came back after this window had ended: nobody counts there any more.
            continue
        assert window.spent == _spent(store, limit, window.uid, window.start_us, window.end_us), window
        if limit.amount is not None and limit.enforcement is Enforcement.HARD and not limits_were_lowered:
            most = limit.amount + window.carried + overridden.get(window.uid, 0)
            assert window.spent + window.reserved - window.forced <= most, window


def _forced(store: SimulatedStore) -> dict[str, int]:
    """What charges tell that they forced, by window."""
    told = [each.entry.forced for each in store.entries]
    told += [each.operation.forced for each in store.usages.values()]
    forced: dict[str, int] = {}
    for uid, amount in (each for one in told for each in one):
        assert amount > 0, f"nothing was forced in {uid}"
        forced[uid] = forced.get(uid, 0) + amount
    return forced


def _spent(store: SimulatedStore, limit: Limit, uid: str, start_us: int | None, end_us: int | None) -> int:
    if limit.meter not in _COUNTED:
        return 0
    member = None
    if limit.each is not None:
        assert limit.each in MEMBER_FACT
        member = uid.removeprefix(f"{limit.uid}@").partition("/")[2]
    return sum(
        counts[_COUNTED[limit.meter]]
        for facts, *counts in store.charged_in(limit.budget_uid, start_us, end_us)
        if fits_facts(limit, member, facts)
    )


def _check_sequence(store: SimulatedStore) -> None:
    """Entries, events and unpriced usages share one sequence without gaps."""
    for tenant, head in store.heads.items():
        taken = [each.entry.seq for each in store.entries if each.entry.tenant == tenant]
        taken += [each.seq for each in store.events if each.tenant == tenant]
        taken += [
            each.operation.unpriced_seq
            for each in store.usages.values()
            if each.operation.tenant == tenant and each.operation.unpriced_seq is not None
        ]
        assert sorted(taken) == list(range(1, head.seq + 1)), f"sequence of {tenant}"


def _check_usages(store: SimulatedStore) -> None:
    for uid, usage in store.usages.items():
        entries = [each.entry for each in store.entries if each.usage_uid == uid]
        first = [each for each in entries if each.kind is EntryKind.USAGE]
        assert len(first) == (0 if usage.pricing is Pricing.UNPRICED else 1), uid
        assert all(
            each.prompt_cost_nano + each.completion_cost_nano + each.other_cost_nano == each.total_cost_nano
            for each in entries
        ), uid
        assert sum(each.total_cost_nano for each in entries) >= 0, uid
        tokens = sum(each.prompt_tokens + each.completion_tokens for each in entries)
        operations = sum(each.operations for each in entries)
        if usage.operation.unpriced_seq is not None:
            tokens += usage.operation.usage.counts.total_tokens
            operations += 1
        assert tokens == usage.counts.total_tokens, f"tokens of {uid}"
        assert operations == 1, f"{uid} counts as {operations} operations"
