"""Decide an adjustment: a refund, a credit or a correction, as an entry that names the one it adjusts.

It counts in the windows of the entry that it adjusts, so that the right ones have their money back.
"""

from typing import Any

import orjson

from ledger.agreements import count_in_agreements
from ledger.booking import forcing, new_entry
from ledger.changes import Added, KnownRequest
from ledger.charge import NOTHING, Amounts, charge, fits
from ledger.commands import Adjust
from ledger.errors import Conflict, InvalidInput, NotFound, OutOfRange
from ledger.model import ChargePath, CostEntry, EntryKind, Pricing, Warning, uid_of
from ledger.reader import Book
from ledger.recount import facts_of
from ledger.results import Adjusted
from ledger.state import TenantState
from pricing.money import round_ratio
from pricing.quote import Quote
from pricing.units import NO_COUNTS


def adjust(state: TenantState, command: Adjust, now_us: int) -> Adjusted:
    """Decide one adjustment. Raises ``NotFound``, ``Conflict``, ``InvalidInput``, ``OutOfRange``."""
    uid = uid_of(command.tenant, command.operation_id)
    book = _book(state, uid)
    adjusted = None if book is None else _adjusted(book, command)
    if book is None or adjusted is None or not state.tree.within(adjusted[1].leaf_uid, command.scope_uid):
        raise NotFound(f"There is no such entry of operation {command.operation_id}.", field="operation_id")
    known = state.request(command.request_uid)
    if known is not None:
        if known.fingerprint != command.fingerprint:
            raise Conflict(
                f"Idempotency key {command.idempotency_key} was used for another adjustment.",
                field="idempotency_key",
            )
        return Adjusted(_load(known.answer), duplicate=True)
    entry, path = adjusted
    parts = _left(book, entry)
    left_nano = min(sum(parts), sum(each.total_cost_nano for each, _ in book.entries))
    if left_nano + command.change_nano < 0:
        raise InvalidInput(
            "an operation cannot cost less than nothing: less than that is left", field="change"
        )
    plan = state.plan(path, book.facts, entry.charged_at_us)
    amounts = Amounts(command.change_nano, 0, 0)
    if not fits(plan, amounts):
        raise OutOfRange("The sum of a budget's window would not fit into 64 bits.", field="change")
    made = _entry(state, command, entry, parts, now_us)
    warnings: list[Warning] = []
    state.use_path(path)
    made = forcing(made, charge(state, plan, amounts, NOTHING, now_us, warnings))
    if state.prices.agreements:
        count_in_agreements(state, path, entry.charged_at_us, command.change_nano, None, 0)
    state.changes.added.append(Added(uid, path, book.facts, made))
    state.put_request(KnownRequest(command.request_uid, command.tenant, command.fingerprint, _dump(made)))
    return Adjusted(made, duplicate=False)


def _book(state: TenantState, uid: str) -> Book | None:
    """An operation's entries, with those of this batch."""
    stored = state.reader.book(uid)
    entries = [] if stored is None else list(stored.entries)
    facts = None if stored is None else stored.facts
    for operation in state.changes.operations:
        if operation.uid == uid:
            facts = facts_of(operation)
            if operation.entry is not None:
                entries.append((operation.entry, state.path_at(operation.path_uid)))
    for added in state.changes.added:
        if added.usage_uid == uid:
            entries.append((added.entry, added.path))
    return None if facts is None else Book(facts, tuple(entries))


def _adjusted(book: Book, command: Adjust) -> tuple[CostEntry, ChargePath] | None:
    for entry, path in book.entries:
        if entry.kind is not EntryKind.ADJUSTMENT and command.entry_uid in {None, entry.uid}:
            return entry, path
    return None


def _left(book: Book, adjusted: CostEntry) -> tuple[int, int, int]:
    """What is left of an entry's components after the adjustments so far."""
    mine = [entry for entry, _ in book.entries if adjusted.uid in {entry.uid, entry.adjusts}]
    return (
        sum(entry.prompt_cost_nano for entry in mine),
        sum(entry.completion_cost_nano for entry in mine),
        sum(entry.other_cost_nano for entry in mine),
    )


def _entry(
    state: TenantState, command: Adjust, adjusted: CostEntry, left: tuple[int, int, int], now_us: int
) -> CostEntry:
    """Its components are in proportion to what is left of them, so that a full refund leaves nothing."""
    change, whole = command.change_nano, sum(left)
    prompt = completion = 0
    if whole:
        prompt = _share(change, left[0], whole)
        rest = whole - left[0]
        completion = _share(change - prompt, left[1], rest) if rest else 0
    quote = Quote(
        Pricing.PRICED,
        adjusted.currency,
        prompt,
        completion,
        change - prompt - completion,
        change,
        None,
        command.kind.value.lower(),
    )
    entry = new_entry(
        state,
        command.operation_id,
        EntryKind.ADJUSTMENT,
        quote,
        adjusted.charged_at_us,
        now_us,
        NO_COUNTS,
        operations=0,
    )
    return entry._replace(adjusts=adjusted.uid, reason=command.reason)


def _share(change: int, part: int, whole: int) -> int:
    share = round_ratio(abs(change) * part, whole)
    return share if change > 0 else -share


def _dump(entry: CostEntry) -> str:
    return orjson.dumps(entry._asdict()).decode()


def _load(text: str) -> CostEntry:
    fields: dict[str, Any] = orjson.loads(text)
    fields["kind"] = EntryKind(fields["kind"])
    fields["forced"] = tuple(tuple(each) for each in fields["forced"])
    return CostEntry(**fields)
