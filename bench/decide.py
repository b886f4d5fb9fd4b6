"""How many commands a second one process decides: no engine, no HTTP. One JSON line per load.

What is timed is ``decide`` on batches of 200, as the committer hands them over: a batch's commands were made
a moment before, and what they ask the store for is known. All of that is not timed.
"""

import gc
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ledger.commands import Command, CreateBudget, Record, Release, Reserve, Settle
from ledger.decide import decide
from ledger.errors import LedgerError
from ledger.model import BudgetType, uid_of
from ledger.state import TenantState
from ledger.usage import Usage, parse_usage
from pricing.quote import Pricing, Quote
from server.run import YOUNG_OBJECTS
from tests.support.world import NOON_US, T, World

BATCH = 200
COMMANDS = 40_000
ATTEMPTS = 7
QUOTE = Quote(Pricing.PRICED, "USD", 1_000, 2_000, 0, 3_000, price_source="bench")


def _usage(number: int) -> Usage:
    usage = parse_usage(
        {
            "operation_id": f"o{number}",
            "agent_id": "agent",
            "capability_type": "chat",
            "model_id": "gpt-4o",
            "prompt_tokens": 100,
            "completion_tokens": 20,
        }
    )
    if not isinstance(usage, Usage):
        raise TypeError(usage.message)
    return usage


def _state() -> TenantState:
    """A four-level path with a limit on each level, and the state that has seen it once."""
    world = World()
    parent = None
    for name in ("platform", "project", "task", "leaf"):
        world.one(
            CreateBudget(
                T, None, name, BudgetType.CUSTOM, parent_budget_id=parent, amount_nano=10**18, timezone="UTC"
            )
        )
        parent = name
    world.reserve("leaf", key="first", agent_id="agent")
    return world.states[T]


def _reserves(state: TenantState, prefix: str, numbers: range) -> Sequence[Reserve]:
    """Reservations that nobody knows yet."""
    commands = [
        Reserve(T, None, f"{prefix}{number}", "agent", "leaf", "openai", "gpt-4o", amount_nano=10_000)
        for number in numbers
    ]
    state.holds = dict.fromkeys(each.uid for each in commands)
    return commands


def _held(state: TenantState, prefix: str, numbers: range) -> list[str]:
    """Ids of reservations that were granted a batch before, and are known as the committer knows them."""
    reserves = _reserves(state, prefix, numbers)
    decide(state, reserves, NOON_US)
    state.settled()
    state.holds = {each.uid: state.kept.pop(each.uid) for each in reserves}
    return [each.reservation_id for each in reserves]


def _usages(state: TenantState, numbers: range) -> list[Usage]:
    """Usages that are not recorded yet."""
    state.operations = {uid_of(T, f"o{number}"): None for number in numbers}
    return [_usage(number) for number in numbers]


def _records(state: TenantState, _prefix: str, numbers: range) -> Sequence[Command]:
    return [Record(T, None, usage, QUOTE) for usage in _usages(state, numbers)]


def _settles(state: TenantState, prefix: str, numbers: range) -> Sequence[Command]:
    held = _held(state, prefix, numbers)
    usages = _usages(state, numbers)
    return [Settle(T, None, each, ((usage, QUOTE),)) for each, usage in zip(held, usages, strict=True)]


def _releases(state: TenantState, prefix: str, numbers: range) -> Sequence[Command]:
    return [Release(T, None, each) for each in _held(state, prefix, numbers)]


LOADS: Final[Mapping[str, Callable[[TenantState, str, range], Sequence[Command]]]] = {
    "reserve": _reserves,
    "settle": _settles,
    "record": _records,
    "release": _releases,
}


def _rate(load: str, prefix: str) -> float:
    """Commands per second of processor time."""
    state, spent = _state(), 0.0
    for begin in range(0, COMMANDS, BATCH):
        commands = LOADS[load](state, prefix, range(begin, begin + BATCH))
        started = time.process_time()
        answers = decide(state, commands, NOON_US)
        spent += time.process_time() - started
        refused = [each for each in answers if isinstance(each, LedgerError)]
        if refused:
            raise refused[0]
        state.settled()
    return COMMANDS / spent


def main() -> None:
    """Print one line per load."""
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])  # as in a server
    gc.freeze()
    for load in LOADS:
        best = max(_rate(load, f"{attempt}-") for attempt in range(ATTEMPTS))
        print(json.dumps({"bench": "decide", "load": load, "commands_per_second": round(best)}))


if __name__ == "__main__":
    main()
