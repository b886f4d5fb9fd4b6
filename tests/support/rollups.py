"""Streams of entries for the rollup tests: written straight into the graph, and added up naively."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.database import Database, Transaction
from graph.ledger.rows import budget_properties
from insight.facts import Facts
from insight.rollups import (
    MEASURES,
    USAGE_DIMENSIONS,
    Dimension,
    Granularity,
    Measures,
    RollupQuery,
    RollupRow,
)
from ledger.model import Budget, BudgetType, ChargePath, Recurrence, Schedule, seq_uid, uid_of
from ledger.tree import BudgetTree
from pricing.calendar import bounds, zone

BATCH = 1000
LABELS = tuple(each.column for each in USAGE_DIMENSIONS)


@dataclass(frozen=True)
class Entry:
    """What one number of the stream adds: an entry of a usage, or a usage without a price."""

    seq: int
    usage: int
    """Which usage it belongs to: entries of one usage share its instant and labels."""
    at_us: int
    path: ChargePath
    labels: dict[str, str]
    """By dimension's column name; "" where there is none."""
    measures: tuple[int, ...]
    """In the order of MEASURES."""
    priced: bool = True
    first: bool = True
    """Whether the usage begins with it."""


def budget(
    tenant: str,
    budget_id: str,
    parent: str | None = None,
    kind: BudgetType = BudgetType.CUSTOM,
    *,
    resource_id: str | None = None,
    timezone: str = "UTC",
    rollup_timezone: str | None = None,
) -> Budget:
    """A budget that only tracks."""
    return Budget(
        uid=uid_of(tenant, budget_id),
        tenant=tenant,
        budget_id=budget_id,
        parent_uid=None if parent is None else uid_of(tenant, parent),
        name=None,
        amount_nano=None,
        currency="USD",
        budget_type=kind,
        resource_id=resource_id,
        period_start_us=None,
        period_end_us=None,
        recurrence=Recurrence.NONE,
        timezone=timezone,
        rollup_timezone=rollup_timezone or timezone,
        warning_threshold_ppm=800_000,
        priority=None,
        created_at_us=0,
        schedules=(Schedule(0, Recurrence.NONE, timezone),),
        limits=(),
    )


@dataclass
class World:
    """One tenant: its tree, and its stream so far."""

    tenant: str
    tree: BudgetTree
    entries: list[Entry] = field(default_factory=list)
    written: int = 0
    seq: int = 0
    version: int = 0

    @classmethod
    def of(cls, tenant: str, budgets: Iterable[Budget]) -> "World":
        tree = BudgetTree(tenant)
        for each in budgets:
            tree.put(each)
        return cls(tenant, tree)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.seq = max(self.seq, entry.seq)

    def store(self, database: Database) -> None:
        """Write the tree, and what was added since the last time, as one commit of the ledger."""
        fresh, self.written = self.entries[self.written :], len(self.entries)
        self.version += 1
        insert(database, self.tenant, self.tree, fresh, seq=self.seq, version=self.version)


def insert(
    database: Database, tenant: str, tree: BudgetTree, entries: Sequence[Entry], *, seq: int, version: int
) -> None:
    """Write budgets, paths, usage and entries, in the layout that the ledger's store writes."""
    paths = {entry.path.uid: entry.path for entry in entries}

    def founding(transaction: Transaction) -> None:
        transaction.run_text(
            "MERGE (l:Ledger {uid: $t}) ON CREATE SET l.tenant = $t, l.seq = 0, l.commits = 0 "
            "MERGE (f:Fold {uid: $t}) ON CREATE SET f.tenant = $t, f.folded_seq = 0",
            {"t": tenant},
        )
        rows = [{"uid": each.uid, "properties": budget_properties(each, version)} for each in tree.all()]
        transaction.run_text(
            "UNWIND $rows AS row MERGE (b:Budget {uid: row.uid}) SET b += row.properties", {"rows": rows}
        )
        transaction.run_text(
            "UNWIND $rows AS row MERGE (p:ChargePath {uid: row.uid}) SET p += row",
            {
                "rows": [
                    {"uid": p.uid, "tenant": tenant, "chain": list(p.chain), "scoped": list(p.scoped)}
                    for p in paths.values()
                ]
            },
        )

    database.writing(founding)
    _rows(
        database,
        "UNWIND $rows AS row CREATE (u:TokenUsage {uid: row.uid}) SET u += row",
        [_usage(tenant, each) for each in entries if each.first],
    )
    _rows(
        database,
        "UNWIND $rows AS row MATCH (u:TokenUsage {uid: row.usage}) "
        "CREATE (u)-[:INCURRED]->(e:CostEntry {uid: row.uid}) SET e += row.properties",
        [_entry(tenant, each) for each in entries if each.priced],
    )
    database.writing(
        lambda each: each.run_text(
            "MATCH (l:Ledger {uid: $t}) SET l.seq = $seq, l.version = $version, l.last_now_us = $now",
            {"t": tenant, "seq": seq, "version": version, "now": 1_000_000 * seq},
        )
    )


def _rows(database: Database, text: Any, rows: list[dict[str, Any]]) -> None:
    for begin in range(0, len(rows), BATCH):
        part = rows[begin : begin + BATCH]
        database.writing(lambda each, part=part: each.run_text(text, {"rows": part}))


def _usage(tenant: str, entry: Entry) -> dict[str, Any]:
    labels, operation = entry.labels, f"op-{entry.usage}"
    row: dict[str, Any] = {
        "uid": uid_of(tenant, operation),
        "tenant": tenant,
        "operation_id": operation,
        "agent_id": labels["agent"],
        "model_id": labels["model"] or None,
        "provider": labels["provider"] or None,
        "capability_type": labels["capability"],
        "user_id": labels["user"] or None,
        "category": labels["category"],
        "outcome": labels["outcome"],
        "resource_type": labels["resource_type"],
        "timestamp_us": entry.at_us,
        "time_key": f"{tenant}/{entry.at_us:016d}/{operation}",
        "charge_path": entry.path.uid,
        "prompt_tokens": entry.measures[1],
        "completion_tokens": entry.measures[2],
        "units_nano": entry.measures[6] or None,
    }
    if not entry.priced:
        row |= {"unpriced_seq": entry.seq, "unpriced_key": seq_uid(tenant, entry.seq)}
    return {name: value for name, value in row.items() if value is not None}


def _entry(tenant: str, entry: Entry) -> dict[str, Any]:
    properties: dict[str, Any] = dict(zip(MEASURES, entry.measures, strict=True))
    properties |= {"tenant": tenant, "seq": entry.seq, "charge_path": entry.path.uid}
    return {
        "uid": seq_uid(tenant, entry.seq),
        "usage": uid_of(tenant, f"op-{entry.usage}"),
        "properties": properties,
    }


def facts_of(entries: Sequence[Entry]) -> Facts:
    """The entries in columns."""
    labels = {name: [each.labels[name] for each in entries] for name in LABELS}
    return Facts.of(
        [each.at_us for each in entries],
        labels | {"path": [each.path.uid for each in entries]},
        [[each.measures[index] for each in entries] for index in range(len(MEASURES))],
    )


def naive(
    entries: Iterable[Entry], tree: BudgetTree, query: RollupQuery
) -> tuple[Measures, Measures, tuple[RollupRow, ...]]:
    """Total, own and rows, added up one entry at a time."""
    asked = tree.get(query.budget_uid)
    assert asked is not None
    unit, where = query.granularity.unit, zone(query.timezone or asked.timezone)
    total, own = [0] * len(MEASURES), [0] * len(MEASURES)
    rows: dict[tuple[Any, ...], list[int]] = {}
    for entry in entries:
        if entry.at_us < (query.from_us or 0) or (query.to_us is not None and entry.at_us >= query.to_us):
            continue
        direct = query.budget_uid == entry.path.chain[0] or query.budget_uid in entry.path.scoped
        if not direct and query.budget_uid not in entry.path.chain:
            continue
        sums = [total, own] if direct else [total]
        if (query.by or unit) and (direct or query.include_descendants):
            span = (None, None) if unit is None else bounds(unit, entry.at_us, where)
            values = tuple(value_of(dimension, entry, tree, query) for dimension in query.by)
            sums.append(rows.setdefault((*span, values), [0] * len(MEASURES)))
        for into in sums:
            for index, value in enumerate(entry.measures):
                into[index] += value
    found = [
        RollupRow(tuple(zip(query.by, values, strict=True)), start, end, Measures.of(stored))
        for (start, end, values), stored in rows.items()
        if any(stored)
    ]
    found.sort(
        key=lambda row: (
            row.start_us or 0,
            -row.measures.total_cost_nano,
            [(value is not None, value or "") for _, value in row.keys],
        )
    )
    return Measures.of(total), Measures.of(own), tuple(found)


def value_of(dimension: Dimension, entry: Entry, tree: BudgetTree, query: RollupQuery) -> str | None:
    """What the entry is, in one dimension."""
    if dimension is Dimension.BUDGET:
        if query.budget_uid not in entry.path.chain:
            return None
        index = entry.path.chain.index(query.budget_uid)
        child = None if index == 0 else tree.get(entry.path.chain[index - 1])
        return None if child is None else child.budget_id
    if dimension in (Dimension.PROJECT, Dimension.TASK, Dimension.TEAM):
        for uid in entry.path.budget_uids:
            each = tree.get(uid)
            assert each is not None
            if each.budget_type.value == dimension.column:
                visible = tree.within(uid, query.scope_uid)
                return (each.resource_id or each.budget_id) if visible else None
        return None
    return entry.labels[dimension.column] or None


__all__ = ["Entry", "Granularity", "World", "budget", "facts_of", "insert", "naive", "value_of"]
