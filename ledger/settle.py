"""Decide a settlement: usage is charged to the windows that its hold is on, whatever the clock says by then.

Nothing that was spent is turned away: what exceeds the hold, or comes after it has ended, is charged all the
same. An operation may grow: counts of later settles are cumulative, and the difference is charged.
"""

from typing import Final

from ledger.commands import Settle
from ledger.expiry import expired_now, give_back
from ledger.holds import Hold, HoldState
from ledger.model import Pricing, Warning, uid_of
from ledger.pace import pace
from ledger.prices import Priced, price_on
from ledger.reserve import reservation_of, visible_hold
from ledger.results import (
    InvalidUsage,
    OperationConflict,
    RecordedUsage,
    RecordResult,
    Settled,
    SettleResult,
)
from ledger.settling import PricedUsages, Settling
from ledger.state import TenantState
from ledger.usage import Usage

LATE_SETTLE: Final = "LATE"
_REFUSALS: Final = (InvalidUsage, OperationConflict)


def settle(state: TenantState, command: Settle, now_us: int) -> SettleResult:
    """Decide one settlement. Raises ``NotFound``.

    A usage that cannot be charged fails alone; where none can, that is the answer, and nothing changes.
    """
    hold = visible_hold(state, command.reservation_id, command.scope_uid)
    expired_now(state, hold, now_us)
    late = hold.state is not HoldState.HELD
    refused = {
        index: wrong
        for index, (usage, _) in enumerate(command.usages)
        if (wrong := _wrong(hold, usage)) is not None
    }
    usages, months = _priced(state, command, hold, refused, now_us)
    settling = Settling(state, command, usages, hold, now_us)
    repeated = hold.state is HoldState.SETTLED or hold.state is HoldState.RELEASED
    overrun_before = hold.overrun_nano
    results: dict[int, RecordResult] = dict(refused)
    unpriced: list[int] = []
    for index, (usage, quote) in enumerate(usages):
        if index in refused:
            continue
        if command.final and quote.charged_in(settling.currency).pricing is Pricing.UNPRICED:
            unpriced.append(index)
        else:
            results[index] = settling.take(usage, quote, months.get(index))
    for index, quote in settling.estimates(unpriced):
        results[index] = settling.take(usages[index][0], quote)

    ordered = tuple(results[index] for index in range(len(usages)))
    wrong = [each for each in ordered if isinstance(each, _REFUSALS)]
    if wrong and len(wrong) == len(ordered):
        return wrong[0]
    if command.final and hold.state is HoldState.HELD:
        give_back(state, hold, HoldState.SETTLED)
    elif command.final and hold.state is HoldState.EXPIRED and settling.news:
        hold.state = HoldState.SETTLED
        state.put_hold(hold)
    if command.final and (settling.news or not repeated):
        settling.note_deviations(ordered)
    late = late and settling.news
    charged, overrun = settling.charged_nano, hold.overrun_nano - overrun_before
    if repeated and not settling.news:
        charged, overrun = settling.own_before(ordered), hold.overrun_nano
    decision, delay_ms = pace(settling.plan, hold, now_us, final=command.final)
    return Settled(
        reservation_of(state, hold, command.scope_uid, duplicate=repeated and not settling.news),
        ordered,
        charged,
        overrun,
        late,
        decision,
        delay_ms,
        _warnings(late=late, ordered=ordered),
    )


def _priced(
    state: TenantState, command: Settle, hold: Hold, refused: dict[int, InvalidUsage], now_us: int
) -> tuple[PricedUsages, dict[int, Priced]]:
    """The usages at the prices of their path, and those by index; what has none that can be is refused."""
    usages = list(command.usages)
    found: dict[int, Priced] = {}
    for index, (usage, quote) in enumerate(usages):
        if index in refused:
            continue
        at_us = now_us if usage.timestamp_us is None else min(usage.timestamp_us, now_us)
        known = state.operation(uid_of(state.tenant, usage.sent.operation_id))
        priced = price_on(state, hold.path, usage, quote, at_us, known)
        if isinstance(priced, InvalidUsage):
            refused[index] = priced
        else:
            usages[index] = usage, priced.quote
            found[index] = priced
    return usages, found


def _warnings(*, late: bool, ordered: tuple[RecordResult, ...]) -> tuple[Warning, ...]:
    """What the usages' warnings say, each once, after what the settlement itself has to say."""
    warnings: dict[Warning, None] = {}
    if late:
        text = "The reservation had ended before this usage was settled; it was charged all the same."
        warnings[Warning(LATE_SETTLE, text, late=True)] = None
    for each in ordered:
        if isinstance(each, RecordedUsage) and not each.duplicate:
            warnings.update(dict.fromkeys(each.warnings))
    return tuple(warnings)


def _wrong(hold: Hold, usage: Usage) -> InvalidUsage | None:
    """Why a usage cannot be charged to this hold."""
    sent = usage.sent
    operation_id = sent.operation_id
    if sent.agent_id != hold.agent_id:
        text = f"the reservation is for agent {hold.agent_id}, not {sent.agent_id}"
        return InvalidUsage(operation_id, "INVALID", "agent_id", f"agent_id: {text}")
    if sent.budget_id is not None and sent.budget_id != hold.leaf_id:
        text = f"the reservation is on budget {hold.leaf_id}, not {sent.budget_id}"
        return InvalidUsage(operation_id, "INVALID", "budget_id", f"budget_id: {text}")
    return None
