"""The ledger's front: what callers say → commands → committed answers."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from ledger.access import Principal
from ledger.agreement_commands import AgreementCommand
from ledger.commands import Administer, Record, RegisterAgent
from ledger.committer import Committer
from ledger.decide import PriceResult
from ledger.errors import InvalidInput, LedgerError
from ledger.model import Agent, Budget, Override
from ledger.override_commands import OverrideCommand
from ledger.price_commands import PriceCommand
from ledger.prices import request_of
from ledger.results import (
    InvalidUsage,
    MonthsClosed,
    OperationConflict,
    RatesTaken,
    RecordedUsage,
    RecordResult,
    Repriced,
)
from ledger.usage import Usage, parse_usage
from pricing.agreements import Agreed
from pricing.errors import PricingError
from pricing.prices import PriceFile, Revision
from pricing.quote import Pricer, Quote

BATCH_MAX: Final = 1_000
_SLICE: Final = 25
"""Rows that are read at a time: two milliseconds in which nobody else is served."""


class LedgerService:
    """Validates and prices outside of the ledger's lock, then waits for the commit."""

    def __init__(self, committer: Committer, pricer: Pricer) -> None:
        self._committer = committer
        self._pricer = pricer

    async def record(self, principal: Principal, fields: Mapping[str, Any]) -> RecordResult:
        """Record one usage. ``fields`` are the words of ``UsageInput``. Raises ``Unavailable``."""
        command = self._command(principal, fields)
        if isinstance(command, InvalidUsage):
            return command
        (answer,) = await self._committer.submit([command])
        return _recorded(answer)

    async def record_many(
        self, principal: Principal, rows: Sequence[Mapping[str, Any]]
    ) -> list[RecordResult]:
        """Record up to 1,000 usages; a bad one fails alone. Answers in the order of ``rows``.

        Raises ``InvalidInput`` for too many rows, and ``Unavailable`` where some may not be committed:
        send all of them again then, what is recorded answers as a duplicate.
        """
        if len(rows) > BATCH_MAX:
            raise InvalidInput(
                f"{len(rows)} usages in one call; at most {BATCH_MAX} are taken", field="inputs"
            )
        prepared: list[Record | InvalidUsage] = []
        for begin in range(0, len(rows), _SLICE):
            prepared.extend(self._command(principal, each) for each in rows[begin : begin + _SLICE])
            await asyncio.sleep(0)
        commands = [each for each in prepared if isinstance(each, Record)]
        answers = iter(await self._committer.submit(commands))
        return [each if isinstance(each, InvalidUsage) else _of_row(each, next(answers)) for each in prepared]

    async def submit(
        self, command: Administer | OverrideCommand | RegisterAgent
    ) -> Budget | Override | Agent:
        """Change a budget, an override or an agent. Raises ``LedgerError``."""
        (answer,) = await self._committer.submit([command])
        if isinstance(answer, LedgerError):
            raise answer
        if not isinstance(answer, Budget | Override | Agent):
            raise TypeError(f"a {type(command).__name__} was answered by a {type(answer).__name__}")
        return answer

    async def say(self, command: PriceCommand | AgreementCommand) -> PriceResult:
        """Say something about prices or agreements. Raises ``LedgerError``."""
        (answer,) = await self._committer.submit([command])
        if isinstance(answer, LedgerError):
            raise answer
        if not isinstance(answer, Revision | RatesTaken | PriceFile | Repriced | Agreed | MonthsClosed):
            raise TypeError(f"a {type(command).__name__} was answered by a {type(answer).__name__}")
        return answer

    async def register_many(self, commands: Sequence[RegisterAgent]) -> list[Agent | LedgerError]:
        """Register up to 1,000 agents, parents before their children; a bad one fails alone, as a value.

        Raises ``Unavailable`` where some may not be committed.
        """
        if len(commands) > BATCH_MAX:
            raise InvalidInput(
                f"{len(commands)} agents in one call; at most {BATCH_MAX} are taken", field="agents"
            )
        answers = await self._committer.submit(commands) if commands else []
        return [cast("Agent | LedgerError", each) for each in answers]

    def _command(self, principal: Principal, fields: Mapping[str, Any]) -> Record | InvalidUsage:
        priced = priced_usage(self._pricer, fields)
        if isinstance(priced, InvalidUsage):
            return priced
        return Record(principal.tenant, principal.scope_uid, *priced)


def priced_usage(pricer: Pricer, fields: Mapping[str, Any]) -> tuple[Usage, Quote] | InvalidUsage:
    """A caller's words as a valid usage with its price, for recording and for settling alike."""
    usage = parse_usage(fields)
    if isinstance(usage, InvalidUsage):
        return usage
    now_us = time.time_ns() // 1_000
    # Not at a price that is yet to come: the ledger clamps such a timestamp, too.
    at_us = now_us if usage.timestamp_us is None else min(usage.timestamp_us, now_us)
    try:
        return usage, pricer.quote(request_of(usage, at_us))
    except PricingError as error:
        return InvalidUsage(usage.sent.operation_id, error.code, error.field, str(error))


def _of_row(command: Record, answer: object) -> RecordResult:
    """A row that the ledger could not commit fails alone: the others are recorded."""
    if isinstance(answer, LedgerError):
        return InvalidUsage(command.usage.sent.operation_id, answer.code, answer.field, answer.message)
    return _recorded(answer)


def _recorded(answer: object) -> RecordResult:
    if isinstance(answer, LedgerError):
        raise answer
    if not isinstance(answer, RecordedUsage | OperationConflict | InvalidUsage):
        raise TypeError(f"a recording was answered by a {type(answer).__name__}")
    return answer
