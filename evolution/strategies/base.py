"""The interface of strategies, and the sums that they keep per agent.

A plan is a generator: it yields a round of jobs and is sent what came of them, in the order of the jobs.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from evolution.arrays import Floats
from evolution.checks import check_nano
from evolution.errors import InvalidInput
from evolution.records import Evaluation

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Job:
    """Evaluate an agent on a task; ``trial`` counts repetitions."""

    agent_id: str
    task_id: str
    trial: int = 0


@dataclass(frozen=True, slots=True)
class Paid:
    """An evaluation, and what the budget was charged for it (an estimate where its cost is unknown)."""

    evaluation: Evaluation
    charged_nano: int


@dataclass(frozen=True, slots=True)
class Contest:
    """Who may be evaluated on what, and for how much in all (None: until the ledger refuses)."""

    agent_ids: tuple[str, ...]
    task_ids: tuple[str, ...]
    budget_nano: int | None = None

    @classmethod
    def of(cls, agents: Iterable[str], tasks: Sequence[str], budget_nano: int | None = None) -> "Contest":
        """Agents by id; tasks in the order given. Raises ``InvalidInput`` where there are none."""
        check_nano(budget_nano, "budget_nano")
        found = cls(tuple(sorted(set(agents))), tuple(dict.fromkeys(tasks)), budget_nano)
        if not found.agent_ids or not found.task_ids:
            raise InvalidInput("there is nothing to evaluate: no agents or no tasks", field="agents")
        return found


Plan = Generator[list[Job], Sequence[Paid], None]


class Strategy(Protocol):
    """Parameters are the fields of a frozen dataclass."""

    name: ClassVar[str]

    def plan(self, contest: Contest, rng: Rng) -> Plan:
        """Rounds of jobs until there is nothing left to decide, or the contest's budget is spent."""
        ...


@dataclass(slots=True)
class Arms:
    """Sums per agent, in the order of ``contest.agent_ids``. Money in nano-units."""

    contest: Contest
    pulls: Floats = field(init=False)
    scores: Floats = field(init=False)
    squares: Floats = field(init=False)
    charged_nano: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Everybody starts from nothing."""
        size = len(self.contest.agent_ids)
        self.pulls, self.scores, self.squares = np.zeros(size), np.zeros(size), np.zeros(size)
        self.charged_nano = [0] * size

    def add(self, paid: Sequence[Paid]) -> None:
        """Count a round. An evaluation without a score counts as 0."""
        place = {name: i for i, name in enumerate(self.contest.agent_ids)}
        for each in paid:
            i = place[each.evaluation.agent_id]
            score = each.evaluation.score or 0.0
            self.pulls[i] += 1
            self.scores[i] += score
            self.squares[i] += score * score
            self.charged_nano[i] += each.charged_nano

    def job(self, arm: int, ahead: int = 0) -> Job:
        """The arm's next job (``ahead`` more are planned): tasks in turn, then the next trial of each."""
        turn = int(self.pulls[arm]) + ahead
        tasks = self.contest.task_ids
        return Job(self.contest.agent_ids[arm], tasks[turn % len(tasks)], turn // len(tasks))

    def jobs(self, arms: Sequence[int]) -> list[Job]:
        """Their next jobs, for an arm that occurs several times as many."""
        ahead: dict[int, int] = {}
        found: list[Job] = []
        for arm in arms:
            found.append(self.job(arm, ahead.get(arm, 0)))
            ahead[arm] = ahead.get(arm, 0) + 1
        return found

    @property
    def means(self) -> Floats:
        """Mean score; 0 before the first pull."""
        return self.scores / np.maximum(self.pulls, 1)

    @property
    def costs(self) -> Floats:
        """Mean charge per pull in nano-units, at least 1: what is free would otherwise be pulled for ever."""
        charged = np.array(self.charged_nano, dtype=np.float64)
        return np.maximum(charged / np.maximum(self.pulls, 1), 1.0)

    @property
    def spent_nano(self) -> int:
        """All that was charged."""
        return sum(self.charged_nano)

    @property
    def left(self) -> float:
        """What the contest's budget leaves, in nano-units; infinite without one."""
        budget = self.contest.budget_nano
        return np.inf if budget is None else float(budget - self.spent_nano)


def check_rounds(rounds_max: int, batch: int) -> None:
    """Every plan ends. Raises ``InvalidInput``."""
    if rounds_max < 1 or batch < 1:
        raise InvalidInput("rounds_max and batch must be at least 1", field="rounds_max")


def affordable(arms: Arms) -> list[int]:
    """The arms whose mean cost the rest of the budget still pays."""
    return np.flatnonzero(arms.costs <= arms.left).tolist()
