"""A graph of rollups in memory: the fold and the queries of ``graph.rollups`` without an engine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from insight import cells
from insight.answer import Answer
from insight.cells import Segment
from insight.facts import QUARTER_US, Facts
from insight.fold import StoredRollup, roll_up
from insight.plan import plan
from insight.rollups import RollupQuery, RollupResult
from ledger.model import ChargePath
from pricing.calendar import DAY_US
from tests.support.rollups import Entry, World, facts_of


@dataclass
class Memory:
    """What the Rollup and Cells nodes of one tenant would hold."""

    world: World
    folded: list[Entry] = field(default_factory=list)
    rollups: dict[tuple[str, int], StoredRollup] = field(default_factory=dict)
    segments: dict[str, tuple[int, int, dict[str, bytes]]] = field(default_factory=dict)
    folds: int = 0

    @property
    def paths(self) -> dict[str, ChargePath]:
        return {entry.path.uid: entry.path for entry in self.world.entries}

    def fold(self, entries: Sequence[Entry]) -> None:
        """Fold some entries."""
        facts = facts_of(entries)
        sheets = roll_up(facts, self.paths, self.world.tree)
        stored = [self.rollups[key] for key in sheets.keys if key in self.rollups]
        for node in sheets.plus(stored).nodes():
            self.rollups[node.budget_uid, node.day] = node
        self.folds += 1
        for day, part in cells.by_day(facts):
            there = [
                Segment(uid, of_day, rows)
                for uid, (of_day, rows, _) in self.segments.items()
                if of_day == day
            ]
            taken = [self.segments.pop(each.uid) for each in cells.absorbed(there, len(part))]
            merged = cells.merge([part, *(cells.decode(*each) for each in taken)])
            uid = cells.segment_uid("t", day, self.folds)
            self.segments[uid] = (day, len(merged), cells.encode(day, merged))
        self.folded.extend(entries)

    def query(self, query: RollupQuery, unfolded: Sequence[Entry]) -> RollupResult:
        """Answer as ``graph.rollups.Rollups`` does."""
        answer = self._answer(query)
        for half in (unfolded[::2], unfolded[1::2]):
            answer.add_unfolded(facts_of(half))
        return answer.result(0)

    def _answer(self, query: RollupQuery) -> Answer:
        budget = self.world.tree.get(query.budget_uid)
        assert budget is not None
        days = sorted(entry.at_us // DAY_US for entry in self.folded)
        folded = (days[0] * DAY_US, (days[-1] + 1) * DAY_US) if days else None
        answer = Answer(plan(query, budget, folded), self.world.tree, self.paths)
        nodes = [self.rollups.get((budget.uid, day)) for day in range(*answer.plan.days)]
        if not answer.add_rollups([node for node in nodes if node is not None]):
            answer = answer.finer()
        for day, rows, columns in self.segments.values():
            if day in answer.plan.utc_days:
                answer.add_cells(cells.decode(day, rows, columns))
        for slot in answer.ragged:
            answer.add_ragged(self._between(slot, slot + QUARTER_US))
        return answer

    def _between(self, begin_us: int, end_us: int) -> Facts:
        return facts_of([entry for entry in self.folded if begin_us <= entry.at_us < end_us])


def in_pieces(entries: Sequence[Entry], sizes: Iterable[int]) -> Iterable[Sequence[Entry]]:
    """The entries, some at a time."""
    begin = 0
    for size in sizes:
        yield entries[begin : begin + size]
        begin += size
    yield entries[begin:]
