"""What every resolver gets as ``info.context``: the request and its loaders.

``schema.context.Context`` says what the types ask of it.
"""

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from strawberry.dataloader import DataLoader

from evolution.analysis import Analysis, ScoringOptions
from evolution.clades import Clade
from evolution.columns import Evaluations
from evolution.errors import EvolutionError
from evolution.records import AgentNode
from evolution.scoring import AgentFitness
from evolution.selections import replay
from evolution.stored import StoredExperiment, StoredSelection, experiment_uid
from insight.delegation import Shares
from insight.rollups import RollupQuery, RollupResult
from ledger.archive import ArchiveState, StoredArchive
from ledger.changes import Credit
from ledger.explain import Derivation
from ledger.model import Agent, CostEntry
from ledger.results import Reservation
from resolvers import cursors
from resolvers.loaders.agents import Children, load_agents, load_children
from resolvers.loaders.cost_entries import load_cost_entries
from resolvers.loaders.delegations import load_delegations
from resolvers.loaders.derivations import load_derivations
from resolvers.loaders.experiments import fitness_in, load_analyses, load_experiments, load_logs
from resolvers.loaders.reservations import load_open_reservations, load_reservations
from resolvers.loaders.rollups import load_rollups
from resolvers.loaders.standings import load_standings
from resolvers.request import Request
from resolvers.services import Services
from schema.context import BudgetStanding, Page

__all__ = ["Context", "Services"]

T = TypeVar("T")


class Context(Request):
    """One request with loaders: edges that are asked for together are read together."""

    def renew(self) -> None:
        """Forget what was read: something is about to change."""
        super().renew()
        self._standings: DataLoader[str, BudgetStanding] = DataLoader(partial(load_standings, self))
        self._reservations: DataLoader[str, Reservation | None] = DataLoader(partial(load_reservations, self))
        self._open: DataLoader[str, int] = DataLoader(partial(load_open_reservations, self))
        self._rollups: DataLoader[RollupQuery, RollupResult] = DataLoader(partial(load_rollups, self))
        self._agents: DataLoader[str, Agent | None] = DataLoader(partial(load_agents, self))
        self._children: DataLoader[Children, list[str]] = DataLoader(partial(load_children, self))
        self._derivations: DataLoader[CostEntry, Derivation] = DataLoader(partial(load_derivations, self))
        self._delegations: DataLoader[str, Shares] = DataLoader(partial(load_delegations, self))
        self._entries: DataLoader[str, Sequence[CostEntry]] = DataLoader(partial(load_cost_entries, self))
        self._experiments: DataLoader[str, StoredExperiment | None] = DataLoader(
            partial(load_experiments, self)
        )
        self._analyses: DataLoader[StoredExperiment, Analysis] = DataLoader(
            partial(load_analyses, self), cache_key_fn=_uid
        )
        self._logs: DataLoader[tuple[StoredExperiment, str], str | None] = DataLoader(
            partial(load_logs, self), cache_key_fn=_uid_and_id
        )

    def standing(self, budget_uid: str) -> Awaitable[BudgetStanding]:
        """How a visible budget stands now."""
        return self._standings.load(budget_uid)

    def reservation(self, uid: str) -> Awaitable[Reservation | None]:
        """A reservation as it is now; None where there is none that the caller may see."""
        return self._reservations.load(uid)

    def open_reservations(self, budget_uid: str) -> Awaitable[int]:
        """How many reservations hold money on a visible budget now."""
        return self._open.load(budget_uid)

    async def top_ups(self, budget_uid: str, after: str | None, first: int) -> Page[Sequence[Credit]]:
        """The next top-ups of a visible budget's wallet, the newest first."""
        before = cursors.after_of(cursors.TOP_UPS, after)
        rows = await self.read(self.services.budgets.top_ups, budget_uid, before, first + 1)
        shown = rows[:first]
        self.admit(len(shown))
        end = cursors.cursor_of(cursors.TOP_UPS, shown[-1].time_key) if shown else None
        return Page(shown, end, len(rows) > first)

    def rollup(self, query: RollupQuery) -> Awaitable[RollupResult]:
        """What was charged."""
        return self._rollups.load(query)

    async def consumer(self, agent_uid: str) -> Agent | None:
        """The agent of a usage that is seen."""
        agent = await self._agents.load(agent_uid)
        return None if agent is None else self.shown(agent)

    async def agents(self, agent_uids: Sequence[str]) -> list[Agent]:
        """Those of the agents that the caller sees, in the order asked for."""
        if not agent_uids:
            return []
        visible = await self.visible_agent_uids()
        seen = [uid for uid in agent_uids if visible is None or uid in visible]
        return [self.shown(agent) for agent in await self._agents.load_many(seen) if agent is not None]

    def agent_children(self, agent_uid: str, after_id: str | None, first: int) -> Awaitable[list[str]]:
        """The uids of an agent's children, by id."""
        return self._children.load((agent_uid, after_id, first))

    def derivation(self, entry: CostEntry) -> Awaitable[Derivation]:
        """Why an entry that is seen costs what it does."""
        return self._derivations.load(entry)

    def cost_entries(self, usage_uid: str) -> Awaitable[Sequence[CostEntry]]:
        """What a usage incurred."""
        return self._entries.load(usage_uid)

    def delegation(self, usage_uid: str) -> Awaitable[Shares]:
        """What a usage that is seen spent itself, and by what it delegated."""
        return self._delegations.load(usage_uid)

    async def archived_until(self) -> int | None:
        """The instant before which usage may be archived."""
        return await self.read(self.services.archives.until, self.principal.tenant)

    async def archive_state(self, archive: StoredArchive) -> ArchiveState:
        """Whether a file is what was archived."""
        reader = self.services.archive_files
        return await self.outside(lambda: reader.state(archive))

    def experiment(self, experiment_id: str) -> Awaitable[StoredExperiment | None]:
        """An experiment that the caller sees."""
        return self._experiments.load(experiment_uid(self.principal.tenant, experiment_id))

    def analysis(self, experiment: StoredExperiment) -> Awaitable[Analysis]:
        """An experiment as a whole; read once, whoever asks meanwhile."""
        return self._analyses.load(experiment)

    def worked_out(self, call: Callable[[], T]) -> Awaitable[T]:
        """Run what takes long in a thread, few of them at once."""
        return self.work(call)

    async def agent_fitness(
        self, agent_id: str, experiment_id: str, options: ScoringOptions
    ) -> AgentFitness | None:
        """An agent's fitness; None where it takes no part in an experiment that is seen."""
        experiment = await self.experiment(experiment_id)
        if experiment is None:
            return None
        analysis = await self.analysis(experiment)
        return await self.work(lambda: fitness_in(analysis, agent_id, options))

    async def members(
        self, experiment: StoredExperiment, after: str | None, first: int
    ) -> Page[Sequence[AgentNode]]:
        """The next agents of an experiment."""
        after_id = cursors.after_of(cursors.MEMBERS, after)
        rows, more = await self.read(self.services.experiments.members, experiment, after_id, first)
        self.admit(len(rows))
        return Page(rows, cursors.cursor_of(cursors.MEMBERS, rows[-1].agent_id) if rows else None, more)

    async def evaluations(
        self, experiment: StoredExperiment, after: str | None, first: int
    ) -> Page[Evaluations]:
        """The next evaluations of an experiment."""
        after_id, tree = cursors.after_of(cursors.EVALUATIONS, after), (await self.load_view()).tree
        found, more = await self.read(
            self.services.experiments.evaluations, experiment, tree, after_id, first
        )
        self.admit(len(found))
        return Page(found, cursors.cursor_of(cursors.EVALUATIONS, found.ids[-1]) if found.ids else None, more)

    async def clades(
        self, experiment: StoredExperiment, after: str | None, first: int
    ) -> Page[Sequence[Clade]]:
        """The next clades of an experiment, by agent id."""
        after_id, analysis = cursors.after_of(cursors.CLADES, after), await self.analysis(experiment)
        found = (await self.work(lambda: analysis.clades)).clades
        begin = 0 if after_id is None else bisect_right(found, after_id, key=lambda each: each.agent_id)
        rows, more = found[begin : begin + first], len(found) > begin + first
        self.admit(len(rows))
        return Page(rows, cursors.cursor_of(cursors.CLADES, rows[-1].agent_id) if rows else None, more)

    async def selections(
        self, experiment: StoredExperiment, after: str | None, first: int
    ) -> Page[Sequence[StoredSelection]]:
        """The next selections of an experiment."""
        after_id = cursors.after_of(cursors.SELECTIONS, after)
        rows = await self.read(self.services.experiments.selections, experiment, after_id, first + 1)
        shown = rows[:first]
        self.admit(len(shown))
        end = cursors.cursor_of(cursors.SELECTIONS, shown[-1].selection.selection_id) if shown else None
        return Page(shown, end, len(rows) > first)

    async def reproducible(self, selection: StoredSelection) -> bool:
        """Whether a selection comes out the same when it is made again."""
        try:
            await self.work(lambda: replay(selection.selection))
        except EvolutionError:
            return False
        return True

    def evaluation_log(self, experiment: StoredExperiment, evaluation_id: str) -> Awaitable[str | None]:
        """What a runner keeps of an evaluation."""
        return self._logs.load((experiment, evaluation_id))


def _uid(experiment: StoredExperiment) -> str:
    return experiment.uid


def _uid_and_id(asked: tuple[StoredExperiment, str]) -> tuple[str, str]:
    return asked[0].uid, asked[1]
