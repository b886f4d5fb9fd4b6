"""Decide repricing: an operation is brought to the price that is known now for its own instant.

What was charged is never changed. What a price brings is booked beside it: the first entry of an operation
that had none, an adjustment by the difference of one that had. What people gave back or corrected stays as
it is. So the same again changes nothing, and there and back restores every balance.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ledger.agreements import count_in_agreements
from ledger.booking import forcing, new_entry
from ledger.changes import Added, PricedLater
from ledger.charge import NOTHING, Amounts, charge, fits
from ledger.deviations import note_deviation
from ledger.model import CostEntry, EntryKind, Pricing, Warning
from ledger.plan import Plan
from ledger.price_commands import Reprice
from ledger.reader import Bill
from ledger.results import Difference, Repriced, RepricedAs
from ledger.settling import FINAL_USAGE
from ledger.state import TenantState
from pricing.currency import charge_in
from pricing.errors import PricingError
from pricing.prices import Prices, Revision
from pricing.quote import PROVIDER_REPORTED, Quote
from pricing.rates import Costs
from pricing.units import NO_COUNTS

REPRICING: Final = "repricing"
"""The price source of an adjustment by repricing."""


def reprice(state: TenantState, command: Reprice, now_us: int) -> Repriced:
    """Reprice some operations, each on its own; those that are unknown are left out."""
    bills = [_as_decided(state, bill) for bill in state.reader.bills(dict.fromkeys(command.uids))]
    prices = supposing(state.prices, command.supposed)
    return Repriced(tuple(_reprice(state, command, prices, bill, now_us) for bill in bills))


def supposing(prices: Prices, cards: Sequence[Revision]) -> Prices:
    """What would be said with some cards more; each is the next version of the one with its id."""
    if not cards:
        return prices
    prices = prices.copy()
    for revision in cards:
        prices.put(revision._replace(number=len(prices.revisions(revision.card.card_id)) + 1))
    return prices


def _as_decided(state: TenantState, bill: Bill) -> Bill:
    """The bill with what this batch added to it so far."""
    added = [each for each in state.changes.added if each.usage_uid == bill.uid]
    if not added:
        return bill
    pricing = next((each.grown.pricing for each in reversed(added) if each.grown is not None), bill.pricing)
    return replace(bill, pricing=pricing, entries=(*bill.entries, *(each.entry for each in added)))


def _reprice(state: TenantState, command: Reprice, prices: Prices, bill: Bill, now_us: int) -> Difference:
    """What repricing makes of one operation, done unless it is a dry run."""
    leaf = state.tree.get(bill.path.leaf_uid)
    currency = "USD" if leaf is None else leaf.currency
    before = _sum(bill)
    before_nano = sum(before)
    now = priced_now(prices, bill, currency)
    outcome = now if isinstance(now, RepricedAs) else _outcome(state, bill, now.total_nano - before_nano)
    after_nano = before_nano
    if not isinstance(now, RepricedAs) and outcome in {RepricedAs.CHANGED, RepricedAs.SETTLED}:
        after_nano = now.total_nano
        if not command.dry_run:
            _book(state, command, bill, now, before, now_us)
    uids = bill.path.budget_uids
    return Difference(bill.operation_id, outcome, before_nano, after_nano, currency, uids)


def priced_now(prices: Prices, bill: Bill, currency: str) -> Quote | RepricedAs:
    """The price by what is said about prices, else why there is none that counts."""
    if any(entry.price_source == PROVIDER_REPORTED for entry in bill.entries):
        return RepricedAs.REPORTED
    pricer, request = prices.pricer(bill.path.budget_uids), bill.request
    card = None if request.provider_cost_nano is not None else pricer.card(request)
    if card is not None and card.monthly:
        return RepricedAs.MONTHLY
    try:
        quote = charge_in(pricer.quote(request), currency, prices.rates, request.at_us)
    except PricingError:
        return RepricedAs.OUT_OF_RANGE
    return RepricedAs.UNPRICED if quote.pricing is Pricing.UNPRICED else quote


def _outcome(state: TenantState, bill: Bill, change_nano: int) -> RepricedAs:
    """What a change of the cost is."""
    settles = bill.pricing is not Pricing.PRICED
    if not settles and not change_nano:
        return RepricedAs.SAME
    if sum(each.total_cost_nano for each in bill.entries) + change_nano < 0:
        return RepricedAs.REFUNDED
    if not fits(_plan(state, bill), Amounts(change_nano, 0, 0)):
        return RepricedAs.OUT_OF_RANGE
    return RepricedAs.SETTLED if settles else RepricedAs.CHANGED


def _plan(state: TenantState, bill: Bill) -> Plan:
    return state.plan(bill.path, bill.facts, bill.charged_at_us)


def _by_price(entry: CostEntry) -> bool:
    """Whether an entry is what a price made, and no refund, credit or correction."""
    return entry.kind is not EntryKind.ADJUSTMENT or entry.price_source in {REPRICING, FINAL_USAGE}


def _sum(bill: Bill) -> Costs:
    """What was charged by prices."""
    entries = [each for each in bill.entries if _by_price(each)]
    return Costs(
        sum(each.prompt_cost_nano for each in entries),
        sum(each.completion_cost_nano for each in entries),
        sum(each.other_cost_nano for each in entries),
    )


def _book(state: TenantState, command: Reprice, bill: Bill, quote: Quote, before: Costs, now_us: int) -> None:
    """Book the difference where the operation was charged."""
    change = quote._replace(
        prompt_nano=quote.prompt_nano - before.prompt_nano,
        completion_nano=quote.completion_nano - before.completion_nano,
        other_nano=quote.other_nano - before.other_nano,
        total_nano=quote.total_nano - sum(before),
    )
    first = bill.entries[0] if bill.entries else None
    kind = EntryKind.USAGE if first is None else EntryKind.ADJUSTMENT
    entry = new_entry(
        state, bill.operation_id, kind, change, bill.charged_at_us, now_us, NO_COUNTS, operations=0
    )
    if first is not None:
        entry = entry._replace(
            adjusts=first.uid,
            price_source=REPRICING,
            reason=command.reason,
            list_cost_nano=None,
        )
    warnings: list[Warning] = []
    state.use_path(bill.path)
    amounts = Amounts(change.total_nano, 0, 0)
    entry = forcing(entry, charge(state, _plan(state, bill), amounts, NOTHING, now_us, warnings))
    if state.prices.agreements:
        at_us, list_nano = bill.charged_at_us, entry.list_cost_nano
        count_in_agreements(state, bill.path, at_us, change.total_nano, list_nano, 0)
    later = None
    if bill.pricing is not Pricing.PRICED:
        # Of an estimate, what was charged stays charged: the adjustment is not counted there.
        charged = before if first is not None else Costs(*quote[2:5])
        later = PricedLater(Pricing.PRICED, charged)
        note_deviation(
            state,
            bill.uid,
            bill.path,
            bill.facts,
            bill.estimated_nano,
            quote.total_nano,
            Pricing.PRICED,
            now_us,
        )
    state.changes.added.append(Added(bill.uid, bill.path, bill.facts, entry, later))
