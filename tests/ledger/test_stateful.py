"""Hypothesis drives one ledger step by step, shrinks what goes wrong, and compares with the naive one."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.commands import (
    Command,
    CreateBudget,
    Extend,
    LimitSpec,
    MoveBudget,
    Record,
    Release,
    Reserve,
    Settle,
    UpdateBudget,
    reservation_id_of,
)
from ledger.model import BudgetType, Enforcement, Meter, WindowKind
from ledger.override_commands import CreateOverride, RevokeOverride
from tests.ledger.naive import Naive
from tests.ledger.simulator import outcome_of
from tests.support.world import SECOND_US, T, World, cost, usage

BUDGETS = st.sampled_from(["root", "mid", "leaf", "other"])
KEYS = st.integers(0, 9).map(lambda number: f"key{number}")
TOKENS = st.integers(0, 9)
LIMITS = st.lists(
    st.builds(
        LimitSpec,
        meter=st.sampled_from([Meter.COST, Meter.TOKENS, Meter.REQUESTS]),
        amount=st.integers(0, 40),
        window=st.sampled_from([WindowKind.MINUTE, WindowKind.DAY]),
        enforcement=st.sampled_from(list(Enforcement)),
    ),
    max_size=3,
    unique_by=lambda each: (each.meter, each.window),
)


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.naive = Naive()
        self.first: dict[str, Reserve] = {}
        self.granted: dict[str, CreateOverride] = {}

    def tell(self, command: Command) -> None:
        self.naive.expired.clear()
        said = self.naive.decide(command, self.world.now_us)
        (answer,) = self.world.tell(command)
        assert outcome_of(answer) == said, (command, answer)

    @initialize()
    def begin(self) -> None:
        for name, parent, amount in (
            ("root", None, 50),
            ("mid", "root", None),
            ("leaf", "mid", 30),
            ("other", None, 10),
        ):
            self.tell(CreateBudget(T, None, name, BudgetType.CUSTOM, parent, amount_nano=amount))

    @rule(
        key=KEYS, budget=BUDGETS, amount=st.integers(0, 20), prompt=TOKENS, ttl=st.sampled_from([1, 90, 9000])
    )
    def reserve(self, key: str, budget: str, amount: int, prompt: int, ttl: int) -> None:
        asked = Reserve(T, None, key, "a", budget, None, "m", prompt, 0, amount_nano=amount, ttl_seconds=ttl)
        known = self.naive.holds.get(asked.reservation_id)
        # A key is used for one request: with another it is a conflict, which test_reserve.py looks at.
        asked = self.first.setdefault(key, asked) if known is not None else asked
        self.first[key] = asked
        self.tell(asked)

    @rule(
        key=KEYS, final=st.booleans(), said=st.lists(st.tuples(st.integers(0, 9), TOKENS, TOKENS), max_size=3)
    )
    def settle(self, key: str, final: bool, said: list[tuple[int, int, int]]) -> None:
        usages: list[tuple[Any, Any]] = [
            (usage(f"op{number}", prompt, completion), cost(prompt + 2 * completion))
            for number, prompt, completion in said
        ]
        self.tell(Settle(T, None, reservation_id_of(T, key), tuple(usages), final))

    @rule(key=KEYS, again=st.integers(0, 30), ttl=st.sampled_from([10, 600]))
    def extend(self, key: str, again: int, ttl: int) -> None:
        self.tell(Extend(T, None, reservation_id_of(T, key), f"e{again}-{ttl}", ttl, again % 3))

    @rule(key=KEYS)
    def release(self, key: str) -> None:
        self.tell(Release(T, None, reservation_id_of(T, key)))

    @rule(number=st.integers(0, 9), budget=BUDGETS, prompt=TOKENS, completion=TOKENS)
    def record(self, number: int, budget: str, prompt: int, completion: int) -> None:
        said = usage(f"op{number}", prompt, completion, budget_id=budget)
        self.tell(Record(T, None, said, cost(prompt + 2 * completion)))

    @rule(budget=BUDGETS, specs=LIMITS)
    def limit(self, budget: str, specs: list[LimitSpec]) -> None:
        self.tell(UpdateBudget(T, None, budget, {"limits": tuple(specs)}))

    @rule(
        number=st.integers(0, 4),
        budget=BUDGETS,
        amount=st.integers(1, 20),
        seconds=st.sampled_from([30, 9000]),
    )
    def grant(self, number: int, budget: str, amount: int, seconds: int) -> None:
        until_us = self.world.now_us + seconds * SECOND_US
        asked = CreateOverride(T, None, f"o{number}", budget, amount, "trouble", until_us)
        self.tell(self.granted.setdefault(asked.override_id, asked))

    @rule(number=st.integers(0, 4))
    def revoke(self, number: int) -> None:
        asked = CreateOverride(T, None, f"o{number}", "root", 1, "trouble", 1)
        self.tell(RevokeOverride(T, None, asked.override_id))

    @rule(budget=st.sampled_from(["mid", "leaf", "other"]), parent=st.one_of(st.none(), BUDGETS))
    def move(self, budget: str, parent: str | None) -> None:
        self.tell(MoveBudget(T, None, budget, parent))

    @rule(seconds=st.sampled_from([1, 10, 60, 3600, 43_200]))
    def wait(self, seconds: int) -> None:
        self.world.now_us += seconds * SECOND_US

    @rule()
    def restart(self) -> None:
        self.world.forget()

    @invariant()
    def nothing_is_negative(self) -> None:
        for window in self.world.store.windows.values():
            assert window.spent >= 0
            assert window.reserved >= 0


LedgerMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLedger = LedgerMachine.TestCase
