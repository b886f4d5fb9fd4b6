"""Settling usage on a hold, one by one: what is held for it is taken off the hold, the rest is overrun.

An operation may grow: counts of later settles are cumulative, and the difference is charged. Where they are
the provider's last word (``Settle.replaces``), what was charged above them is given back.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ledger.agreements import count_in_agreements
from ledger.booking import Booking, amounts_of, book, forcing, new_entry, past_64_bits, timestamp_of
from ledger.changes import Added, Grown
from ledger.charge import Amounts, as_seen, charge, fits
from ledger.commands import Settle
from ledger.delegation import refused as delegation_refused
from ledger.deviations import note_deviation
from ledger.holds import Hold, HoldState
from ledger.model import CostEntry, EntryKind, Pricing, Warning, uid_of
from ledger.plan import Facts, Plan, resource_of
from ledger.prices import Priced, count_in_month
from ledger.reader import KnownOperation
from ledger.results import OperationConflict, RecordedUsage, RecordResult
from ledger.state import TenantState
from ledger.usage import Usage, same_operation
from pricing.money import round_ratio
from pricing.quote import Quote
from pricing.rates import Costs
from pricing.units import TokenCounts

ESTIMATED: Final = "ESTIMATED"
PricedUsages = Sequence[tuple[Usage, Quote]]
HELD_AMOUNT: Final = "held_amount"
"""The price source of what was charged without a price: the amount that was held."""
FINAL_USAGE: Final = "final_usage"
"""The price source of what is given back because the provider's final usage is less than was charged."""


def _other(
    state: TenantState, command: Settle, usage: Usage, known: KnownOperation
) -> OperationConflict | None:
    """Why a usage is not more of the operation that is recorded under its id."""
    operation_id = usage.sent.operation_id
    if not same_operation(known.fingerprint, usage.fingerprint) or not state.tree.within(
        known.leaf_uid, command.scope_uid
    ):
        return conflict(operation_id, "is already recorded with other content")
    mixed = _some_higher(usage.counts, known.counts) and _some_higher(known.counts, usage.counts)
    if mixed and not command.replaces:
        return conflict(operation_id, "grew in some counts and shrank in others; counts are cumulative")
    return None


def conflict(operation_id: str, what: str) -> OperationConflict:
    """The refusal of usage that does not fit what is recorded under its id."""
    return OperationConflict(
        operation_id,
        f"Operation {operation_id} {what}. "
        "Use a new operationId for a new operation, or repeat the first one unchanged.",
    )


def _some_higher(counts: TokenCounts, than: TokenCounts) -> bool:
    return any(map(int.__gt__, counts, than))


class Settling:
    """One settlement on its way: takes usages one by one, and what is held for them off the hold."""

    def __init__(
        self, state: TenantState, command: Settle, usages: PricedUsages, hold: Hold, now_us: int
    ) -> None:
        self._state = state
        self._command = command
        self._usages = usages
        self._hold = hold
        self._now_us = now_us
        leaf = state.tree.get(hold.path.leaf_uid)
        self.currency = "USD" if leaf is None else leaf.currency
        self.charged_nano = 0
        self.news = False
        """Whether anything was charged that had not been before."""
        self._plan: Plan | None = None

    @property
    def plan(self) -> Plan:
        """Where its usage counts; of several, where that of the last one does."""
        hold = self._hold
        return self._plan or self._state.plan(hold.path, hold.facts(), hold.at_us)

    def take(self, usage: Usage, quote: Quote, priced: Priced | None = None) -> RecordResult:
        """Charge one usage, or what it grew by."""
        state, hold = self._state, self._hold
        known = state.operation(uid_of(state.tenant, usage.sent.operation_id))
        if known is not None:
            return self._again(usage, quote, known, priced)
        if (wrong := delegation_refused(state, usage)) is not None:
            return wrong
        warnings: list[Warning] = []
        timestamp_us = timestamp_of(usage, self._now_us, warnings)
        facts = self._facts(usage)
        quote = quote.charged_in(self.currency)
        amounts = amounts_of(usage, quote)
        self._plan = plan = state.plan(hold.path, facts, hold.at_us)
        if not fits(plan, amounts):
            return past_64_bits(usage.sent.operation_id)
        covered = self._take_off(amounts)
        if quote.pricing is Pricing.ESTIMATED:
            warnings.append(_estimated())
        booking = Booking(
            usage=usage,
            quote=quote,
            path=hold.path,
            facts=facts,
            agent_uid=uid_of(state.tenant, hold.agent_id),
            timestamp_us=timestamp_us,
            charged_at_us=hold.at_us,
            scope_uid=self._command.scope_uid,
            warnings=warnings,
            reservation_id=hold.reservation_id,
            overridden=hold.overridden,
        )
        answer = book(state, booking, plan, amounts, covered, self._now_us)
        count_in_month(state, priced, usage.counts, usage.resource)
        return answer

    def _facts(self, usage: Usage) -> Facts:
        sent, hold = usage.sent, self._hold
        return {
            "user_id": sent.user_id if sent.user_id is not None else hold.user_id,
            "provider": sent.provider if sent.provider is not None else hold.provider,
            "model_id": sent.model_id,
            "agent_id": sent.agent_id,
            "resource": resource_of(sent.model_id, usage.counts.total_tokens, sent.category),
        }

    def _take_off(self, amounts: Amounts) -> Amounts:
        """Give back what the hold has for this, and note what it does not have as overrun."""
        state, hold = self._state, self._hold
        self.news = True
        covered = Amounts(
            min(hold.cost_nano, max(0, amounts.cost_nano)),
            min(hold.tokens, max(0, amounts.tokens)),
            min(hold.requests, amounts.requests),
        )
        windows = hold.windows
        state.hold_less(windows.cost, covered.cost_nano)
        state.hold_less(windows.tokens, covered.tokens)
        state.hold_less(windows.requests, covered.requests)
        hold.cost_nano -= covered.cost_nano
        hold.tokens -= covered.tokens
        hold.requests -= covered.requests
        hold.charged_nano += amounts.cost_nano
        # What is given back was overrun first.
        hold.overrun_nano = max(0, hold.overrun_nano + amounts.cost_nano - covered.cost_nano)
        self.charged_nano += amounts.cost_nano
        state.put_hold(hold)
        return covered

    def _again(
        self, usage: Usage, quote: Quote, known: KnownOperation, priced: Priced | None
    ) -> RecordResult:
        """An operation that is recorded: a duplicate, or it grew, or its price is known by now."""
        other = _other(self._state, self._command, usage, known)
        if other is not None:
            return other
        quote = quote.charged_in(self.currency)
        first_price = known.pricing is Pricing.UNPRICED and quote.pricing is not Pricing.UNPRICED
        delta = _difference(quote, known.charged, replaces=self._command.replaces)
        reported = usage.provider_cost_nano is not None and delta.total_nano
        more = _some_higher(usage.counts, known.counts)
        shrank = _some_higher(known.counts, usage.counts)
        if self._command.replaces:
            same = not (more or shrank or first_price or reported)
        else:
            same = shrank or not (more or first_price or reported)
        if same:
            scope_uid = self._command.scope_uid
            seen = tuple(as_seen(self._state, scope_uid, each) for each in known.answer.warnings)
            return replace(known.answer, duplicate=True, warnings=seen)
        return self._book_difference(usage, quote, delta, known, priced, first_price=first_price)

    def _book_difference(
        self,
        usage: Usage,
        quote: Quote,
        delta: Quote,
        known: KnownOperation,
        priced: Priced | None,
        *,
        first_price: bool,
    ) -> RecordResult:
        state, hold = self._state, self._hold
        grown_by = TokenCounts(*map(int.__sub__, usage.counts, known.counts))
        facts = self._facts(usage)
        amounts = Amounts(delta.total_nano, grown_by.total_tokens, 0)
        self._plan = plan = state.plan(hold.path, facts, hold.at_us)
        if not fits(plan, amounts):
            return past_64_bits(usage.sent.operation_id)
        covered = self._take_off(amounts)
        count_in_month(state, priced, usage.counts if first_price else grown_by, None)
        entry = self._entry(known, delta, grown_by, first_price=first_price)
        warnings: list[Warning] = []
        forced = charge(state, plan, amounts, covered, self._now_us, warnings, hold.overridden)
        entry = forcing(entry, forced)
        if state.prices.agreements:
            count_in_agreements(
                state, hold.path, hold.at_us, delta.total_nano, delta.list_nano, amounts.tokens
            )
        if quote.pricing is Pricing.ESTIMATED:
            warnings.append(_estimated())
        pricing = quote.pricing if first_price else known.pricing
        total = Costs._make(map(int.__add__, known.charged, delta[2:5]))
        answer = RecordedUsage(
            usage.sent.operation_id,
            duplicate=False,
            pricing=pricing,
            cost_entry=entry,
            warnings=tuple(as_seen(state, self._command.scope_uid, each) for each in warnings),
        )
        first = replace(answer, cost_entry=entry) if first_price else replace(known.answer, pricing=pricing)
        state.operations[known.uid] = KnownOperation(
            known.uid,
            usage.fingerprint,
            known.leaf_uid,
            pricing,
            first,
            usage.counts,
            total,
            known.reservation_uid,
            known.estimated_nano if usage.estimated_nano is None else usage.estimated_nano,
            known.parent_uid,
        )
        state.changes.added.append(Added(known.uid, hold.path, facts, entry, Grown(usage, pricing, total)))
        return answer

    def _entry(
        self, known: KnownOperation, delta: Quote, grown_by: TokenCounts, *, first_price: bool
    ) -> CostEntry:
        """The entry of a difference: what costs less than was charged is an adjustment of the first one."""
        kind, first = EntryKind.CONTINUATION, known.answer.cost_entry
        if first_price:
            kind = EntryKind.USAGE
        elif delta.total_nano < 0:
            kind = EntryKind.ADJUSTMENT
        operation_id, at_us = known.answer.operation_id, self._hold.at_us
        entry = new_entry(self._state, operation_id, kind, delta, at_us, self._now_us, grown_by, operations=0)
        if kind is not EntryKind.ADJUSTMENT:
            return entry
        return entry._replace(
            adjusts=None if first is None else first.uid,
            price_source=FINAL_USAGE,
            reason="the provider's final usage is less than was charged",
        )

    def estimates(self, indexes: list[int]) -> list[tuple[int, Quote]]:
        """What is held, divided among usages without a price by their tokens; nothing where nothing is."""
        if not indexes:
            return []
        usages = [self._usages[index] for index in indexes]
        fresh = [
            index
            for index, (usage, _) in zip(indexes, usages, strict=True)
            if (known := self._state.operation(uid_of(self._state.tenant, usage.sent.operation_id))) is None
            or known.pricing is Pricing.UNPRICED
        ]
        held, weights = self._hold.cost_nano, {}
        if self._hold.state is HoldState.HELD and held:
            weights = {i: self._usages[i][0].counts.total_tokens for i in fresh}
        found: list[tuple[int, Quote]] = []
        left, whole = held, sum(weights.values())
        for position, index in enumerate(fresh):
            quote = self._usages[index][1].charged_in(self.currency)
            if weights:
                last = position == len(fresh) - 1
                share = left if last or not whole else round_ratio(left * weights[index], whole)
                left -= share
                whole -= weights[index]
                quote = _estimate(quote, share, self.currency)
            found.append((index, quote))
        rest = [index for index in indexes if index not in set(fresh)]
        return [*found, *((index, self._usages[index][1]) for index in rest)]

    def own_before(self, ordered: tuple[RecordResult, ...]) -> int:
        """What a repeated settlement had charged the first time, as far as its answers show."""
        total = 0
        for each in ordered:
            if isinstance(each, RecordedUsage) and each.cost_entry is not None:
                known = self._state.operation(uid_of(self._state.tenant, each.operation_id))
                if known is not None and known.reservation_uid == self._hold.reservation_id:
                    total += each.cost_entry.total_cost_nano
        return total

    def note_deviations(self, ordered: tuple[RecordResult, ...]) -> None:
        """Compare what the operations cost by now with what they were expected to."""
        state = self._state
        for (usage, _), result in zip(self._command.usages, ordered, strict=True):
            if not isinstance(result, RecordedUsage):
                continue
            known = state.operation(uid_of(state.tenant, result.operation_id))
            if known is None or known.reservation_uid != self._hold.reservation_id:
                continue  # recorded elsewhere, and compared there
            expected = known.estimated_nano if usage.estimated_nano is None else usage.estimated_nano
            if expected is None:
                continue
            entry = result.cost_entry
            note_deviation(
                state,
                known.uid,
                self._hold.path,
                self._facts(usage),
                expected,
                sum(known.charged),
                known.pricing,
                self._now_us,
                grown=entry is not None and entry.kind is EntryKind.CONTINUATION,
            )


def _difference(quote: Quote, charged: Costs, *, replaces: bool) -> Quote:
    """What the sum costs above what was charged; below it only where it ``replaces`` what was said before."""
    total_nano = quote.total_nano - sum(charged)
    if quote.pricing is Pricing.UNPRICED or (total_nano <= 0 and not replaces):
        return quote._replace(prompt_nano=0, completion_nano=0, other_nano=0, total_nano=0)
    return quote._replace(
        prompt_nano=quote.prompt_nano - charged.prompt_nano,
        completion_nano=quote.completion_nano - charged.completion_nano,
        other_nano=quote.other_nano - charged.other_nano,
        total_nano=total_nano,
        # What the list says of a part is not known: the first entry has that of its own counts.
        list_nano=None if any(charged) else quote.list_nano,
    )


def _estimate(quote: Quote, share_nano: int, currency: str) -> Quote:
    return quote._replace(
        pricing=Pricing.ESTIMATED,
        currency=currency,
        prompt_nano=0,
        completion_nano=0,
        other_nano=share_nano,
        total_nano=share_nano,
        reason=None,
        price_source=HELD_AMOUNT,
    )


def _estimated() -> Warning:
    return Warning(
        ESTIMATED,
        "No price is known for this usage: what was held for it was charged. "
        "It is adjusted when the price is known.",
    )
