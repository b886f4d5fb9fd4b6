"""A caller's stream of its tenant's events: in order, from a place on, as far as its key sees."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Generator
from contextlib import contextmanager
from functools import partial

from graph.events import Follower
from ledger.changes import Event
from ledger.errors import InvalidInput, NotFound
from ledger.events import COST_RECORDED, seq_of
from ledger.tree import BudgetTree
from ledger.view import View
from resolvers.request import Request


@contextmanager
def woken_by(request: Request) -> Generator[tuple[Follower, asyncio.Event]]:
    """A follower of the caller's tenant, and what is set whenever the ledger moved on."""
    loop, woken = asyncio.get_running_loop(), asyncio.Event()
    follower = request.services.relay.follow(
        request.principal.tenant, lambda: loop.call_soon_threadsafe(woken.set)
    )
    with follower:
        request.following.set()
        yield follower, woken


async def place_of(request: Request, after: str | None) -> int:
    """Where a stream begins: after an event, else now. Raises ``InvalidInput``."""
    tenant = request.principal.tenant
    head = await request.read(request.services.relay.stream.head, tenant)
    at = head.seq if after is None else seq_of(tenant, after)
    if at > head.seq:
        raise InvalidInput("after is the id of an event that has not been yet.", field="after")
    return at


async def top_of(request: Request, budget_id: str | None) -> str | None:
    """At or below which budget events are told: one that the key sees, else its own. Raises ``NotFound``."""
    if budget_id is None:
        return request.principal.scope_uid
    budget = (await request.load_view()).find(budget_id)
    if budget is None:
        raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
    return budget.uid


async def follow(
    request: Request, types: Collection[str], after: str | None, budget_id: str | None
) -> AsyncGenerator[Event]:
    """The events of some types from now on, or from after one on, charged to a budget or below if named.

    Raises ``InvalidInput`` for a place that is none, ``NotFound`` for a budget that the key does not see.
    """
    tenant, services = request.principal.tenant, request.services
    read = partial(services.relay.stream.read, costs=COST_RECORDED in types)
    at, top = await place_of(request, after), await top_of(request, budget_id)
    version, view = -1, View(BudgetTree(tenant), top)
    with woken_by(request) as (follower, woken):
        while True:
            woken.clear()
            taken = follower.take(at)
            events = await request.read(read, tenant, at, taken.through) if taken.behind else taken.events
            if events and taken.version != version:
                version = taken.version
                view = View(await request.read(services.trees.at, tenant, version), top)
            for event in events:
                if event.type in types and view.sees(event.budget_uid):
                    yield event
            if taken.through == at:
                await woken.wait()
            at = taken.through
