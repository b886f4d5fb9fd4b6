"""What every resolver gets as ``info.context``: the request and its loaders.

``schema.context.Context`` says what the types ask of it.
"""

from collections.abc import Awaitable, Sequence
from functools import partial

from strawberry.dataloader import DataLoader

from insight.rollups import RollupQuery, RollupResult
from ledger.explain import Derivation
from ledger.model import Agent, CostEntry
from ledger.results import Reservation
from resolvers.loaders.agents import Children, load_agents, load_children
from resolvers.loaders.cost_entries import load_cost_entries
from resolvers.loaders.derivations import load_derivations
from resolvers.loaders.reservations import load_open_reservations, load_reservations
from resolvers.loaders.rollups import load_rollups
from resolvers.loaders.standings import load_standings
from resolvers.request import Request
from resolvers.services import Services
from schema.context import BudgetStanding

__all__ = ["Context", "Services"]


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
        self._entries: DataLoader[str, Sequence[CostEntry]] = DataLoader(partial(load_cost_entries, self))

    def standing(self, budget_uid: str) -> Awaitable[BudgetStanding]:
        """How a visible budget stands now."""
        return self._standings.load(budget_uid)

    def reservation(self, uid: str) -> Awaitable[Reservation | None]:
        """A reservation as it is now; None where there is none that the caller may see."""
        return self._reservations.load(uid)

    def open_reservations(self, budget_uid: str) -> Awaitable[int]:
        """How many reservations hold money on a visible budget now."""
        return self._open.load(budget_uid)

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
