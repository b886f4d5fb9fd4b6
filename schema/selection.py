"""Selections as they are kept: who was chosen by what from whom, so that anybody can choose again."""

from bisect import bisect_right
from typing import Self

import strawberry

from evolution.selectors.base import Candidate as CandidateRow
from evolution.stored import StoredSelection
from ledger.access import Permission
from schema.access import guarded
from schema.context import Info
from schema.fitness import Score, optional_amount
from schema.page import PageInfo
from schema.scalars import JSON, BigInt, DateTime, Decimal
from schema.words import FIRST_MAX, check_first


@strawberry.type(description="What the selector saw of a candidate. Null is unknown.")
class Candidate:
    """What the selector saw of a candidate."""

    agent_id: strawberry.ID
    fitness: Score | None
    effectiveness: Score | None
    cost: Decimal | None = strawberry.field(description="Per evaluation; within a budget: what is to come.")

    @classmethod
    def of(cls, row: CandidateRow) -> Self:
        """From evolution's."""
        return cls(
            agent_id=strawberry.ID(row.agent_id),
            fitness=row.fitness,
            effectiveness=row.effectiveness,
            cost=optional_amount(row.cost),
        )


@strawberry.type(description="Who was left out before the choice, and why.")
class Excluded:
    """Who was left out, and why."""

    agent_id: strawberry.ID
    reason: str


@strawberry.type(
    description="A selection with all that it was made from: the same seed, parameters and candidates choose "
    "the same again."
)
class Selection:
    """A selection."""

    row: strawberry.Private[StoredSelection]
    experiment_id: strawberry.ID
    selection_id: strawberry.ID
    selector: str
    parameters: JSON
    seed: BigInt
    k: int
    replace: bool
    generation: int | None
    chosen: list[strawberry.ID] = strawberry.field(description="In the order of choice.")
    excluded_count: int
    candidate_count: int
    created_at: DateTime

    @classmethod
    def of(cls, row: StoredSelection) -> Self:
        """From what is stored."""
        said = row.selection
        return cls(
            row=row,
            experiment_id=strawberry.ID(said.experiment_id),
            selection_id=strawberry.ID(said.selection_id),
            selector=said.selector,
            parameters=JSON(dict(said.parameters)),
            seed=BigInt(said.seed),
            k=said.k,
            replace=said.replace,
            generation=said.generation,
            chosen=[strawberry.ID(each) for each in said.chosen],
            excluded_count=len(said.excluded),
            candidate_count=len(said.candidates),
            created_at=DateTime(row.created_at_us),
        )

    @guarded(
        Permission.READ,
        description="Whom it chose from, by id, with the scores that it saw. Page on with the last id as "
        "`after`.",
    )
    def candidates(
        self, info: Info, first: int = FIRST_MAX, after: strawberry.ID | None = None
    ) -> list[Candidate]:
        """Whom it chose from."""
        rows = self.row.selection.candidates
        begin = 0 if after is None else bisect_right(rows, after, key=lambda each: each.agent_id)
        shown = rows[begin : begin + check_first(first)]
        info.context.admit(len(shown))
        return [Candidate.of(each) for each in shown]

    @guarded(
        Permission.READ,
        description="Who could not be considered, by id, and why. Page on with the last id as `after`.",
    )
    def excluded(
        self, info: Info, first: int = FIRST_MAX, after: strawberry.ID | None = None
    ) -> list[Excluded]:
        """Who could not be considered."""
        said = self.row.selection.excluded
        names = sorted(name for name in said if after is None or name > after)[: check_first(first)]
        info.context.admit(len(names))
        return [Excluded(agent_id=strawberry.ID(name), reason=said[name]) for name in names]

    @guarded(Permission.READ, description="Whether it comes out the same when it is made again now.")
    async def reproducible(self, info: Info) -> bool:
        """Whether it comes out the same again."""
        return await info.context.reproducible(self.row)


@strawberry.type(description="A page of selections, by id.")
class SelectionConnection:
    """A page of selections."""

    nodes: list[Selection]
    page_info: PageInfo


@strawberry.input(
    description="Whom to choose by what. The experiment's references are frozen with its first selection. "
    "A selectionId makes asking again harmless; without one the selection is named by its content."
)
class SelectAgentsInput:
    """Whom to choose by what."""

    experiment_id: strawberry.ID
    selector: str = strawberry.field(
        description="tournament, linear_rank, roulette, sus, truncation, softmax, lexicase, cost_lexicase, "
        "nsga2, dominance_frontier, hull_frontier, map_elites, clade_thompson or within_budget."
    )
    k: int
    seed: BigInt | None = strawberry.field(description="Null: that of the experiment.")
    parameters: JSON | None = strawberry.field(
        description="Those of the selector. within_budget takes mandatory (ids), ahead (how many further "
        "evaluations are paid for, 1) and quantile (of their cost; without it the expected one)."
    )
    budget: Decimal | None = strawberry.field(description="What within_budget may spend.")
    replace: bool = False
    generation: int | None = strawberry.field(description="Which generation it is made for: a label.")
    agent_ids: list[strawberry.ID] | None = strawberry.field(
        description="Choose from these only, at most 1,000; null: from everybody."
    )
    selection_id: strawberry.ID | None
