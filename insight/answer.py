"""The answer to a rollup query, added up from Rollup nodes, Cells, and the unfolded tail."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from insight import grouping
from insight.encoding import decode_table, from_rows, to_rows
from insight.errors import InvalidQuery
from insight.facts import QUARTER_US, Column, Facts
from insight.fold import StoredRollup, child_of, nearest
from insight.grouping import Ints
from insight.plan import Plan
from insight.ports import Budgets, Path
from insight.rollups import (
    COSTS,
    INT_MAX,
    MEASURES,
    PATH_DIMENSIONS,
    Dimension,
    Granularity,
    Measures,
    RollupResult,
    RollupRow,
)
from pricing.calendar import DAY_US, bounds, day_start_us, iterate, zone

ROWS_MAX: Final = 100_000
_PENDING_MAX: Final = 500_000

Mask = NDArray[np.bool_]


class _Piece(NamedTuple):
    """Rows of the answer before they are added up: bucket, a code per dimension, measures."""

    start_us: Ints
    codes: tuple[Ints, ...]
    measures: Ints

    def take(self, rows: Ints | Mask) -> "_Piece":
        """Some of the rows."""
        return _Piece(self.start_us[rows], tuple(each[rows] for each in self.codes), self.measures[:, rows])


class _Reach(dict[str, int]):
    """By path uid: 2 where it charges the budget directly, 1 through a descendant, 0 not at all."""

    def __init__(self, budget_uid: str, paths: Mapping[str, Path]) -> None:
        super().__init__()
        self._budget_uid = budget_uid
        self._paths = paths

    def __missing__(self, path_uid: str) -> int:
        path, uid = self._paths[path_uid], self._budget_uid
        direct = uid == path.chain[0] or uid in path.scoped
        self[path_uid] = 2 if direct else int(uid in path.chain)
        return self[path_uid]


class Answer:
    """Adds up one query. Every ``add_*`` takes what it finds in the query's range and leaves the rest."""

    def __init__(self, plan: Plan, budgets: Budgets, paths: Mapping[str, Path]) -> None:
        self.plan = plan
        self.ragged = plan.ragged
        self._query = plan.query
        self._budgets = budgets
        self._paths = paths
        self._ragged = np.array(sorted(self.ragged), dtype=np.int64)
        self._split = bool(self._query.by) or self._query.granularity is not Granularity.TOTAL
        self._reach = _Reach(plan.budget.uid, paths)
        self._path_labels: dict[Dimension, dict[str, str]] = {each: {} for each in self._query.by}
        self._known: tuple[dict[str, int], ...] = tuple({} for _ in self._query.by)
        self._totals: list[Ints] = []
        self._owns: list[Ints] = []
        self._pieces: list[_Piece] = []

    def finer(self) -> "Answer":
        """A fresh answer to the same query, without Rollup nodes."""
        return Answer(self.plan.finer(), self._budgets, self._paths)

    def add_rollups(self, stored: Sequence[StoredRollup]) -> bool:
        """Add Rollup nodes of the plan's days. False where they cannot tell: then ask ``finer``.

        That is so where only direct charges are asked for and a day has both kinds.
        """
        if not stored:
            return True
        query = self._query
        self._totals += [np.array([each.total for each in stored], dtype=np.int64).T]
        self._owns += [np.array([each.own for each in stored], dtype=np.int64).T]
        if not self._split:
            return True
        if not query.include_descendants:
            stored = [each for each in stored if any(each.own)]
            if query.by and any(each.own != each.total for each in stored):
                return False
        where = zone(self.plan.budget.rollup_timezone)
        days = np.array([day_start_us(each.day, where) for each in stored], dtype=np.int64)
        figures = [each.total if query.include_descendants else each.own for each in stored]
        rows = [to_rows(np.array([figure], dtype=np.int64).T) for figure in figures]
        if not query.by:
            self._append(days, (), from_rows(b"".join(rows)))
            return True
        column = query.by[0].column
        tables = [decode_table(each.tables.get(column), row) for each, row in zip(stored, rows, strict=True)]
        labels = [label for names, _ in tables for label in names]
        self._append(
            np.repeat(days, [len(names) for names, _ in tables]),
            (Column(labels, np.arange(len(labels))),),
            from_rows(b"".join(row for _, row in tables)),
        )
        return True

    def add_cells(self, cells: Facts) -> None:
        """Add Cells: whole quarter hours within the plan's spans."""
        inside = self._in_spans(cells.at_us)
        if len(self._ragged):
            inside &= ~np.isin(cells.at_us, self._ragged)
        self._add(cells, inside)

    def add_ragged(self, facts: Facts) -> None:
        """Add folded usage of quarter hours that an edge cuts, with its instants."""
        cut = np.isin(facts.at_us // QUARTER_US * QUARTER_US, self._ragged)
        self._add(facts, self._in_spans(facts.at_us) & cut)

    def add_unfolded(self, facts: Facts) -> None:
        """Add what is not folded yet, with its instants."""
        inside = np.ones(len(facts), dtype=bool)
        if self._query.from_us is not None:
            inside &= facts.at_us >= self._query.from_us
        if self._query.to_us is not None:
            inside &= facts.at_us < self._query.to_us
        self._add(facts, inside)

    def result(self, as_of_us: int) -> RollupResult:
        """The answer. Raises ``SumOutOfRange``, ``InvalidQuery`` for too many rows."""
        return RollupResult(_sum(self._totals), _sum(self._owns), self._rows(), as_of_us)

    def _in_spans(self, at_us: Ints) -> Mask:
        inside = np.zeros(len(at_us), dtype=bool)
        for begin, end in self.plan.spans:
            inside |= (at_us >= begin) & (at_us < end)
        return inside

    def _add(self, facts: Facts, inside: Mask) -> None:
        path = facts.columns["path"]
        reach = np.array([self._reach[uid] for uid in path.labels], dtype=np.int8)[path.codes]
        inside &= reach > 0
        if not inside.all():
            facts, reach = facts.take(inside), reach[inside]
        if not len(facts):
            return
        direct = reach > 1
        self._totals.append(grouping.total(facts.measures)[:, np.newaxis])
        self._owns.append(grouping.total(facts.measures[:, direct])[:, np.newaxis])
        if self._split:
            if not self._query.include_descendants:
                facts = facts.take(direct)
            columns = tuple(self._column(each, facts) for each in self._query.by)
            self._append(facts.at_us, columns, facts.measures)

    def _column(self, dimension: Dimension, facts: Facts) -> Column:
        if dimension not in PATH_DIMENSIONS:
            return facts.columns[dimension.column]
        column, known = facts.columns["path"], self._path_labels[dimension]
        for uid in column.labels:
            if uid not in known:
                known[uid] = self._path_label(dimension, self._paths[uid])
        return column.relabel([known[uid] for uid in column.labels])

    def _path_label(self, dimension: Dimension, path: Path) -> str:
        if dimension is not Dimension.BUDGET:
            return nearest(path, dimension, self._budgets)
        uid = self.plan.budget.uid
        return child_of(path, uid) if uid in path.chain else ""

    def _append(self, at_us: Ints, columns: tuple[Column, ...], measures: Ints) -> None:
        codes = tuple(
            self._codes(dimension, known, column)
            for dimension, known, column in zip(self._query.by, self._known, columns, strict=True)
        )
        self._pieces.append(_Piece(self._starts(at_us), codes, measures))
        if sum(len(each.start_us) for each in self._pieces) > _PENDING_MAX:
            self._pieces = [self._collapsed()]

    def _codes(self, dimension: Dimension, known: dict[str, int], column: Column) -> Ints:
        labels = column.labels
        if dimension in PATH_DIMENSIONS:
            shown = {uid: self._shown(dimension, uid) for uid in set(labels)}
            labels = [shown[uid] for uid in labels]
        mapping = [known.setdefault(label, len(known)) for label in labels]
        return np.array(mapping, dtype=np.int64)[column.codes]

    def _shown(self, dimension: Dimension, uid: str) -> str:
        """What a budget is called in that dimension; "" for None."""
        budget = self._budgets.get(uid)
        if budget is None:
            return ""
        if dimension is Dimension.BUDGET:
            return budget.budget_id
        if not self._budgets.within(uid, self._query.scope_uid):
            return ""
        return budget.resource_id or budget.budget_id

    def _starts(self, at_us: Ints) -> Ints:
        """The beginning of each instant's bucket; 0 where time is not cut."""
        unit = self.plan.unit
        if unit is None:
            return np.zeros(len(at_us), dtype=np.int64)
        edges = {
            begin
            for day in np.unique(at_us // DAY_US).tolist()
            for begin, _ in iterate(unit, day * DAY_US, (day + 1) * DAY_US, self.plan.zone)
        }
        ordered = np.array(sorted(edges), dtype=np.int64)
        return ordered[np.searchsorted(ordered, at_us, side="right") - 1]

    def _collapsed(self) -> _Piece:
        """All pieces as one, equal rows added up."""
        starts = np.concatenate([each.start_us for each in self._pieces])
        codes = [np.concatenate(each) for each in zip(*(piece.codes for piece in self._pieces), strict=True)]
        measures = np.concatenate([each.measures for each in self._pieces], axis=1)
        buckets, bucket = np.unique(starts, return_inverse=True)
        keys = [(bucket.astype(np.int64, copy=False), len(buckets))]
        keys += [(code, len(known)) for code, known in zip(codes, self._known, strict=True)]
        groups, example = grouping.group(keys)
        return _Piece(
            starts[example],
            tuple(code[example] for code in codes),
            grouping.sums(measures, groups, len(example)),
        )

    def _rows(self) -> tuple[RollupRow, ...]:
        if not self._pieces:
            return ()
        piece = self._collapsed()
        piece = piece.take((piece.measures != 0).any(axis=0))
        if len(piece.start_us) > ROWS_MAX:
            raise InvalidQuery(
                f"The answer has {len(piece.start_us)} rows, more than {ROWS_MAX}: "
                "ask for fewer dimensions, a coarser granularity or a shorter range."
            )
        piece = piece.take(self._order(piece))
        rows = map(RollupRow, self._keys(piece), *self._buckets(piece), _figures(piece.measures))
        return tuple(rows)

    def _order(self, piece: _Piece) -> Ints:
        """By time, then by total cost descending, then by keys, None first."""
        keys: list[Ints] = []
        for known, codes in zip(self._known, piece.codes, strict=True):
            rank = np.empty(len(known), dtype=np.int64)
            rank[[known[label] for label in sorted(known)]] = np.arange(len(known))
            keys.append(rank[codes])
        # Costs that do not fit together are refused with the row's figures: here they may wrap.
        return np.lexsort([*reversed(keys), -piece.measures[COSTS].sum(axis=0), piece.start_us])

    def _keys(self, piece: _Piece) -> Sequence[tuple[tuple[Dimension, str | None], ...]]:
        """What each row is about."""
        columns: list[list[tuple[Dimension, str | None]]] = []
        for dimension, known, codes in zip(self._query.by, self._known, piece.codes, strict=True):
            pairs = [(dimension, label or None) for label in known]
            columns.append([pairs[code] for code in codes.tolist()])
        return list(zip(*columns, strict=True)) if columns else [()] * len(piece.start_us)

    def _buckets(self, piece: _Piece) -> tuple[Sequence[int | None], Sequence[int | None]]:
        """Where each row's bucket begins and ends."""
        unit, starts = self.plan.unit, piece.start_us.tolist()
        if unit is None:
            return [None] * len(starts), [None] * len(starts)
        ends = {each: bounds(unit, each, self.plan.zone)[1] for each in set(starts)}
        return starts, [ends[each] for each in starts]


def columns_needed(plans: Iterable[Plan]) -> list[str]:
    """The label columns that the answers to some plans read."""
    usage = {each.column for plan in plans for each in plan.query.by if each not in PATH_DIMENSIONS}
    return ["path", *sorted(usage)]


def _sum(parts: Sequence[Ints]) -> Measures:
    if not parts:
        return Measures()
    return Measures.of(grouping.total(np.concatenate(parts, axis=1)).tolist())


def _figures(measures: Ints) -> list[Measures]:
    """The measures of each row. Raises ``SumOutOfRange``."""
    if len(measures[0]) and int(np.abs(measures).max()) < INT_MAX // len(MEASURES):
        operations, prompt, completion, prompt_nano, completion_nano, other_nano, units_nano = measures
        columns = (
            operations,
            prompt,
            completion,
            prompt + completion,
            prompt_nano,
            completion_nano,
            other_nano,
            prompt_nano + completion_nano + other_nano,
            units_nano,
        )
        return list(map(Measures, *(each.tolist() for each in columns)))
    return [Measures.of(stored) for stored in measures.T.tolist()]
