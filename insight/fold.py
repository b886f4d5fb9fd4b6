"""The fold: from facts to what the Rollup nodes of budgets and days hold."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from insight import grouping
from insight.encoding import ROW_BYTES, decode_table, encode_table, from_rows, to_rows
from insight.errors import UnknownBudget
from insight.facts import Column, Facts
from insight.grouping import Ints
from insight.ports import BudgetFacts, Budgets, Path
from insight.rollups import Dimension
from pricing.calendar import day_number, zone

_TYPED: Final = (Dimension.PROJECT, Dimension.TASK, Dimension.TEAM)


@dataclass(frozen=True, slots=True)
class StoredRollup:
    """One Rollup node: a budget and a day of its rollup zone (days since 1970-01-01).

    ``total`` and ``own`` are in the order of ``MEASURES``; ``tables`` holds an encoded table per
    dimension, by column name (``encoding.encode_table``).
    """

    budget_uid: str
    day: int
    total: list[int]
    own: list[int]
    tables: Mapping[str, bytes | None]

    @property
    def uid(self) -> str:
        """Its key in the graph."""
        return rollup_uid(self.budget_uid, self.day)


def rollup_uid(budget_uid: str, day: int) -> str:
    """The key of a budget's Rollup of a day."""
    return f"{budget_uid}@{day}"


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Sums by node and label, sorted by node; each pair occurs once.

    Row i adds ``measures[:, i]`` to the label with the code ``column.codes[i]``, at node ``nodes[i]``.
    """

    nodes: Ints
    column: Column
    measures: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Sheets:
    """What some facts add to Rollup nodes: node i is ``keys[i]``, a budget uid and a day."""

    keys: list[tuple[str, int]]
    total: Ints
    own: Ints
    splits: dict[Dimension, Split]

    def plus(self, stored: Sequence[StoredRollup]) -> "Sheets":
        """With what is in the graph already; every stored node is one of ``keys``."""
        if not stored:
            return self
        index = {key: each for each, key in enumerate(self.keys)}
        nodes = np.array([index[each.budget_uid, each.day] for each in stored], dtype=np.int64)
        total, own = (
            grouping.sums(
                np.concatenate([mine, np.array(theirs, dtype=np.int64).T], axis=1),
                np.concatenate([np.arange(len(self.keys)), nodes]),
                len(self.keys),
            )
            for mine, theirs in (
                (self.total, [each.total for each in stored]),
                (self.own, [each.own for each in stored]),
            )
        )
        totals = [to_rows(np.array([each.total]).T) for each in stored]
        splits = {
            dimension: _regroup(
                split,
                nodes,
                [
                    decode_table(each.tables.get(column), total_row)
                    for each, total_row in zip(stored, totals, strict=True)
                ],
                len(self.keys),
            )
            for dimension, split in self.splits.items()
            for column in [dimension.column]
        }
        return Sheets(self.keys, total, own, splits)

    def nodes(self) -> Iterator[StoredRollup]:
        """As Rollup nodes."""
        tables = [(each.column, _tables(split, len(self.keys))) for each, split in self.splits.items()]
        totals, owns = self.total.T.tolist(), self.own.T.tolist()
        for index, (budget_uid, day) in enumerate(self.keys):
            encoded = {column: each[index] for column, each in tables}
            yield StoredRollup(budget_uid, day, totals[index], owns[index], encoded)


def roll_up(facts: Facts, paths: Mapping[str, Path], budgets: Budgets) -> Sheets:
    """What the facts (with instants) add to every budget on their paths. Raises ``UnknownBudget``."""
    shares = _Shares(facts.columns["path"], paths, budgets)
    days = shares.days(facts.at_us)
    day_min = int(days.min()) if len(days) else 0
    day_room = int(days.max()) - day_min + 1 if len(days) else 1
    nodes, example = grouping.group([shares.payers.key, (days - day_min, day_room)])
    keys: list[tuple[str, int]] = list(
        zip(shares.payers.take(example).texts(), days[example].tolist(), strict=True)
    )
    measures = facts.measures[:, shares.rows]
    splits: dict[Dimension, Split] = {}
    for dimension in Dimension:
        column = shares.columns.get(dimension)
        if column is None:
            column = facts.columns[dimension.column].take(shares.rows)
        splits[dimension] = _split(nodes, len(keys), column, measures)
    return Sheets(
        keys,
        grouping.sums(measures, nodes, len(keys)),
        grouping.sums(measures[:, shares.own], nodes[shares.own], len(keys)),
        splits,
    )


class _Shares:
    """Rows times payers: every fact once for each budget on its path.

    ``rows`` names the fact, ``payers`` the budget, ``own`` whether it was charged directly, ``columns`` the
    labels that follow from the path.
    """

    def __init__(self, column: Column, paths: Mapping[str, Path], budgets: Budgets) -> None:
        steps: list[tuple[str, str, bool]] = []
        counts: list[int] = []
        typed: dict[Dimension, list[str]] = {each: [] for each in _TYPED}
        for label in column.labels:
            path = paths[label]
            found = list(_steps(path))
            steps.extend(found)
            counts.append(len(found))
            for dimension in _TYPED:
                typed[dimension].append(nearest(path, dimension, budgets))
        step, self.rows = _repeat(np.array(counts, dtype=np.int64), column.codes)
        self.payers = Column.of([payer for payer, _, _ in steps]).take(step)
        self.own = np.array([own for _, _, own in steps], dtype=bool)[step]
        child = Column.of([child for _, child, _ in steps]).take(step)
        of_row = column.codes[self.rows]
        self.columns = {Dimension.BUDGET: child}
        for dimension, labels in typed.items():
            self.columns[dimension] = Column.of(labels).take(of_row)
        self._zones = Column.of([_known(budgets, uid).rollup_timezone for uid in self.payers.labels])

    def days(self, at_us: Ints) -> Ints:
        """The day of every row in its payer's rollup zone."""
        instants = at_us.tolist()
        by_zone = [
            np.array([day_number(each, zone(name)) for each in instants], dtype=np.int64)
            for name in self._zones.labels
        ]
        if not by_zone:
            return np.zeros(0, dtype=np.int64)
        return np.stack(by_zone)[self._zones.codes[self.payers.codes], self.rows]


def _steps(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Every budget on a path: its uid, its child on the path or "", whether it was charged directly."""
    child = ""
    for uid in path.chain:
        yield uid, child, not child
        child = uid
    for uid in path.scoped:
        yield uid, "", True


def nearest(path: Path, dimension: Dimension, budgets: Budgets) -> str:
    """The uid of the budget of that type that is nearest to the leaf, or ""; scoped ones come last."""
    for uid in (*path.chain, *path.scoped):
        if _known(budgets, uid).budget_type == dimension.column:
            return uid
    return ""


def child_of(path: Path, budget_uid: str) -> str:
    """The budget's child on the path, or "" where the budget was charged directly."""
    return next(child for uid, child, _ in _steps(path) if uid == budget_uid)


def _known(budgets: Budgets, uid: str) -> BudgetFacts:
    budget = budgets.get(uid)
    if budget is None:
        raise UnknownBudget(f"A charge path leads to {uid}, which is not a budget.")
    return budget


def _repeat(counts: Ints, codes: Ints) -> tuple[Ints, Ints]:
    """Expand row i to ``counts[codes[i]]`` steps: the step of each, numbered through all codes; its row."""
    offsets = np.cumsum(counts) - counts
    lengths = counts[codes]
    rows = np.repeat(np.arange(len(codes)), lengths)
    first = np.cumsum(lengths) - lengths
    return offsets[codes][rows] + np.arange(len(rows)) - first[rows], rows


def _split(nodes: Ints, count: int, column: Column, measures: Ints) -> Split:
    groups, example = grouping.group([(nodes, count), column.key])
    return Split(nodes[example], column.take(example), grouping.sums(measures, groups, len(example)))


def _regroup(split: Split, nodes: Ints, tables: Sequence[tuple[list[str], bytes]], count: int) -> Split:
    """A split with some decoded tables, which belong to ``nodes``, added."""
    known = {label: code for code, label in enumerate(split.column.labels)}
    codes = [known.setdefault(label, len(known)) for labels, _ in tables for label in labels]
    lengths = [len(labels) for labels, _ in tables]
    return _split(
        np.concatenate([split.nodes, np.repeat(nodes, lengths)]),
        count,
        Column(list(known), np.concatenate([split.column.codes, np.array(codes, dtype=np.int64)])),
        np.concatenate([split.measures, from_rows(b"".join(rows for _, rows in tables))], axis=1),
    )


def _tables(split: Split, count: int) -> list[bytes | None]:
    """The encoded table of every node."""
    edges = np.searchsorted(split.nodes, np.arange(count + 1)).tolist()
    labels = split.column.texts()
    rows = to_rows(split.measures)
    return [
        encode_table(labels[begin:end], rows[begin * ROW_BYTES : end * ROW_BYTES])
        for begin, end in itertools.pairwise(edges)
    ]
