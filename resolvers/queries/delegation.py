"""Operations and what they delegated."""

from typing import Annotated

import strawberry

from insight.delegation import Forest, Node
from ledger.access import Permission
from ledger.errors import InvalidInput
from ledger.model import uid_of
from resolvers.info import Info
from schema.access import guarded
from schema.delegation import Delegation, Session
from schema.scalars import InstantText
from schema.words import instant_us


async def forest_of(info: Info, nodes: list[Node]) -> Forest:
    """Some operations and all below them, as far as the key sees them."""
    view = await info.context.load_view()
    return await info.context.work(lambda: Forest(nodes, view.sees))


@strawberry.type
class DelegationQueries:
    """What can be asked of delegated operations."""

    @guarded(
        Permission.READ,
        description="The operations of a session and all that they delegated; null where the key sees none.",
    )
    async def session(self, info: Info, session_id: strawberry.ID) -> Session | None:
        """One session."""
        context = info.context
        reads = context.services.delegations
        nodes = await context.read(reads.of_session, context.principal.tenant, session_id)
        forest = await forest_of(info, nodes)
        context.admit(len(forest))
        return await context.work(lambda: Session.of(session_id, forest)) if len(forest) else None

    @guarded(
        Permission.READ,
        description="What one operation, one agent (in [from, to), open where an end is not given) or one "
        "session spent itself, and by what it delegated; null where the key sees none of it.",
    )
    async def delegation(
        self,
        info: Info,
        operation_id: strawberry.ID | None = None,
        agent_id: strawberry.ID | None = None,
        session_id: strawberry.ID | None = None,
        from_: Annotated[InstantText | None, strawberry.argument(name="from")] = None,
        to: InstantText | None = None,
    ) -> Delegation | None:
        """Own and delegated spend."""
        if sum(each is not None for each in (operation_id, agent_id, session_id)) != 1:
            raise InvalidInput("name one of operationId, agentId and sessionId")
        if agent_id is None and (from_ is not None or to is not None):
            raise InvalidInput("from and to go with agentId", field="from")
        context = info.context
        reads, tenant = context.services.delegations, context.principal.tenant
        raw_from_us: int | None = None
        if agent_id is not None:
            span = instant_us(from_, "from"), instant_us(to, "to")
            raw_from_us = span[0] or 0
            nodes = await context.read(reads.of_agent, tenant, agent_id, *span)
        elif session_id is not None:
            nodes = await context.read(reads.of_session, tenant, session_id)
        else:
            nodes = await context.read(reads.of_operations, tenant, [uid_of(tenant, operation_id or "")])
        forest = await forest_of(info, nodes)
        shares = forest.shares(
            lambda node: (
                (operation_id, agent_id, session_id)
                in (
                    (node.operation_id, None, None),
                    (None, node.agent_id, None),
                    (None, None, node.session_id),
                )
            )
        )
        if not shares.own.operations:
            # Nothing is known to be missing only where nothing of the span may be archived.
            until_us = None if raw_from_us is None else await context.archived_until()
            if raw_from_us is None or until_us is None or until_us <= raw_from_us:
                return None
        return Delegation.of(shares, raw_from_us)
