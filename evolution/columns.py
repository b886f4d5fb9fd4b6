"""Evaluations as columns, by id, with what they cost by now and where that is known from."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeVar

import numpy as np

from evolution.arrays import Floats, Ints
from evolution.records import Evaluation, Role

N = TypeVar("N", int, float)


class CostSource(StrEnum):
    """Where the cost of an evaluation is known from. Imported money is in no ledger of ours."""

    MEASURED = "MEASURED"
    IMPORTED = "IMPORTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class CostsBySource:
    """Sums and counts; they are never added up."""

    measured_nano: int = 0
    measured: int = 0
    imported_nano: int = 0
    imported: int = 0
    unknown: int = 0


UNKNOWN = -1
"""Stands in the columns for what nobody knows; a cost, a time, a score or a count is at least 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluations:
    """One element per evaluation in every column, by id. -1 is unknown."""

    ids: list[str]
    agent_ids: list[str]
    task_ids: list[str]
    roles: list[str]
    scores: Floats
    seconds: Floats
    tokens: Ints
    costs_nano: Ints
    imported: list[bool]
    claims: list[tuple[str, ...]]
    """The operations or the session that say what it cost."""

    @classmethod
    def of(cls, pages: "Sequence[Evaluations]") -> Self:
        """Pages in their order, as one."""
        return cls(
            [each for page in pages for each in page.ids],
            [each for page in pages for each in page.agent_ids],
            [each for page in pages for each in page.task_ids],
            [each for page in pages for each in page.roles],
            np.concatenate([np.empty(0), *(page.scores for page in pages)]),
            np.concatenate([np.empty(0), *(page.seconds for page in pages)]),
            np.concatenate([np.empty(0, dtype=np.int64), *(page.tokens for page in pages)]),
            np.concatenate([np.empty(0, dtype=np.int64), *(page.costs_nano for page in pages)]),
            [each for page in pages for each in page.imported],
            [each for page in pages for each in page.claims],
        )

    def __len__(self) -> int:
        return len(self.ids)

    def source(self, number: int) -> CostSource:
        """Where the cost of one is known from."""
        if self.costs_nano[number] == UNKNOWN:
            return CostSource.UNKNOWN
        return CostSource.IMPORTED if self.imported[number] else CostSource.MEASURED

    @property
    def by_source(self) -> "CostsBySource":
        """All costs, by where they are known from."""
        known, imported = self.costs_nano != UNKNOWN, np.array(self.imported, dtype=np.bool_)
        mine, theirs = (self.costs_nano[known & each].tolist() for each in (~imported, imported))
        return CostsBySource(sum(mine), len(mine), sum(theirs), len(theirs), int((~known).sum()))

    def without_shared(self) -> Self:
        """Costs that several evaluations claim are unknown: nobody can say whose they are.

        The same money would count twice.
        """
        counts = Counter(claim for claims in self.claims for claim in claims)
        if len(counts) == sum(map(len, self.claims)):
            return self
        shared = [any(counts[claim] > 1 for claim in claims) for claims in self.claims]
        self.costs_nano[np.array(shared, dtype=np.bool_)] = UNKNOWN
        return self

    def records(self) -> Iterator[Evaluation]:
        """As records. Repetitions of one agent on one task are told apart by the order of their ids."""
        trials: Counter[tuple[str, str, str]] = Counter()
        columns = zip(
            self.agent_ids,
            self.task_ids,
            self.roles,
            self.scores.tolist(),
            self.seconds.tolist(),
            self.tokens.tolist(),
            self.costs_nano.tolist(),
            strict=True,
        )
        for agent_id, task_id, role, score, seconds, tokens, cost_nano in columns:
            key = (agent_id, task_id, role)
            yield Evaluation(
                agent_id,
                task_id,
                _known(score),
                _known(cost_nano),
                _known(seconds),
                _known(tokens),
                Role(role),
                trials[key],
            )
            trials[key] += 1


def _known(value: N) -> N | None:
    return None if value == UNKNOWN else value
