"""Decide the recording of one usage: who pays, what it counts in, what the caller should know.

Recorded spend is never dropped: the money is gone whatever we answer. Only content that can never be
recorded, and an id that is taken by other content, are refused.
"""

from collections.abc import Mapping
from dataclasses import replace

from ledger.changes import RecordedOperation
from ledger.commands import Record
from ledger.events import budget_event
from ledger.model import (
    Agent,
    Budget,
    ChargePath,
    CostEntry,
    Enforcement,
    EntryKind,
    Limit,
    Meter,
    Pricing,
    Warning,
    Window,
    id_of,
    seq_uid,
    uid_of,
)
from ledger.results import InvalidUsage, OperationConflict, RecordedUsage, RecordResult
from ledger.state import AHEAD_MAX_US, KnownOperation, TenantState
from ledger.warnings import dump_warnings
from ledger.windows import EXCEEDED_PPM, reached, utilization_ppm
from pricing.calendar import to_datetime
from pricing.money import NANO_MAX
from pricing.quote import Quote, Reason

BUDGET_UNKNOWN = "BUDGET_UNKNOWN"
BUDGET_CLOSED = "BUDGET_CLOSED"
BUDGET_OUTSIDE_PERIOD = "BUDGET_OUTSIDE_PERIOD"
TIMESTAMP_CLAMPED = "TIMESTAMP_CLAMPED"
LATE = "LATE"
WARNING = "BUDGET_WARNING"
EXCEEDED = "BUDGET_EXCEEDED"
UNPRICED = "UNPRICED"


def record(state: TenantState, command: Record, now_us: int) -> RecordResult:
    """Decide one recording and note what it changes."""
    sent = command.usage.sent
    uid = uid_of(command.tenant, sent.operation_id)
    known = state.operation(uid)
    if known is not None:
        return _repeated(state, command, known)

    warnings: list[Warning] = []
    timestamp_us = _timestamp(command, now_us, warnings)
    agent_uid = uid_of(command.tenant, sent.agent_id)
    agent = state.agent(agent_uid)
    user_id = sent.user_id if sent.user_id is not None or agent is None else agent.user_id
    provider = sent.provider or provider_of(command.quote)
    path = state.tree.path(
        payer(state, command, agent, warnings),
        {"user_id": user_id, "provider": provider, "model_id": sent.model_id, "agent_id": sent.agent_id},
    )

    leaf = state.tree.get(path.leaf_uid)
    quote = command.quote if leaf is None else command.quote.charged_in(leaf.currency)
    charge = {
        Meter.COST: quote.total_nano,
        Meter.TOKENS: command.usage.counts.total_tokens,
        Meter.REQUESTS: 1,
    }
    charged = _counted(state, path, charge, timestamp_us)
    if charged is None:
        message = "The sum of a budget's window would not fit into 64 bits of nano-units."
        return InvalidUsage(sent.operation_id, "AMOUNT_OUT_OF_RANGE", None, message)

    if agent is None:
        state.put_agent(Agent(agent_uid, command.tenant, sent.agent_id, created_at_us=now_us))
    state.use_path(path)
    entry = _entry(state, command, quote, timestamp_us, now_us)
    unpriced_seq = state.next_seq() if entry is None else None
    _charge(state, charged, now_us, warnings)
    _about_budgets(state, path, timestamp_us, warnings)
    if quote.reason is not None:
        warnings.append(Warning(UNPRICED, _UNPRICED_TEXT[quote.reason]))
    warnings = [_as_seen(state, command, each) for each in warnings]

    state.changes.operations.append(
        RecordedOperation(
            uid,
            command.tenant,
            command.usage,
            agent_uid,
            path.uid,
            id_of(path.leaf_uid),
            user_id,
            provider,
            timestamp_us,
            now_us,
            quote.pricing,
            quote.reason,
            unpriced_seq,
            entry,
            dump_warnings(warnings) if warnings else None,
        )
    )
    return _answer(state, command, uid, path, entry, quote.pricing, warnings)


def _answer(
    state: TenantState,
    command: Record,
    uid: str,
    path: ChargePath,
    entry: CostEntry | None,
    pricing: Pricing,
    warnings: list[Warning],
) -> RecordedUsage:
    """The answer, remembered for repetitions in the same batch."""
    answer = RecordedUsage(
        command.usage.sent.operation_id,
        duplicate=False,
        pricing=pricing,
        cost_entry=entry,
        warnings=tuple(warnings),
    )
    state.operations[uid] = KnownOperation(uid, command.usage.fingerprint, path.leaf_uid, pricing, answer)
    return answer


_UNPRICED_TEXT = {
    Reason.NO_RATE: "The price is in another currency than the budget, and no exchange rate is known. "
    "The usage is recorded and settles when there is one.",
    Reason.UNKNOWN_MODEL: "No price is known for this model. "
    "The usage is recorded and settles when there is one.",
    Reason.UNIT_NOT_PRICED: "The model's price has no rate for something that was used. "
    "The usage is recorded and settles when there is one.",
}


def _repeated(state: TenantState, command: Record, known: KnownOperation) -> RecordResult:
    operation_id = command.usage.sent.operation_id
    if known.fingerprint == command.usage.fingerprint and state.tree.within(
        known.leaf_uid, command.scope_uid
    ):
        warnings = tuple(_as_seen(state, command, each) for each in known.answer.warnings)
        return replace(known.answer, duplicate=True, warnings=warnings)
    return OperationConflict(
        operation_id,
        f"Operation {operation_id} is already recorded with other content. "
        "Use a new operationId for a new operation, or repeat the first one unchanged.",
    )


def _timestamp(command: Record, now_us: int, warnings: list[Warning]) -> int:
    timestamp_us = command.usage.timestamp_us
    if timestamp_us is None:
        return now_us
    if timestamp_us > now_us + AHEAD_MAX_US:
        said, used = to_datetime(timestamp_us).isoformat(), to_datetime(now_us).isoformat()
        warnings.append(
            Warning(TIMESTAMP_CLAMPED, f"The timestamp {said} lies in the future; {used} was used.")
        )
        return now_us
    return timestamp_us


def payer(state: TenantState, command: Record, agent: Agent | None, warnings: list[Warning]) -> str:
    """The uid of the budget that pays when nobody knows better.

    The operation's own budget, else its parent operation's, else its agent's, else the API key's, else
    the tenant's ``unattributed``; each only if the key may spend there.
    """
    sent, tree, scope = command.usage.sent, state.tree, command.scope_uid
    if sent.budget_id is not None:
        asked = uid_of(command.tenant, sent.budget_id)
        if tree.within(asked, scope):
            return asked
        text = f"Budget {sent.budget_id} is not known here; the usage was charged to the next payer in line."
        warnings.append(Warning(BUDGET_UNKNOWN, text))
    if sent.parent_operation_id is not None:
        parent = state.operation(uid_of(command.tenant, sent.parent_operation_id))
        if parent is not None and tree.within(parent.leaf_uid, scope):
            return parent.leaf_uid
    if agent is not None and agent.budget_uid is not None and tree.within(agent.budget_uid, scope):
        return agent.budget_uid
    if scope is not None and tree.get(scope) is not None:
        return scope
    return tree.unattributed_uid


def provider_of(quote: Quote) -> str | None:
    """The provider whose price it is, for callers who name none."""
    return None if quote.price_card is None else quote.price_card.partition("/")[0]


Charged = list[tuple[Budget, Limit, Window, int]]


def _counted(state: TenantState, path: ChargePath, charge: Mapping[Meter, int], at_us: int) -> Charged | None:
    """Every window that the operation counts in, with how much; None where a sum would not fit."""
    found: Charged = []
    for budget_uid in path.budget_uids:
        budget = state.tree.get(budget_uid)
        if budget is None:
            continue
        for limit in budget.limits:
            amount = charge.get(limit.meter)
            if amount is None or not limit.counts_all:
                continue
            window = state.window(budget, limit, at_us)
            if window is None:
                continue
            if window.spent + amount > NANO_MAX:
                return None
            found.append((budget, limit, window, amount))
    return found


def _entry(
    state: TenantState, command: Record, quote: Quote, charged_at_us: int, now_us: int
) -> CostEntry | None:
    if quote.pricing is not Pricing.PRICED:
        return None
    seq = state.next_seq()
    return CostEntry(
        seq_uid(command.tenant, seq),
        command.tenant,
        command.usage.sent.operation_id,
        EntryKind.USAGE,
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
    )


def _charge(state: TenantState, charged: Charged, now_us: int, warnings: list[Warning]) -> None:
    late = False
    for budget, limit, window, amount in charged:
        before = window.spent
        window.spent = before + amount
        state.touch(window)
        ended = window.end_us is not None and window.end_us <= now_us
        if ended and not late:
            late = True
            text = "The usage belongs to a window that has ended; it was counted there."
            warnings.append(Warning(LATE, text, budget.budget_id, late=True))
        if limit.amount is None:
            continue
        if limit.enforcement is not Enforcement.SOFT:
            past = before + window.reserved + amount - limit.amount
            if past > 0:
                window.forced += min(amount, past)
        if limit.thresholds_ppm and reached(window.spent, limit.amount, limit.thresholds_ppm[0]):
            _tell(state, budget, limit, window, now_us)
            warnings.append(_threshold_warning(budget, limit, window, ended=ended))


def _tell(state: TenantState, budget: Budget, limit: Limit, window: Window, now_us: int) -> None:
    """Emit the events of the thresholds that this window reached, each once."""
    if limit.amount is None:
        return
    for threshold_ppm in limit.thresholds_ppm:
        if threshold_ppm not in window.told and reached(window.spent, limit.amount, threshold_ppm):
            # A new list: windows are shared with nobody, but a rolled back batch must not have told.
            window.told = [*window.told, threshold_ppm]
            event_type, body = budget_event(budget, limit, window, threshold_ppm, now_us)
            state.emit(event_type, budget.uid, now_us, body)


def _as_seen(state: TenantState, command: Record, warning: Warning) -> Warning:
    """A warning as the caller's key may see it: without name and figures of budgets above its own."""
    budget_id = warning.budget_id
    if budget_id is None or state.tree.within(uid_of(command.tenant, budget_id), command.scope_uid):
        return warning
    text = warning.message.replace(f"Budget {budget_id}", "A budget above this key's own")
    if warning.utilization_ppm is not None:
        text = "A budget above this key's own has reached a threshold."
    return Warning(warning.code, text, late=warning.late)


def _threshold_warning(budget: Budget, limit: Limit, window: Window, *, ended: bool) -> Warning:
    amount = limit.amount or 0
    threshold_ppm = max(each for each in limit.thresholds_ppm if reached(window.spent, amount, each))
    code = EXCEEDED if threshold_ppm >= EXCEEDED_PPM else WARNING
    used = utilization_ppm(window.spent, amount)
    return Warning(
        code,
        f"Budget {budget.budget_id} has used {used / 10_000:.2f} % of its limit.",
        budget.budget_id,
        limit.meter,
        limit.window,
        amount,
        window.spent,
        window.reserved,
        used,
        threshold_ppm,
        ended,
    )


def _about_budgets(state: TenantState, path: ChargePath, at_us: int, warnings: list[Warning]) -> None:
    """Closed budgets and those outside their period take the charge all the same, and the answer says so."""
    for budget_uid in path.budget_uids:
        budget = state.tree.get(budget_uid)
        if budget is None:
            continue
        outside = (budget.period_start_us is not None and at_us < budget.period_start_us) or (
            budget.period_end_us is not None and at_us >= budget.period_end_us
        )
        if not outside and budget.closed_at_us is None:
            continue
        code = BUDGET_CLOSED if budget.closed_at_us is not None else BUDGET_OUTSIDE_PERIOD
        what = "is closed" if code == BUDGET_CLOSED else "is outside its period"
        text = f"Budget {budget.budget_id} {what}; the usage was recorded on it all the same."
        warnings.append(Warning(code, text, budget.budget_id))
