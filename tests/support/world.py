"""A ledger on a store in memory, with a clock that tests turn: commands in, answers out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.batch import attempt
from ledger.commands import (
    Adjust,
    Command,
    CreateBudget,
    Extend,
    LimitSpec,
    Record,
    Release,
    Reserve,
    Settle,
    Sweep,
    UpdateBudget,
)
from ledger.decide import Answer
from ledger.errors import LedgerError
from ledger.model import BudgetType, Enforcement, Meter, Pricing, Recurrence, Window, WindowKind, uid_of
from ledger.results import Reservation, Settled
from ledger.state import TenantState
from ledger.usage import Usage, parse_usage
from pricing.bounds import Bound
from pricing.ports import RateSource
from pricing.quote import Quote, Reason
from tests.support.books import check_books
from tests.support.simulated_store import SimulatedStore

T = "t"
USD = 1_000_000_000
CENT = USD // 100
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 86_400 * SECOND_US
NOON_US = 1_790_856_000 * SECOND_US  # 2026-10-01T12:00Z


def limit(
    meter: str,
    amount: int,
    window: str | None = None,
    enforcement: str = "HARD",
    resource: str | None = None,
    each: str | None = None,
) -> LimitSpec:
    kind = None if window is None else WindowKind(window)
    return LimitSpec(Meter(meter), amount, kind, Enforcement(enforcement), resource, each)


def usage(operation_id: str, prompt: int = 0, completion: int = 0, **fields: Any) -> Usage:
    """A valid usage of agent ``a`` on model ``m``."""
    said: dict[str, Any] = {
        "operation_id": operation_id,
        "agent_id": "a",
        "capability_type": "chat",
        "model_id": "m",
        "prompt_tokens": prompt,
        "completion_tokens": completion,
    }
    found = parse_usage({**said, **fields})
    assert isinstance(found, Usage), found
    return found


def cost(nano: int) -> Quote:
    """A price: all of it for the prompt."""
    return Quote(Pricing.PRICED, "USD", nano, 0, 0, nano, price_source="test")


UNPRICED = Quote(Pricing.UNPRICED, reason=Reason.UNKNOWN_MODEL)


@dataclass
class World:
    store: SimulatedStore = field(default_factory=SimulatedStore)
    now_us: int = NOON_US
    states: dict[str, TenantState] = field(default_factory=dict)
    keys: int = 0
    lists: Sequence[RateSource] = ()
    """What the ledger prices by itself: streams."""

    def tell(self, *commands: Command) -> list[Answer]:
        """Decide and commit as one batch; the books must agree after it."""
        answers = attempt(self.store, self.states, commands, self.now_us, self.lists).answers
        check_books(self.store, limits_were_lowered=True)
        return answers

    def one(self, command: Command) -> Any:
        """The answer to one command; errors are raised."""
        (answer,) = self.tell(command)
        if isinstance(answer, LedgerError):
            raise answer
        return answer

    def forget(self) -> None:
        """Another process takes over: everything is read again."""
        self.states.clear()

    def later(self, seconds: float) -> None:
        self.now_us += int(seconds * SECOND_US)

    def budget(
        self, budget_id: str, amount: int | None = None, parent: str | None = None, **said: Any
    ) -> None:
        said.setdefault("budget_type", BudgetType.CUSTOM)
        if "limits" in said:
            said["limits"] = tuple(said["limits"])
        if "recurrence" in said:
            said["recurrence"] = Recurrence(said["recurrence"])
        self.one(CreateBudget(T, None, budget_id, parent_budget_id=parent, amount_nano=amount, **said))

    def update(self, budget_id: str, **changes: Any) -> None:
        self.one(UpdateBudget(T, None, budget_id, changes))

    def key(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    def reserve(
        self, budget: str | None, amount: int | None = CENT, key: str | None = None, **said: Any
    ) -> Any:
        said.setdefault("agent_id", "a")
        scope = said.pop("scope_uid", None)
        return self.one(Reserve(T, scope, key or self.key(), budget_id=budget, amount_nano=amount, **said))

    def held(
        self, budget: str | None, amount: int | None = CENT, key: str | None = None, **said: Any
    ) -> Reservation:
        answer = self.reserve(budget, amount, key, **said)
        assert isinstance(answer, Reservation), answer
        return answer

    def settle(
        self,
        held: Reservation | str,
        *usages: tuple[Usage, Quote],
        final: bool = True,
        scope: str | None = None,
    ) -> Any:
        reservation_id = held if isinstance(held, str) else held.reservation_id
        return self.one(Settle(T, scope, reservation_id, usages, final))

    def settled(self, held: Reservation | str, *usages: tuple[Usage, Quote], final: bool = True) -> Settled:
        answer = self.settle(held, *usages, final=final)
        assert isinstance(answer, Settled), answer
        return answer

    def release(self, held: Reservation) -> Reservation:
        return self.one(Release(T, None, held.reservation_id))

    def extend(self, held: Reservation, ttl: int = 300, add: int = 0, key: str | None = None) -> Any:
        return self.one(Extend(T, None, held.reservation_id, key or self.key(), ttl, add))

    def record(self, said: Usage, quote: Quote, scope: str | None = None) -> Any:
        return self.one(Record(T, scope, said, quote))

    def sweep(self) -> int:
        return self.one(Sweep(T)).released

    def adjust(self, operation_id: str, change: int, key: str | None = None, **said: Any) -> Any:
        return self.one(Adjust(T, None, key or self.key(), operation_id, change, **said))

    def window(self, budget_id: str, key: str = "amount", member: str | None = None) -> Window:
        """The latest window of a limit."""
        prefix = f"{uid_of(T, budget_id)}#{key}@"
        found = [
            each
            for uid, each in self.store.windows.items()
            if uid.startswith(prefix) and (member is None or uid.endswith(f"/{member}"))
        ]
        return max(found, key=lambda each: each.start_us or 0)

    def figures(self, budget_id: str, key: str = "amount", member: str | None = None) -> tuple[int, int, int]:
        """Spent, reserved, forced."""
        window = self.window(budget_id, key, member)
        return window.spent, window.reserved, window.forced


def bound(nano: int | None, tokens: int | None = None, reason: str | None = None) -> Bound:
    return Bound(nano, "USD", tokens, None, reason)
