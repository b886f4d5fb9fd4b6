"""A year of trouble in a second: several processes on one store, and everything goes wrong that may.

Every step is drawn from one seed: ``Simulation(seed).run(steps)``. Processes decide batches with clocks of
their own that jump; engines refuse and conflict; processes die before and after a commit, and what they knew
is lost; requests are delivered late, twice, in another order, to another process; budgets move, limits come
and go in between. After each step all books must agree, and each answer must be what the naive ledger says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ledger.batch import attempt
from ledger.commands import (
    CloseBudget,
    Command,
    CreateBudget,
    Extend,
    LimitSpec,
    MoveBudget,
    Record,
    Release,
    Reserve,
    Settle,
    Sweep,
    UpdateBudget,
    reservation_id_of,
)
from ledger.decide import Answer
from ledger.errors import LedgerError
from ledger.holds import Hold, HoldState
from ledger.model import Budget, BudgetType, Enforcement, Meter, Override, WindowKind, uid_of
from ledger.override_commands import CreateOverride, RevokeOverride
from ledger.results import (
    BudgetExceeded,
    InvalidUsage,
    OperationConflict,
    RecordedUsage,
    Reservation,
    Settled,
    Swept,
    Throttled,
)
from ledger.state import TenantState
from pricing.calendar import to_datetime
from tests.ledger.naive import Naive, Outcome
from tests.support.books import check_books
from tests.support.simulated_store import Crash, Fault, SimulatedStore
from tests.support.world import DAY_US, MINUTE_US, NOON_US, SECOND_US, T, cost, usage

PROCESSES = 3
BUDGETS = ("root", "a", "b", "a1", "a2", "b1")


def outcome_of(answer: Answer) -> Outcome:  # noqa: C901, PLR0911 - one line an answer
    """An answer in the naive ledger's words."""
    match answer:
        case Reservation():
            return ("reservation", answer.state.value, answer.amount_nano, answer.remaining_nano)
        case BudgetExceeded():
            return ("exceeded",)
        case Throttled():
            return ("throttled",)
        case Settled():
            pure = answer.reservation.duplicate
            reservation = outcome_of(answer.reservation)
            results = tuple(str(outcome_of(each)[0]) for each in answer.results)
            return ("settled", results, None if pure else answer.charged_nano, answer.late, reservation)
        case RecordedUsage():
            return ("duplicate",) if answer.duplicate else ("charged",)
        case OperationConflict():
            return ("conflict",)
        case InvalidUsage():
            return ("invalid", answer.message)
        case LedgerError():
            return ("error", answer.code)
        case Budget():
            return ("budget",)
        case Override():
            return ("override", answer.amount_nano, answer.revoked_at_us is not None)
        case Swept():
            return ("swept",)
        case _:
            raise AssertionError(answer)


def check_kept(states: Mapping[str, TenantState], commits: int, holds: Mapping[str, Hold]) -> None:
    """What a process keeps of reservations is what is stored, unless others committed since."""
    for state in states.values():
        if state.head.commits == commits:
            assert state.kept == {uid: holds[uid] for uid in state.kept}


@dataclass
class Process:
    skew_us: int = 0
    states: dict[str, TenantState] = field(default_factory=dict)


class Simulation:
    """One run. A failing seed fails again."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.store = SimulatedStore(fault=self._fault)
        self.naive = Naive()
        self.processes = [Process() for _ in range(PROCESSES)]
        self.clock_us = NOON_US
        self.waiting: list[Command] = []
        self.sent: list[Command] = []
        self.numbers = 0
        self.committed = False
        self.trouble = 0.0
        for index, name in enumerate(BUDGETS):
            parent = None if not index else ("root" if len(name) == 1 else name[0])
            amount = self.random.choice([None, 30, 60, 100]) if index else 120
            self._step([CreateBudget(T, None, name, BudgetType.CUSTOM, parent, amount_nano=amount)])
        self.trouble = self.random.choice([0.0, 0.05, 0.2])

    def run(self, steps: int) -> None:
        """Raise ``AssertionError`` when something is wrong."""
        for _ in range(steps):
            self._tick()
            for _ in range(self.random.randrange(1, 4)):
                self.waiting.append(self._command())
            if self.sent and self.random.random() < 0.3:
                self.waiting.append(self.random.choice(self.sent[-20:]))
            self.random.shuffle(self.waiting)
            size = self.random.randrange(1, 6)
            batch, self.waiting = self.waiting[:size], self.waiting[size:]
            self._step(batch)

    def _tick(self) -> None:
        self.clock_us += self.random.choice(
            [0, 1, 1_000, SECOND_US, 20 * SECOND_US, MINUTE_US, 3600 * SECOND_US]
        )
        if self.random.random() < 0.05:
            process = self.random.choice(self.processes)
            process.skew_us = self.random.choice([0, -MINUTE_US, MINUTE_US, -DAY_US, 10 * SECOND_US])

    def _step(self, batch: list[Command]) -> None:
        self._commit(batch)

    def _commit(self, batch: list[Command]) -> None:
        process = self.random.choice(self.processes)
        for _ in range(50):
            head = self.store.heads.get(T)
            now_us = max(self.clock_us + process.skew_us, 0 if head is None else head.last_now_us)
            self.committed = False
            try:
                answers = attempt(self.store, process.states, batch, self.clock_us + process.skew_us).answers
            except Fault:
                process.states.clear()
                continue
            except Crash:
                # A new process takes its place, and knows nothing. Was it committed? Its clients ask again.
                process.states = {}
                if self.committed:
                    self._said(batch, None, now_us)
                    process = self.random.choice(self.processes)
                continue
            self._said(batch, answers, now_us)
            self.sent.extend(each for each in batch if not isinstance(each, CreateBudget))
            return
        raise AssertionError("the batch never got through")

    def _said(self, batch: list[Command], answers: list[Answer] | None, now_us: int) -> None:
        self.naive.expired.clear()
        expected = [self.naive.decide(command, now_us) for command in batch]
        if not self.committed:
            # Nothing was written, so the ledger has not seen this time; another process may be behind it.
            for hold, taken in self.naive.expired:
                hold.state, hold.taken = "HELD", taken
        if answers is not None:
            for command, answer, said in zip(batch, answers, expected, strict=True):
                found = outcome_of(answer)
                assert found == said, f"ledger {found}\n  naive  {said}\n  {answer}\n  {command}"
        check_books(self.store, limits_were_lowered=True)
        for process in self.processes:
            check_kept(process.states, self.store.heads[T].commits, self.store.holds)
        for budget_id in self.naive.budgets:
            uid = uid_of(T, budget_id)
            charged = sum(each[1] for each in self.store.charged_in(uid, None, None))
            assert charged == sum(
                each.amounts[Meter.COST] for each in self.naive.charges if budget_id in each.chain
            ), budget_id
        for hold in self.store.holds.values():
            overdue = hold.state is HoldState.HELD and hold.expires_at_us <= now_us
            if not overdue:
                said = self.naive.holds[hold.reservation_id].state
                assert hold.state.value == said, f"{hold} naive {said}"

    def _fault(self, step: str) -> None:
        if step == "after commit":
            self.committed = True
            if self.random.random() < self.trouble:
                raise Crash
        elif self.random.random() < self.trouble / 4:
            raise Crash if self.random.random() < 0.3 else Fault(step)

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers

    def _command(self) -> Command:
        kinds: list[tuple[int, Any]] = [
            (40, self._reserve),
            (35, self._settle),
            (6, self._extend),
            (6, self._release),
            (12, self._record),
            (3, lambda: Sweep(T)),
            (2, self._move),
            (3, self._grant),
            (1, self._revoke),
            (3, self._update),
            (1, self._close),
        ]
        weights = [weight for weight, _ in kinds]
        (make,) = self.random.choices([make for _, make in kinds], weights)
        return make()

    def _reserve(self) -> Command:
        return Reserve(
            T,
            None,
            f"key{self._number()}",
            "agent",
            self.random.choice(BUDGETS),
            model_id="m",
            prompt_tokens=self.random.randrange(20),
            max_completion_tokens=self.random.randrange(20),
            amount_nano=self.random.randrange(15),
            ttl_seconds=self.random.choice([1, 30, 300, 7200]),
            dry_run=self.random.random() < 0.05,
        )

    def _reservation(self) -> str:
        known = [each.reservation_id for each in self.sent if isinstance(each, Reserve)][-15:]
        return self.random.choice([*known, reservation_id_of(T, "nothing")])

    def _settle(self) -> Command:
        usages = tuple(self._usage() for _ in range(self.random.choice([0, 1, 1, 1, 2, 3])))
        return Settle(T, None, self._reservation(), usages, final=self.random.random() < 0.6)

    def _usage(self, **said: Any) -> Any:
        number = self.random.randrange(max(1, self.numbers - 20), self.numbers + 2)
        prompt, completion = self.random.randrange(8), self.random.randrange(8)
        model = "m" if self.random.random() < 0.95 else "n"
        found = usage(f"op{number}", prompt, completion, agent_id="agent", model_id=model, **said)
        return found, cost(prompt + 2 * completion)

    def _record(self) -> Command:
        said: dict[str, Any] = {"budget_id": self.random.choice(BUDGETS)}
        if self.random.random() < 0.5:
            back_us = self.random.choice([0, MINUTE_US, 3600 * SECOND_US, DAY_US, -MINUTE_US, -DAY_US])
            said["timestamp"] = to_datetime(self.clock_us - back_us)
        found, quote = self._usage(**said)
        return Record(T, None, found, quote)

    def _extend(self) -> Command:
        key = f"extend{self._number()}"
        add = self.random.choice([0, 0, 5])
        return Extend(T, None, self._reservation(), key, self.random.choice([30, 600]), add)

    def _release(self) -> Command:
        return Release(T, None, self._reservation())

    def _grant(self) -> Command:
        until_us = self.clock_us + self.random.choice([MINUTE_US, DAY_US])
        name, amount = self.random.choice(BUDGETS), self.random.randrange(1, 40)
        return CreateOverride(T, None, f"grant{self._number()}", name, amount, "trouble", until_us)

    def _revoke(self) -> Command:
        granted = [each.override_id for each in self.sent if isinstance(each, CreateOverride)][-5:]
        return RevokeOverride(T, None, self.random.choice([*granted, "nothing"]))

    def _move(self) -> Command:
        name = self.random.choice(BUDGETS[1:])
        return MoveBudget(T, None, name, self.random.choice([None, *BUDGETS]))

    def _update(self) -> Command:
        name = self.random.choice(BUDGETS)
        if self.random.random() < 0.4:
            return UpdateBudget(T, None, name, {"amount_nano": self.random.choice([None, 40, 90, 200])})
        kinds = [
            LimitSpec(Meter.COST, self.random.randrange(60), WindowKind.DAY),
            LimitSpec(Meter.TOKENS, self.random.randrange(150), WindowKind.MINUTE),
            LimitSpec(Meter.REQUESTS, self.random.randrange(9), WindowKind.MINUTE, Enforcement.THROTTLE),
            LimitSpec(Meter.REQUESTS, self.random.randrange(30), WindowKind.DAY),
            LimitSpec(Meter.COST, self.random.randrange(20), WindowKind.MINUTE, Enforcement.SOFT),
        ]
        chosen = self.random.sample(kinds, self.random.randrange(len(kinds)))
        return UpdateBudget(T, None, name, {"limits": tuple(chosen)})

    def _close(self) -> Command:
        name = self.random.choice(BUDGETS[2:])
        if self.random.random() < 0.8:
            return Sweep(T)
        return CloseBudget(T, None, name)
