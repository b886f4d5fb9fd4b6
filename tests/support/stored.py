"""Usage and entries as the simulated store keeps them, and what they add up to."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ledger.archive import RawUsage
from ledger.changes import RecordedOperation
from ledger.model import ChargePath, CostEntry, Pricing
from ledger.plan import Facts
from ledger.reader import KnownOperation
from ledger.recount import facts_of
from ledger.results import RecordedUsage
from ledger.warnings import load_warnings
from pricing.agreements import AGREEMENT
from pricing.rates import Costs
from pricing.units import TokenCounts
from pricing.volume import MonthSums
from tests.support.memory import parent_of


@dataclass(slots=True)
class StoredEntry:
    entry: CostEntry
    path: ChargePath
    usage_uid: str
    facts: Facts


@dataclass(slots=True)
class StoredUsage:
    operation: RecordedOperation
    path: ChargePath
    counts: TokenCounts
    fingerprint: str
    pricing: Pricing
    grown: Costs | None = None
    estimated_nano: int | None = None
    archived: str | None = None


@dataclass
class StoredBooks:
    """What was recorded."""

    usages: dict[str, StoredUsage] = field(default_factory=dict, kw_only=True)
    entries: list[StoredEntry] = field(default_factory=list, kw_only=True)

    def charged_in(
        self, budget_uid: str, start_us: int | None, end_us: int | None
    ) -> list[tuple[Facts, int, int, int]]:
        """Facts, cost, tokens and operations of everything that was charged to a budget in a span."""

        def inside(at_us: int) -> bool:
            return (start_us is None or start_us <= at_us) and (end_us is None or at_us < end_us)

        found: list[tuple[Facts, int, int, int]] = []
        for each in self.entries:
            entry = each.entry
            if budget_uid in each.path.budget_uids and inside(entry.charged_at_us):
                tokens = entry.prompt_tokens + entry.completion_tokens
                found.append((each.facts, entry.total_cost_nano, tokens, entry.operations))
        for usage in self.usages.values():
            operation = usage.operation
            if (
                operation.unpriced_seq is not None
                and budget_uid in usage.path.budget_uids
                and inside(operation.charged_at_us)
            ):
                found.append((facts_of(operation), 0, operation.usage.counts.total_tokens, 1))
        return found

    def sums_in(self, budget_uid: str, start_us: int, end_us: int) -> MonthSums:
        """What was charged to a budget in a span, statements apart: at list prices, in fact; and tokens."""
        entries = [
            each.entry
            for each in self.entries
            if budget_uid in each.path.budget_uids
            and start_us <= each.entry.charged_at_us < end_us
            and each.entry.price_source != AGREEMENT
        ]
        listed = (
            each.total_cost_nano if each.list_cost_nano is None else each.list_cost_nano for each in entries
        )
        charged = self.charged_in(budget_uid, start_us, end_us)
        return MonthSums(
            sum(listed), sum(each.total_cost_nano for each in entries), sum(each[2] for each in charged)
        )

    def raw(self, uids: Iterable[str]) -> list[RawUsage]:
        """What archiving looks at, of those that have a cost."""
        found: list[RawUsage] = []
        for uid in uids:
            usage = self.usages.get(uid)
            seqs = [each.entry.seq for each in self.entries if each.usage_uid == uid]
            if usage is not None and seqs:
                at_us, reservation_id = usage.operation.timestamp_us, usage.operation.reservation_id
                raw = RawUsage(uid, usage.fingerprint, usage.pricing, at_us, max(seqs), reservation_id)
                found.append(replace(raw, archived=usage.archived))
        return found


def known_operation(usage: StoredUsage, first: CostEntry | None) -> KnownOperation:
    """An operation as the ledger finds it: with the answer that was given when it was recorded."""
    operation = usage.operation
    return KnownOperation(
        operation.uid,
        usage.fingerprint,
        usage.path.leaf_uid,
        usage.pricing,
        RecordedUsage(
            operation.usage.sent.operation_id,
            duplicate=False,
            pricing=usage.pricing,
            cost_entry=first,
            warnings=load_warnings(operation.warnings_json),
        ),
        usage.counts,
        usage.grown,
        operation.reservation_id,
        usage.estimated_nano,
        parent_of(operation),
    )
