"""The ledger's state machine: commands in, results and changes out. No I/O, no clock of its own."""

from collections.abc import Sequence
from typing import assert_never

from ledger.administer import close_budget, create_budget, move_budget, update_budget
from ledger.agents import register_agent
from ledger.commands import (
    CloseBudget,
    Command,
    CreateBudget,
    MoveBudget,
    Record,
    RegisterAgent,
    UpdateBudget,
)
from ledger.errors import LedgerError
from ledger.model import Agent, Budget
from ledger.record import record
from ledger.results import RecordResult
from ledger.state import TenantState

Result = RecordResult | Budget | Agent
Answer = Result | LedgerError


def decide(state: TenantState, commands: Sequence[Command], now_us: int) -> list[Answer]:
    """Decide commands one after the other; ``state`` moves along and notes what is to be written.

    A command that is refused fails alone: a handler checks everything before it changes anything.
    Time never goes back: ``now_us`` is raised to the latest time that the ledger has seen.
    """
    now_us = state.head.last_now_us = max(now_us, state.head.last_now_us)
    answers: list[Answer] = []
    for command in commands:
        try:
            answers.append(_one(state, command, now_us))
        except LedgerError as error:
            answers.append(error)
    return answers


def _one(state: TenantState, command: Command, now_us: int) -> Result:
    match command:
        case Record():
            return record(state, command, now_us)
        case RegisterAgent():
            return register_agent(state, command, now_us)
        case CreateBudget():
            return create_budget(state, command, now_us)
        case UpdateBudget():
            return update_budget(state, command, now_us)
        case MoveBudget():
            return move_budget(state, command, now_us)
        case CloseBudget():
            return close_budget(state, command, now_us)
        case _:
            assert_never(command)
