"""What operations, agents and sessions spent themselves, and what was done for them by others."""

from collections.abc import Iterable
from typing import Self

import strawberry

from insight.delegation import Forest, Node, Shares
from insight.delegation import Spend as Sum
from schema.enums import Outcome
from schema.raw import FromRawUsage
from schema.scalars import BigInt, DateTime, Decimal
from schema.words import money, optional_id


@strawberry.type(description="What was spent in one currency.")
class CurrencyCost:
    """What was spent in one currency."""

    currency: str
    prompt_cost: Decimal
    completion_cost: Decimal
    other_cost: Decimal
    total_cost: Decimal


@strawberry.type(description="How many operations ended so.")
class OutcomeCount:
    """How many operations ended so."""

    outcome: Outcome
    operations: BigInt


@strawberry.type(description="Sums over operations, each counted once; adjustments included.")
class Spend:
    """Sums over operations."""

    operations: BigInt
    prompt_tokens: BigInt
    completion_tokens: BigInt
    total_tokens: BigInt
    total_cost: Decimal | None = strawberry.field(
        description="Null where it is in several currencies: see costs."
    )
    currency: str | None = strawberry.field(description="Of totalCost; null where nothing cost anything.")
    costs: list[CurrencyCost]
    unpriced: BigInt = strawberry.field(description="How many of them have no known price, and so no cost.")
    outcomes: list[OutcomeCount]

    @classmethod
    def of(cls, row: Sum) -> Self:
        """From sums in integers."""
        costs = [
            CurrencyCost(
                currency=currency,
                prompt_cost=money(parts[0]),
                completion_cost=money(parts[1]),
                other_cost=money(parts[2]),
                total_cost=money(sum(parts)),
            )
            for currency, parts in sorted(row.costs.items())
        ]
        total = {0: money(0), 1: costs[0].total_cost if costs else None}.get(len(costs))
        return cls(
            operations=BigInt(row.operations),
            prompt_tokens=BigInt(row.prompt_tokens),
            completion_tokens=BigInt(row.completion_tokens),
            total_tokens=BigInt(row.prompt_tokens + row.completion_tokens),
            total_cost=total,
            currency=costs[0].currency if len(costs) == 1 else None,
            costs=costs,
            unpriced=BigInt(row.unpriced),
            outcomes=[
                OutcomeCount(outcome=Outcome(outcome), operations=BigInt(operations))
                for outcome, operations in sorted(row.outcomes.items())
            ],
        )


@strawberry.type(description="What was spent by something itself, by what it delegated, and by both.")
class Delegation(FromRawUsage):
    """Own, delegated, and both."""

    own: Spend
    delegated: Spend = strawberry.field(description="By the operations below its own, at any depth.")
    total: Spend

    @classmethod
    def of(cls, row: Shares, raw_from_us: int | None = None) -> Self:
        """From sums in integers."""
        return cls(
            raw_from_us=raw_from_us,
            own=Spend.of(row.own),
            delegated=Spend.of(row.delegated),
            total=Spend.of(row.total),
        )


@strawberry.type(description="An operation and what it delegated.")
class DelegatingOperation:
    """An operation and what it delegated."""

    operation_id: strawberry.ID
    agent_id: strawberry.ID
    session_id: strawberry.ID | None
    parent_operation_id: strawberry.ID | None = strawberry.field(
        description="The nearest operation above it that the key sees; null for a root."
    )
    depth: int
    outcome: Outcome
    timestamp: DateTime
    own: Spend
    delegated: Spend
    total: Spend
    children: list["DelegatingOperation"] = strawberry.field(description="What it delegated itself, by time.")

    @classmethod
    def all_of(cls, forest: Forest) -> "tuple[list[Self], list[Self]]":
        """The roots, and every operation before those that it delegated."""
        made: dict[str, Self] = {}
        for node, depth in forest.walk():
            above = forest.parents[node.uid]
            each = made[node.uid] = cls._one(node, depth, None if above is None else made[above], forest)
            if above is not None:
                made[above].children.append(each)
        return [made[node.uid] for node in forest.roots], list(made.values())

    @classmethod
    def _one(cls, node: Node, depth: int, above: "Self | None", forest: Forest) -> Self:
        shares = forest.operation(node.uid)
        return cls(
            operation_id=strawberry.ID(node.operation_id),
            agent_id=strawberry.ID(node.agent_id),
            session_id=optional_id(node.session_id),
            parent_operation_id=None if above is None else above.operation_id,
            depth=depth,
            outcome=Outcome(node.outcome),
            timestamp=DateTime(node.timestamp_us),
            own=Spend.of(shares.own),
            delegated=Spend.of(shares.delegated),
            total=Spend.of(shares.total),
            children=[],
        )


@strawberry.type(description="What an agent spent in a session, itself and by what it delegated to others.")
class AgentInSession:
    """An agent's part of a session."""

    agent_id: strawberry.ID
    own: Spend
    delegated: Spend = strawberry.field(
        description="By operations of other agents below its own. Agents on one path both count what is "
        "below them: these do not add up to the session."
    )
    total: Spend

    @classmethod
    def each(cls, shares: Iterable[tuple[str, Shares]]) -> list[Self]:
        """By agent id."""
        return [
            cls(
                agent_id=strawberry.ID(agent_id),
                own=Spend.of(row.own),
                delegated=Spend.of(row.delegated),
                total=Spend.of(row.total),
            )
            for agent_id, row in shares
        ]


@strawberry.type(description="The operations of a session and all that they delegated, at any depth.")
class Session:
    """A session."""

    session_id: strawberry.ID
    own: Spend = strawberry.field(description="By operations that name the session.")
    delegated: Spend = strawberry.field(description="By operations below these that do not name it.")
    total: Spend
    operations: list[DelegatingOperation] = strawberry.field(
        description="Every operation, each before what it delegated."
    )
    tree: list[DelegatingOperation] = strawberry.field(description="The roots; the rest are their children.")
    agents: list[AgentInSession]

    @classmethod
    def of(cls, session_id: str, forest: Forest) -> Self:
        """From its operations, as far as they are seen."""
        roots, every = DelegatingOperation.all_of(forest)
        shares = forest.shares(lambda node: node.session_id == session_id)
        return cls(
            session_id=strawberry.ID(session_id),
            own=Spend.of(shares.own),
            delegated=Spend.of(shares.delegated),
            total=Spend.of(shares.total),
            operations=every,
            tree=roots,
            agents=AgentInSession.each(forest.agents().items()),
        )
