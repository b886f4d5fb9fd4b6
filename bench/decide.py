"""How many commands a second one process decides: no engine, no HTTP. One JSON line per load.

Commands are made beforehand; what is timed is ``decide`` on batches of 200, as
the committer hands them over, the store's part being a dictionary.
"""

import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence

from ledger.commands import Command, CreateBudget, Record, Release, Reserve, Settle
from ledger.decide import decide
from ledger.holds import Hold
from ledger.model import BudgetType
from ledger.state import TenantState
from ledger.usage import Usage, parse_usage
from pricing.quote import Pricing, Quote
from server.run import YOUNG_OBJECTS
from tests.support.world import NOON_US, T, World

BATCH = 200
COMMANDS = 40_000
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


def _reserves(prefix: str) -> list[Command]:
    return [
        Reserve(T, None, f"{prefix}{number}", "agent", "leaf", "openai", "gpt-4o", amount_nano=10_000)
        for number in range(COMMANDS)
    ]


def _settles(reserves: Sequence[Command]) -> list[Command]:
    return [
        Settle(T, None, command.reservation_id, ((_usage(number), QUOTE),))
        for number, command in enumerate(reserves)
        if isinstance(command, Reserve)
    ]


def _batches(commands: Sequence[Command]) -> Iterator[Sequence[Command]]:
    for begin in range(0, len(commands), BATCH):
        yield commands[begin : begin + BATCH]


def _timed(
    state: TenantState, commands: Sequence[Command], prepare: Callable[[Sequence[Command]], None]
) -> float:
    """Seconds of processor time that deciding took, without making ready and clearing up."""
    spent = 0.0
    for batch in _batches(commands):
        prepare(batch)
        started = time.process_time()
        decide(state, batch, NOON_US)
        spent += time.process_time() - started
        holds = {uid: hold for uid, hold in state.holds.items() if hold is not None}
        state.settled()
        _kept.update(holds)
    return spent


_kept: dict[str, Hold] = {}


def main() -> None:  # noqa: C901 - one branch a load
    """Print one line per load."""
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])  # as in a server
    gc.freeze()
    for load in ("reserve", "settle", "record", "release"):
        rates: list[float] = []
        for attempt in range(3):
            state = _state()
            _kept.clear()
            reserves = _reserves(f"{load}{attempt}-")
            commands = reserves

            def unknown(batch: Sequence[Command], state: TenantState = state) -> None:
                state.holds = {each.uid: None for each in batch if isinstance(each, Reserve)}

            if load == "record":
                commands = [Record(T, None, _usage(number), QUOTE) for number in range(COMMANDS)]

                def unknown(batch: Sequence[Command], state: TenantState = state) -> None:
                    state.operations = {
                        f"{T}/{each.usage.sent.operation_id}": None
                        for each in batch
                        if isinstance(each, Record)
                    }

            if load in {"settle", "release"}:
                _timed(state, reserves, unknown)
                commands = _settles(reserves)
                if load == "release":
                    commands = [
                        Release(T, None, each.reservation_id) for each in commands if isinstance(each, Settle)
                    ]

                def unknown(batch: Sequence[Command], state: TenantState = state) -> None:
                    for each in batch:
                        if isinstance(each, Settle | Release):
                            uid = f"{T}/{each.reservation_id}"
                            state.holds[uid] = _kept[uid]
                            if isinstance(each, Settle):
                                state.operations[f"{T}/{each.usages[0][0].sent.operation_id}"] = None

            rates.append(COMMANDS / _timed(state, commands, unknown))
        print(json.dumps({"bench": "decide", "load": load, "commands_per_second": round(max(rates))}))


if __name__ == "__main__":
    main()
