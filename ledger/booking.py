"""Booking one usage: its node, its entry, the windows that it counts in, what the caller is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.agreements import count_in_agreements
from ledger.changes import RecordedOperation
from ledger.charge import Amounts, as_seen, charge
from ledger.delegation import delegate
from ledger.model import (
    Agent,
    ChargePath,
    CostEntry,
    EntryKind,
    Forced,
    Pricing,
    Warning,
    id_of,
    seq_uid,
    uid_of,
)
from ledger.plan import Facts, Plan
from ledger.reader import KnownOperation
from ledger.results import InvalidUsage, RecordedUsage
from ledger.state import TenantState
from ledger.usage import Usage
from ledger.warnings import dump_warnings
from ledger.windows import AHEAD_MAX_US
from pricing.calendar import to_datetime
from pricing.quote import Quote, Reason
from pricing.units import TokenCounts

BUDGET_CLOSED = "BUDGET_CLOSED"
BUDGET_OUTSIDE_PERIOD = "BUDGET_OUTSIDE_PERIOD"
TIMESTAMP_CLAMPED = "TIMESTAMP_CLAMPED"
UNPRICED = "UNPRICED"


@dataclass(slots=True)
class Booking:
    """A usage that was decided to be recorded: who pays, when it happened, which windows count it."""

    usage: Usage
    quote: Quote
    path: ChargePath
    facts: Facts
    agent_uid: str
    timestamp_us: int
    """When it happened: its place in rollups."""
    charged_at_us: int
    """The instant whose windows count it."""
    scope_uid: str | None
    warnings: list[Warning] = field(default_factory=list[Warning])
    reservation_id: str | None = None
    overridden: Sequence[str] = ()
    """The windows whose limits its hold passed by an override."""


def amounts_of(usage: Usage, quote: Quote) -> Amounts:
    """What a new operation counts."""
    return Amounts(quote.total_nano, usage.counts.total_tokens, 1)


def book(
    state: TenantState, booking: Booking, plan: Plan, amounts: Amounts, covered: Amounts, now_us: int
) -> RecordedUsage:
    """Record a usage that its plan can count. Its quote is in the currency of the budget that pays.

    ``covered`` is what a hold gave back for it; what is above it may pass a limit.
    """
    usage, path, quote = booking.usage, booking.path, booking.quote
    sent = usage.sent
    if state.agent(booking.agent_uid) is None:
        state.put_agent(Agent(booking.agent_uid, state.tenant, sent.agent_id, created_at_us=now_us))
    unpriced_seq, entry = None, None
    if quote.pricing is Pricing.UNPRICED:
        unpriced_seq = state.next_seq()
    else:
        entry = new_entry(
            state, sent.operation_id, EntryKind.USAGE, quote, booking.charged_at_us, now_us, usage.counts
        )
    warnings = booking.warnings
    forced = charge(state, plan, amounts, covered, now_us, warnings, booking.overridden)
    if entry is not None:
        entry = forcing(entry, forced)
    if state.prices.agreements:
        at_us, listed_nano = booking.charged_at_us, quote.list_nano
        count_in_agreements(state, path, at_us, amounts.cost_nano, listed_nano, amounts.tokens)
    _about_budgets(plan, warnings)
    if quote.reason is not None:
        warnings.append(Warning(UNPRICED, _UNPRICED_TEXT[quote.reason]))
    seen = [as_seen(state, booking.scope_uid, each) for each in warnings]
    uid = uid_of(state.tenant, sent.operation_id)
    state.changes.operations.append(
        RecordedOperation(
            uid,
            state.tenant,
            usage,
            booking.agent_uid,
            path.uid,
            id_of(path.leaf_uid),
            booking.facts["user_id"],
            booking.facts["provider"],
            booking.timestamp_us,
            now_us,
            quote.pricing,
            quote.reason,
            unpriced_seq,
            entry,
            dump_warnings(seen) if seen else None,
            booking.charged_at_us,
            booking.reservation_id,
            forced if entry is None else (),
        )
    )
    answer = RecordedUsage(sent.operation_id, False, quote.pricing, entry, tuple(seen))  # noqa: FBT003
    parent_id = sent.parent_operation_id
    state.operations[uid] = KnownOperation(
        uid,
        usage.fingerprint,
        path.leaf_uid,
        quote.pricing,
        answer,
        usage.counts,
        None,
        booking.reservation_id,
        usage.estimated_nano,
        None if parent_id is None else uid_of(state.tenant, parent_id),
    )
    if parent_id is not None or state.head.awaited:
        delegate(state, uid, usage)
    return answer


def past_64_bits(operation_id: str) -> InvalidUsage:
    """The answer to a usage that no window could count."""
    message = "The sum of a budget's window would not fit into 64 bits of nano-units."
    return InvalidUsage(operation_id, "AMOUNT_OUT_OF_RANGE", None, message)


def new_entry(
    state: TenantState,
    operation_id: str,
    kind: EntryKind,
    quote: Quote,
    charged_at_us: int,
    now_us: int,
    counts: TokenCounts,
    operations: int = 1,
) -> CostEntry:
    """The next entry of the tenant's sequence."""
    seq = state.next_seq()
    return CostEntry(
        seq_uid(state.tenant, seq),
        state.tenant,
        operation_id,
        kind,
        quote.prompt_nano,
        quote.completion_nano,
        quote.other_nano,
        quote.total_nano,
        quote.currency,
        seq,
        charged_at_us,
        now_us,
        quote.price_source,
        quote.price_card,
        quote.price_date,
        quote.catalogue_version,
        quote.catalogue_hash,
        operations,
        counts.prompt_tokens,
        counts.completion_tokens,
        None,
        None,
        quote.list_nano,
        quote.fx_rate,
        quote.fx_date,
        quote.fx_source,
        quote.fx_from,
    )


def forcing(entry: CostEntry, forced: Forced) -> CostEntry:
    """An entry that tells what it forced past limits, for ``verify`` to add up."""
    return entry._replace(forced=forced) if forced else entry


_UNPRICED_TEXT = {
    Reason.NO_RATE: "The price is in another currency than the budget, and no exchange rate is known. "
    "The usage is recorded and settles when there is one.",
    Reason.UNKNOWN_MODEL: "No price is known for this model. "
    "The usage is recorded and settles when there is one.",
    Reason.UNIT_NOT_PRICED: "The model's price has no rate for something that was used. "
    "The usage is recorded and settles when there is one.",
    Reason.MODE_NOT_PRICED: "The model's price has no rate for this processing mode. "
    "The usage is recorded and settles when there is one.",
    Reason.MONTH_UNKNOWN: "The price depends on what the month has used, which is not known yet. "
    "The usage is recorded and settles when it is.",
}


def timestamp_of(usage: Usage, now_us: int, warnings: list[Warning]) -> int:
    """When a usage happened; more than five minutes ahead is now, with a warning."""
    timestamp_us = usage.timestamp_us
    if timestamp_us is None:
        return now_us
    if timestamp_us > now_us + AHEAD_MAX_US:
        said, used = to_datetime(timestamp_us).isoformat(), to_datetime(now_us).isoformat()
        warnings.append(
            Warning(TIMESTAMP_CLAMPED, f"The timestamp {said} lies in the future; {used} was used.")
        )
        return now_us
    return timestamp_us


def _about_budgets(plan: Plan, warnings: list[Warning]) -> None:
    """Closed budgets and those outside their period take the charge all the same, and the answer says so."""
    for budget in plan.shut:
        code = BUDGET_CLOSED if budget.closed_at_us is not None else BUDGET_OUTSIDE_PERIOD
        what = "is closed" if code == BUDGET_CLOSED else "is outside its period"
        text = f"Budget {budget.budget_id} {what}; the usage was recorded on it all the same."
        warnings.append(Warning(code, text, budget.budget_id))
