"""One request, as far as loaders need it: who asks, what is seen, how stores are called."""

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import anyio.to_thread

from insight.rollups import Dimension, RollupQuery
from ledger.access import Principal
from ledger.check import Finding
from ledger.errors import InvalidInput
from ledger.model import Agent, uid_of
from ledger.view import View
from resolvers.services import Services

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

OBJECTS_MAX = 50_000
"""How many objects one answer may hold."""


class Request:
    """The caller's view of the services."""

    def __init__(self, services: Services, principal: Principal) -> None:
        """Begin a request of a caller."""
        self.services = services
        self.principal = principal
        self._objects = 0
        self._looked_at: set[str] = set()
        self.following = asyncio.Event()
        """Set once a subscription has its place in the tenant's sequence."""
        self.renew()

    def renew(self) -> None:
        """Forget what was read: something is about to change."""
        self._view: asyncio.Task[View] | None = None
        self._agent_uids: asyncio.Task[frozenset[str]] | None = None

    async def read(self, call: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Run a synchronous store call in a thread, a bounded number of them at once."""
        return await anyio.to_thread.run_sync(call, *arguments, limiter=self.services.readers)

    async def check(self, budget_uid: str | None) -> list[Finding]:
        """The check of the books, of a budget and below or of the whole tenant; few of them run at once."""
        run, tenant = self.services.check.run, self.principal.tenant
        return await anyio.to_thread.run_sync(run, tenant, budget_uid, limiter=self.services.checkers)

    async def work(self, call: Callable[[], T]) -> T:
        """Run what takes long in a thread; few of them run at once."""
        return await anyio.to_thread.run_sync(call, limiter=self.services.scorers)

    async def outside(self, call: Callable[[], T]) -> T:
        """Run what may wait for the servers of others in a thread; few of them run at once."""
        return await anyio.to_thread.run_sync(call, limiter=self.services.refreshers)

    def look_at(self, experiment_uid: str, most: int) -> None:
        """Count an experiment that is looked at as a whole. Raises ``InvalidInput`` for too many."""
        self._looked_at.add(experiment_uid)
        if len(self._looked_at) > most:
            raise InvalidInput(f"One request looks at {most} experiments at most: ask for fewer at once.")

    def admit(self, count: int) -> None:
        """Count objects of the answer. Raises ``InvalidInput`` where they become too many."""
        self._objects += count
        if self._objects > OBJECTS_MAX:
            raise InvalidInput(
                f"The answer would hold more than {OBJECTS_MAX} objects: ask for less at once."
            )

    async def load_view(self) -> View:
        """The budgets that the caller sees, as committed now; read once, whoever asks meanwhile."""
        if self._view is None:
            self._view = asyncio.ensure_future(self._read_view())
        return await self._view

    async def _read_view(self) -> View:
        tree = await self.read(self.services.trees.get, self.principal.tenant)
        return View(tree, self.principal.scope_uid)

    @property
    def view(self) -> View:
        """The budgets that the caller sees; every root field that shows one has loaded them."""
        if self._view is None:
            raise RuntimeError("a root field shows budgets without loading the view")
        return self._view.result()

    def shown(self, agent: Agent) -> Agent:
        """The agent as the caller sees it: of one at home elsewhere, a confined key sees the id alone.

        Anybody who may record makes an agent consume in its subtree by naming it; what others said of the
        agent must not show for that.
        """
        if self.principal.scope_uid is None or self.view.sees(agent.budget_uid):
            return agent
        return Agent(agent.uid, agent.tenant, agent.agent_id)

    async def visible_agent_uids(self) -> frozenset[str] | None:
        """The agents that a confined key sees; None where the key sees the whole tenant.

        Those whose own budget lies in the key's subtree, and those that consumed in it. The latter are
        read from the rollup of the key's budget, so it costs the same however many usages there are.
        """
        if self.principal.scope_uid is None:
            return None
        if self._agent_uids is None:
            self._agent_uids = asyncio.ensure_future(self._read_agent_uids(self.principal.scope_uid))
        return await self._agent_uids

    async def _read_agent_uids(self, scope_uid: str) -> frozenset[str]:
        view, tenant = await self.load_view(), self.principal.tenant
        budgets = [budget.uid for budget in view.all()]
        if not budgets:
            return frozenset()
        found = set(await self.read(self.services.agents.at_home, tenant, budgets))
        query = RollupQuery(scope_uid, by=(Dimension.AGENT,))
        (result,) = await self.read(self.services.rollups.query, tenant, [query])
        found |= {uid_of(tenant, agent) for row in result.rows for _, agent in row.keys if agent}
        return frozenset(found)
