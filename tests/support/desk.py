"""A desk at which tests give orders to a ledger, in batches, at instants of their choice."""

from datetime import UTC, datetime
from typing import Any, TypeVar

from ledger.batch import Batch, attempt
from ledger.commands import (
    CloseBudget,
    Command,
    CreateBudget,
    LimitSpec,
    MoveBudget,
    Record,
    RegisterAgent,
    UpdateBudget,
)
from ledger.decide import Answer
from ledger.errors import LedgerError
from ledger.model import Agent, Budget, BudgetType, Warning, uid_of
from ledger.ports import LedgerStore
from ledger.results import RecordedUsage
from ledger.state import TenantState
from ledger.usage import Usage, parse_usage
from pricing.calendar import from_datetime
from pricing.quote import Pricing, Quote, Reason

T = TypeVar("T")

NANO = 10**9


def us(text: str) -> int:
    """The instant of an ISO 8601 text; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return from_datetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


NOW_US = us("2026-11-22T09:00:00")


def usd(amount: float) -> int:
    """Nano-units of a figure that a test writes down: at most six decimal places."""
    return round(amount * 10**6) * 1000


def usage_of(operation_id: str, **fields: Any) -> Usage:
    """A valid usage."""
    sent = {"operation_id": operation_id, "agent_id": "agent", "capability_type": "chat", "model_id": "m"}
    usage = parse_usage({**sent, **fields})
    assert isinstance(usage, Usage), usage
    return usage


def priced(nano: int, currency: str = "USD") -> Quote:
    """A price, divided over its three parts."""
    prompt_nano, completion_nano = nano // 2, nano // 3
    other_nano = nano - prompt_nano - completion_nano
    return Quote(
        Pricing.PRICED, currency, prompt_nano, completion_nano, other_nano, nano, price_source="test"
    )


UNPRICED = Quote(Pricing.UNPRICED, reason=Reason.UNKNOWN_MODEL)


class Desk:
    """Gives one process's orders for one tenant to a store; ``now_us`` is its clock."""

    def __init__(self, store: LedgerStore, tenant: str = "t", now_us: int = NOW_US) -> None:
        self.store = store
        self.tenant = tenant
        self.now_us = now_us
        self.scope: str | None = None
        self.states: dict[str, TenantState] = {}

    def uid(self, identifier: str) -> str:
        """The uid of one of the tenant's ids."""
        return uid_of(self.tenant, identifier)

    @property
    def scope_uid(self) -> str | None:
        """The uid of the budget that the key is confined to."""
        return None if self.scope is None else self.uid(self.scope)

    def commit(self, *commands: Command) -> Batch:
        """One batch."""
        try:
            return attempt(self.store, self.states, commands, self.now_us)
        except Exception:
            self.states.clear()
            raise

    def do(self, *commands: Command) -> list[Answer]:
        """The answers to one batch."""
        return self.commit(*commands).answers

    def one(self, command: Command, kind: type[T]) -> T:
        """The answer to one command, which must be of that kind."""
        (answer,) = self.do(command)
        if isinstance(answer, kind):
            return answer
        raise answer if isinstance(answer, LedgerError) else AssertionError(answer)

    def usage(self, operation_id: str, quote: Quote | int = 0, **fields: Any) -> Record:
        """The command that records a usage; a number is a price in nano-units."""
        price = priced(quote) if isinstance(quote, int) else quote
        return Record(self.tenant, self.scope_uid, usage_of(operation_id, **fields), price)

    def record(self, operation_id: str, quote: Quote | int = 0, **fields: Any) -> RecordedUsage:
        """Record one usage, alone in its batch."""
        return self.one(self.usage(operation_id, quote, **fields), RecordedUsage)

    def creation(self, budget_id: str, parent: str | None = None, **fields: Any) -> CreateBudget:
        """The command that creates a budget."""
        kind = fields.pop("budget_type", BudgetType.CUSTOM)
        return CreateBudget(self.tenant, self.scope_uid, budget_id, kind, parent, **fields)

    def create(self, budget_id: str, parent: str | None = None, **fields: Any) -> Budget:
        """Create a budget."""
        return self.one(self.creation(budget_id, parent, **fields), Budget)

    def change(self, budget_id: str, **changes: Any) -> UpdateBudget:
        """The command that changes a budget."""
        return UpdateBudget(self.tenant, self.scope_uid, budget_id, changes)

    def update(self, budget_id: str, **changes: Any) -> Budget:
        """Change a budget."""
        return self.one(self.change(budget_id, **changes), Budget)

    def move(self, budget_id: str, parent: str | None) -> Budget:
        """Move a budget."""
        return self.one(MoveBudget(self.tenant, self.scope_uid, budget_id, parent), Budget)

    def close(self, budget_id: str) -> Budget:
        """Close a budget."""
        return self.one(CloseBudget(self.tenant, self.scope_uid, budget_id), Budget)

    def registration(self, agent_id: str, *parents: str, **fields: Any) -> RegisterAgent:
        """The command that registers an agent."""
        return RegisterAgent(self.tenant, self.scope_uid, agent_id, parent_agent_ids=parents, **fields)

    def register(self, agent_id: str, *parents: str, **fields: Any) -> Agent:
        """Register an agent."""
        return self.one(self.registration(agent_id, *parents, **fields), Agent)

    def refused(self, command: Command) -> LedgerError:
        """The error that refuses a command."""
        (answer,) = self.do(command)
        assert isinstance(answer, LedgerError), answer
        return answer


def limit(meter: Any, amount: int, window: Any = None, **fields: Any) -> LimitSpec:
    """A limit as asked for."""
    return LimitSpec(meter, amount, window, **fields)


def codes(warnings: tuple[Warning, ...]) -> list[str]:
    """What the warnings are about."""
    return [each.code for each in warnings]
