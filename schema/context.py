"""What the edges of a type ask of the request. ``resolvers.context`` has it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import strawberry

from evolution.analysis import Analysis, ScoringOptions
from evolution.clades import Clade
from evolution.columns import Evaluations
from evolution.records import AgentNode
from evolution.scoring import AgentFitness
from evolution.stored import StoredExperiment, StoredSelection
from insight.delegation import Shares
from insight.rollups import RollupQuery, RollupResult
from ledger.access import Principal
from ledger.archive import ArchiveState, StoredArchive
from ledger.changes import Credit
from ledger.explain import Derivation
from ledger.model import Agent, CostEntry
from ledger.view import View
from ledger.windows import Standing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BudgetStanding:
    """How a budget stands, and the least that is available on it and what is seen above it (nano-units)."""

    standing: Standing
    effective_available_nano: int | None


class Context(Protocol):
    """One request: who asks, what it sees, and loaders that answer many edges with one query."""

    @property
    def principal(self) -> Principal:
        """The caller."""
        ...

    @property
    def view(self) -> View:
        """The budgets that the caller sees. Root fields load it before any budget is shown."""
        ...

    def admit(self, count: int) -> None:
        """Count objects of the answer. Raises ``InvalidInput`` where they become too many."""
        ...

    def standing(self, budget_uid: str) -> Awaitable[BudgetStanding]:
        """How a budget stands now."""
        ...

    def open_reservations(self, budget_uid: str) -> Awaitable[int]:
        """How many reservations hold money on a visible budget now."""
        ...

    def top_ups(self, budget_uid: str, after: str | None, first: int) -> Awaitable["Page[Sequence[Credit]]"]:
        """The next top-ups of a visible budget's wallet, the newest first; ``after`` is a cursor."""
        ...

    def rollup(self, query: RollupQuery) -> Awaitable[RollupResult]:
        """What was charged."""
        ...

    def consumer(self, agent_uid: str) -> Awaitable[Agent | None]:
        """The agent of a usage that is seen: it consumed in what the caller sees, so it is seen too."""
        ...

    def agents(self, agent_uids: Sequence[str]) -> Awaitable[Sequence[Agent]]:
        """Those of the agents that the caller sees, in the order asked for."""
        ...

    def agent_children(self, agent_uid: str, after_id: str | None, first: int) -> Awaitable[Sequence[str]]:
        """The uids of an agent's children, by id."""
        ...

    def derivation(self, entry: CostEntry) -> Awaitable[Derivation]:
        """Why an entry that is seen costs what it does."""
        ...

    def cost_entries(self, usage_uid: str) -> Awaitable[Sequence[CostEntry]]:
        """What a usage incurred, in the order in which it was written."""
        ...

    def delegation(self, usage_uid: str) -> Awaitable[Shares]:
        """What a usage that is seen spent itself, and by what it delegated. Raises ``LedgerError``."""
        ...

    def archived_until(self) -> Awaitable[int | None]:
        """The instant before which usage may be archived; None where nobody ever archived."""
        ...

    def archive_state(self, archive: StoredArchive) -> Awaitable[ArchiveState]:
        """Whether a file is what was archived. Raises ``LedgerError``."""
        ...

    def analysis(self, experiment: StoredExperiment) -> Awaitable[Analysis]:
        """An experiment as a whole; read once, whoever asks meanwhile. Raises ``LedgerError``."""
        ...

    def worked_out(self, call: Callable[[], T]) -> Awaitable[T]:
        """Run what takes long in a thread, few of them at once."""
        ...

    def agent_fitness(
        self, agent_id: str, experiment_id: str, options: ScoringOptions
    ) -> Awaitable[AgentFitness | None]:
        """An agent's fitness; None where it takes no part in an experiment that is seen."""
        ...

    def members(
        self, experiment: StoredExperiment, after: str | None, first: int
    ) -> Awaitable["Page[Sequence[AgentNode]]"]:
        """The next agents of an experiment; ``after`` is a cursor."""
        ...

    def evaluations(
        self, experiment: StoredExperiment, after: str | None, first: int
    ) -> Awaitable["Page[Evaluations]"]:
        """The next evaluations of an experiment."""
        ...

    def clades(
        self, experiment: StoredExperiment, after: str | None, first: int
    ) -> Awaitable["Page[Sequence[Clade]]"]:
        """The next clades of an experiment, by agent id."""
        ...

    def selections(
        self, experiment: StoredExperiment, after: str | None, first: int
    ) -> Awaitable["Page[Sequence[StoredSelection]]"]:
        """The next selections of an experiment."""
        ...

    def reproducible(self, selection: StoredSelection) -> Awaitable[bool]:
        """Whether a selection comes out the same when it is made again."""
        ...

    def evaluation_log(self, experiment: StoredExperiment, evaluation_id: str) -> Awaitable[str | None]:
        """What a runner keeps of an evaluation: JSON text."""
        ...


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of rows, its last cursor, and whether more follow."""

    rows: T
    end: str | None
    more: bool


Info = strawberry.Info[Context, Any]
