"""``evolution.ports`` over the real ledger: its committer, on a store in memory, and a log in JSON."""

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from evolution.codec import from_json, to_json
from evolution.ports import (
    Bill,
    EvaluationLog,
    ExperimentLedger,
    Held,
    HoldRequest,
    Lapsed,
    LogEntry,
    Receipt,
    Refused,
    Wait,
)
from ledger.commands import Command, CreateBudget, Extend, Reserve, Settle
from ledger.committer import Committer
from ledger.errors import LedgerError
from ledger.holds import HoldState
from ledger.model import BudgetType, Pricing
from ledger.results import BudgetExceeded, RecordedUsage, Reservation, Settled, Throttled
from ledger.usage import Usage, parse_usage
from pricing.money import format_nano
from pricing.quote import Pricer, PricingRequest, Quote, Reason
from tests.support.books import check_books
from tests.support.simulated_store import Crash, SimulatedStore
from tests.support.world import NOON_US, SECOND_US, T

BUDGET = "experiment"
_PRICER = Pricer([])


@dataclass
class Bank:
    """A running committer over a store, a clock that tests turn, and one experiment's budget."""

    store: SimulatedStore
    committer: Committer
    now_us: int = NOON_US

    def later(self, seconds: float) -> None:
        self.now_us += int(seconds * SECOND_US)

    def figures(self) -> tuple[int, int]:
        """Spent and reserved of the experiment's budget; the books must agree."""
        check_books(self.store)
        windows = [
            each for uid, each in self.store.windows.items() if uid.startswith(f"{T}/{BUDGET}#amount@")
        ]
        return sum(each.spent for each in windows), sum(each.reserved for each in windows)


@contextlib.contextmanager
def bank(amount_nano: int, **limits: Any) -> Generator[Bank]:
    """A bank whose experiment may spend so much."""
    store = SimulatedStore()
    committer = Committer(store, clock=lambda: made.now_us)
    made = Bank(store, committer)
    committer.start()
    try:
        created = CreateBudget(T, None, BUDGET, BudgetType.EXPERIMENT, amount_nano=amount_nano, **limits)
        (answer,) = committer.submit_blocking([created])
        assert not isinstance(answer, LedgerError), answer
        yield made
    finally:
        committer.stop()


class BankLedger:
    """``evolution.ports.ExperimentLedger`` in-process, as ``server`` will wire it."""

    def __init__(self, bank: Bank) -> None:
        self._committer = bank.committer
        self._keys = count()

    async def _ask(self, command: Command) -> Any:
        (answer,) = await self._committer.submit([command])
        if isinstance(answer, LedgerError):
            raise answer
        return answer

    async def reserve(self, request: HoldRequest) -> Held | Refused | Wait | Lapsed:
        answer = await self._ask(
            Reserve(
                T,
                None,
                request.key,
                request.agent_id,
                request.budget_id,
                amount_nano=request.amount_nano,
                ttl_seconds=request.ttl_seconds,
            )
        )
        match answer:
            case Reservation(state=HoldState.HELD):
                return Held(answer.reservation_id, request.key)
            case Reservation():
                return Lapsed()
            case Throttled():
                return Wait(answer.retry_after_ms / 1_000)
            case BudgetExceeded():
                return Refused(answer.message)
            case _:
                raise AssertionError(answer)

    async def extend(self, hold: Held, ttl_seconds: int) -> None:
        await self._ask(Extend(T, None, hold.hold_id, f"{hold.key}+{next(self._keys)}", ttl_seconds))

    async def settle(self, hold: Held, bill: Bill) -> Receipt:
        answer = await self._ask(Settle(T, None, hold.hold_id, tuple(_usages(bill))))
        assert isinstance(answer, Settled), answer
        charged, known, overrun = 0, True, answer.overrun_nano
        for each in answer.results:
            assert isinstance(each, RecordedUsage), each
            charged += 0 if each.cost_entry is None else each.cost_entry.total_cost_nano
            known = known and each.pricing is Pricing.PRICED
        return Receipt(charged, charged if known else None, overrun)


def _usages(bill: Bill) -> Generator[tuple[Usage, Quote]]:
    for i, words in enumerate(bill.usages or ({},)):
        said: dict[str, Any] = {
            "operation_id": f"{bill.operation_id}/{i}",
            "agent_id": bill.agent_id,
            "capability_type": "evaluation",
            "session_id": bill.session_id,
            "model_id": "m",
            "outcome": "ERROR" if bill.failed else "OK",
            **words,
        }
        if bill.cost_nano is not None and not bill.usages:
            said |= {"provider_cost": format_nano(bill.cost_nano), "provider_cost_currency": bill.currency}
        usage = parse_usage(said)
        assert isinstance(usage, Usage), usage
        quote = Quote(Pricing.UNPRICED, reason=Reason.UNKNOWN_MODEL)
        if usage.provider_cost_nano is not None:
            quote = _PRICER.quote(
                PricingRequest(NOON_US, None, "m", usage.counts, usage.provider_cost_nano, bill.currency)
            )
        yield usage, quote


@dataclass
class JsonLog:
    """``evolution.ports.EvaluationLog``: what was written is what JSON keeps of it."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def load(self, experiment_id: str) -> Sequence[LogEntry]:
        entries = [from_json(LogEntry, row) for row in self.rows]
        return [each for each in entries if each.experiment_id == experiment_id]

    async def append(self, entry: LogEntry) -> None:
        self.rows.append(to_json(entry))


class Mortal:
    """A process that dies at its n-th step, before or after what the step does; dead ones do nothing more."""

    def __init__(self, ledger: ExperimentLedger, log: EvaluationLog, steps: int, *, after: bool) -> None:
        self._ledger = ledger
        self._log = log
        self._steps = steps
        self._after = after
        self.dead = False

    async def _step(self, act: Callable[[], Any]) -> Any:
        if self.dead:
            raise Crash
        self._steps -= 1
        self.dead = self._steps < 0
        if self.dead and not self._after:
            raise Crash
        answer = await act()
        if self.dead:
            raise Crash
        return answer

    async def reserve(self, request: HoldRequest) -> Held | Refused | Wait | Lapsed:
        return await self._step(lambda: self._ledger.reserve(request))

    async def extend(self, hold: Held, ttl_seconds: int) -> None:
        return await self._step(lambda: self._ledger.extend(hold, ttl_seconds))

    async def settle(self, hold: Held, bill: Bill) -> Receipt:
        return await self._step(lambda: self._ledger.settle(hold, bill))

    async def load(self, experiment_id: str) -> Sequence[LogEntry]:
        return await self._log.load(experiment_id)

    async def append(self, entry: LogEntry) -> None:
        return await self._step(lambda: self._log.append(entry))
