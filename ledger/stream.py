"""Decide a chunk of a stream: what it reports is billed at once; the answer says go on, slow down or stop.

A reservation carries one stream, which is one operation that grows: the server keeps the count, prices the
sum and charges the difference. Chunks may be repeated and come in another order: ``total_tokens`` below
what is counted change nothing, and a ``token_count`` with its chunk's number is counted once. Without either
it is added each time. The provider's final usage replaces the count, downwards too, and ends the stream.

A stream that reports keeps its hold alive, for its time to live again, as long as the windows run that it is
on: past their end it needs an ``extend``, which is a new admission.
"""

from dataclasses import replace
from itertools import chain
from typing import Final

from ledger.commands import Settle, Stream, stream_operation_id
from ledger.errors import Conflict
from ledger.expiry import expired_now
from ledger.holds import HeldStream, Hold, HoldState
from ledger.model import uid_of
from ledger.pace import pace
from ledger.prices import request_of
from ledger.reader import KnownOperation
from ledger.reserve import reservation_of, visible_hold
from ledger.results import (
    InvalidUsage,
    OperationConflict,
    RecordedUsage,
    Settled,
    Streamed,
    StreamResult,
    StreamShrank,
)
from ledger.settle import settle
from ledger.settling import conflict
from ledger.state import TenantState
from ledger.usage import Usage, part_of_stream
from pricing.errors import PricingError
from pricing.quote import Quote

RUNS_MAX: Final = 64
"""How many runs of chunks may be known with others missing in between."""

Runs = tuple[tuple[int, int], ...]


def stream(state: TenantState, command: Stream, now_us: int) -> StreamResult:
    """Decide one chunk. Raises ``NotFound``, ``Conflict``."""
    hold = visible_hold(state, command.reservation_id, command.scope_uid)
    expired_now(state, hold, now_us)
    named = command.operation_id or stream_operation_id(command.reservation_id)
    begun = hold.stream or HeldStream(named, now_us)
    if command.operation_id not in {None, begun.operation_id}:
        raise Conflict(
            f"Reservation {command.reservation_id} is billed for the stream {begun.operation_id}: make "
            "another reservation for another stream.",
            field="operation_id",
        )
    known = state.operation(uid_of(state.tenant, begun.operation_id))
    if known is not None and known.reservation_uid != hold.reservation_id:
        return conflict(begun.operation_id, "is already recorded, and not as this reservation's stream")
    try:
        return _Chunk(state, command, hold, begun, known, now_us).decide()
    except PricingError as error:
        return InvalidUsage(begun.operation_id, error.code, error.field, str(error))


class _Chunk:
    """One chunk, and where its stream stands before it."""

    def __init__(
        self,
        state: TenantState,
        command: Stream,
        hold: Hold,
        begun: HeldStream,
        known: KnownOperation | None,
        now_us: int,
    ) -> None:
        self._state = state
        self._command = command
        self._hold = hold
        self._stream = begun
        self._known = known
        self._now_us = now_us
        self._counted = 0 if known is None else known.counts.completion_tokens

    def decide(self) -> StreamResult:
        """Count, bill, answer."""
        command, counted = self._command, self._counted
        if self._stream.ended:
            return self._after_the_end()
        completion: int | None = counted
        repeated = False
        if command.replaces:
            completion = None
        elif command.total_tokens is not None:
            if command.total_tokens < counted:
                return self._shrank(command.total_tokens)
            repeated = self._known is not None and command.total_tokens == counted
            completion = command.total_tokens
        elif command.token_count is not None:
            repeated = command.chunk is not None and _holds(self._stream.chunks, command.chunk)
            completion = counted if repeated else counted + command.token_count
        elif not command.final:
            self._keep_alive()
            return self._standing(duplicate=False)
        if repeated and not command.final:
            return self._standing(duplicate=True)
        return self._bill(self._usage(completion))

    def _usage(self, completion: int | None) -> Usage:
        stream, hold = self._stream, self._hold
        return part_of_stream(
            self._command.usage,
            hold.agent_id,
            stream.operation_id,
            stream.started_us,
            hold.prompt_tokens,
            completion,
        )

    def _bill(self, usage: Usage) -> StreamResult:
        command, state, hold = self._command, self._state, self._hold
        chunks = self._stream.chunks
        if command.chunk is not None:
            chunks = _with(chunks, command.chunk, from_zero=command.total_tokens is not None)
            if len(chunks) > RUNS_MAX:
                raise Conflict(f"more than {RUNS_MAX} gaps in the chunks that came", field="chunk")
        said = self._known is not None or command.replaces or _counts(command)
        settlement = Settle(
            command.tenant,
            command.scope_uid,
            command.reservation_id,
            ((usage, self._listed(usage)),) if said else (),
            command.final,
            command.replaces,
        )
        settled = settle(state, settlement, self._now_us)
        if isinstance(settled, InvalidUsage | OperationConflict):
            return settled
        hold.stream = replace(self._stream, chunks=chunks, ended=command.final) if said else hold.stream
        if command.processing_time_ms is not None:
            hold.processing_time_ms = command.processing_time_ms
        self._keep_alive()
        state.put_hold(hold)
        return self._billed(settled)

    def _listed(self, usage: Usage) -> Quote:
        """The price by the lists; the settlement takes that of the path where an organisation has its own."""
        at_us = min(self._stream.started_us, self._now_us)
        return self._state.prices.list_pricer.quote(request_of(usage, at_us))

    def _billed(self, settled: Settled) -> Streamed:
        result = settled.results[0] if settled.results else None
        news = isinstance(result, RecordedUsage) and not result.duplicate
        answer = self._standing(duplicate=False, final=self._command.final)
        return replace(
            answer,
            charged_nano=settled.charged_nano if news else 0,
            overrun_nano=settled.overrun_nano if news else 0,
            late=settled.late,
            warnings=settled.warnings,
        )

    def _after_the_end(self) -> StreamResult:
        """Nothing is counted any more. Another end than the first one is a conflict."""
        command, known = self._command, self._known
        if command.replaces and known is not None and self._usage(None).counts != known.counts:
            return conflict(self._stream.operation_id, "ended with another usage")
        return self._standing(duplicate=True)

    def _shrank(self, said: int) -> StreamShrank:
        return StreamShrank(
            f"total_tokens: {said} are fewer than the {self._counted} that this stream had already. "
            "They are the stream's tokens so far, not the chunk's.",
            self._standing(duplicate=True),
        )

    def _standing(self, *, duplicate: bool, final: bool = False) -> Streamed:
        """Where the stream stands now, and what it should do."""
        state, hold = self._state, self._hold
        known = state.operation(uid_of(state.tenant, self._stream.operation_id))
        plan = state.plan(hold.path, hold.facts(), hold.at_us)
        decision, delay_ms = pace(plan, hold, self._now_us, final=final)
        return Streamed(
            reservation_of(state, hold, self._command.scope_uid, duplicate=duplicate),
            self._stream.operation_id,
            0 if known is None else known.counts.completion_tokens,
            0,
            0,
            decision,
            delay_ms,
            duplicate,
            pricing=None if known is None else known.pricing,
            processing_time_ms=hold.processing_time_ms,
        )

    def _keep_alive(self) -> None:
        """Hold for as long again, while the windows run that it is on and nothing on the path is shut."""
        state, hold = self._state, self._hold
        if hold.state is not HoldState.HELD or not hold.ttl_seconds:
            return
        plan = state.plan(hold.path, hold.facts(), self._now_us)
        if not plan.shut and set(chain(*hold.windows)) == set(chain(*plan.held)):
            until_us = self._now_us + hold.ttl_seconds * 1_000_000
            hold.expires_at_us = max(hold.expires_at_us, until_us)
            state.put_hold(hold)


def _counts(command: Stream) -> bool:
    return command.total_tokens is not None or command.token_count is not None


def _holds(runs: Runs, number: int) -> bool:
    return any(first <= number <= last for first, last in runs)


def _with(runs: Runs, number: int, *, from_zero: bool) -> Runs:
    """Runs with one more number; with all below it, where a chunk tells the stream's tokens so far."""
    first, last = 0 if from_zero else number, number
    apart: list[tuple[int, int]] = []
    for run in runs:
        if run[1] < first - 1 or run[0] > last + 1:
            apart.append(run)
        else:
            first, last = min(first, run[0]), max(last, run[1])
    return tuple(sorted([*apart, (first, last)]))
