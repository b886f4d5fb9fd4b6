"""The front of reservations: what callers say → commands → committed answers.

One door, as for usage: GraphQL and REST hand over the same words (snake_case) and get the same refusals.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger.access import Principal
from ledger.commands import (
    AGENTS,
    USAGES_MAX,
    Adjust,
    Extend,
    Release,
    Reserve,
    Reserving,
    Settle,
    Stream,
    Sweep,
    stream_operation_id,
)
from ledger.committer import Committer
from ledger.errors import InvalidInput, LedgerError, OutOfRange
from ledger.results import (
    Adjusted,
    BudgetExceeded,
    InvalidUsage,
    OperationConflict,
    PriceUnknown,
    RecordResult,
    Reservation,
    ReserveResult,
    Settled,
    SettleResult,
    Streamed,
    StreamResult,
    StreamShrank,
    Swept,
    Throttled,
)
from ledger.service import priced_usage
from ledger.usage import Count, Money, Name, Tags, parse_usage
from pricing.bounds import Bound, Bounds
from pricing.errors import AmountOutOfRange, PricingError
from pricing.money import to_nano_exact
from pricing.quote import Pricer
from pricing.units import BILLED


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReserveInput(_Input):
    """What a caller sends to reserve."""

    idempotency_key: Name
    agent_id: Name
    budget_id: Name | None = None
    provider: Name | None = None
    model_id: Name | None = None
    prompt_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    amount: Money | None = None
    ttl_seconds: int = Field(default=300, strict=True)
    user_id: Name | None = None
    dry_run: bool = Field(default=False, strict=True)
    resource: Name = AGENTS
    quantity: Count = 1
    requests: Count = 1
    size_bytes: Count = 0
    tags: Tags | None = None
    parent_operation_id: Name | None = None


class ExtendInput(_Input):
    """What a caller sends to extend."""

    reservation_id: Name
    idempotency_key: Name
    ttl_seconds: int = Field(default=300, strict=True)
    add_amount: Money | None = None


class StreamInput(_Input):
    """What a caller sends of a stream: one chunk, or its end. Counts are of completion tokens."""

    reservation_id: Name
    model: Name
    provider: Name
    token_count: Count | None = None
    """This chunk's."""
    total_tokens: Count | None = None
    """The stream's so far; it wins over ``token_count``."""
    processing_time_ms: Count | None = None
    chunk: Count | None = None
    """Its number within the stream: a ``token_count`` that comes twice is counted once."""
    operation_id: Name | None = None
    """What the stream is billed as; None: an id that follows from the reservation's."""
    capability_type: Name = "stream"
    session_id: Name | None = None
    parent_operation_id: Name | None = None
    usage: dict[str, Any] | None = None
    """The provider's final usage, in the words of ``UsageInput``: it replaces the count, and is the end."""
    final: bool = Field(default=False, strict=True)


_OF_FINAL_USAGE: Final = frozenset(
    {*BILLED, "provider_usage", "provider_family", "mode", "provider_cost", "provider_cost_currency"}
)
_SAYS_HOW_MUCH: Final = frozenset({*BILLED, "provider_usage", "provider_cost"})


M = TypeVar("M", bound=BaseModel)


class ReservationService:
    """Validates and prices outside of the ledger's lock, then waits for the commit.

    Everything here raises ``LedgerError``: ``InvalidInput`` for words that cannot be, ``NotFound``,
    ``Conflict``, ``BudgetClosed``, ``Unavailable``.
    """

    def __init__(
        self,
        committer: Committer,
        pricer: Pricer,
        bounds: Bounds,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        """``refused`` is told the code of every refusal of money, whichever door it leaves by."""
        self._committer = committer
        self._pricer = pricer
        self._bounds = bounds
        self._refused = refused

    async def reserve(self, principal: Principal, fields: Mapping[str, Any]) -> ReserveResult:
        """Hold an upper bound. ``fields`` are the words of ``ReserveInput``."""
        said = parsed(ReserveInput, fields)
        amount_nano = _nano(said.amount, "amount")
        command = Reserve(
            principal.tenant,
            principal.scope_uid,
            said.idempotency_key,
            said.agent_id,
            said.budget_id,
            said.provider,
            said.model_id,
            said.prompt_tokens,
            said.max_completion_tokens,
            amount_nano,
            said.ttl_seconds,
            said.user_id,
            said.dry_run,
            self._bound(said),
            said.resource,
            said.quantity,
            said.requests,
            said.size_bytes,
            said.tags or None,
            said.parent_operation_id,
        )
        return self._told(await self._submit(command), dry_run=said.dry_run)

    async def settle(
        self,
        principal: Principal,
        reservation_id: str,
        usages: Sequence[Mapping[str, Any]],
        *,
        final: bool = True,
    ) -> SettleResult:
        """Charge usage to a hold. ``usages`` are the words of ``UsageInput``; a bad one fails alone."""
        if len(usages) > USAGES_MAX:
            raise InvalidInput(f"{len(usages)} usages in one call; at most {USAGES_MAX}", field="usages")
        prepared = [priced_usage(self._pricer, fields) for fields in usages]
        good = tuple(each for each in prepared if not isinstance(each, InvalidUsage))
        bad = next((each for each in prepared if isinstance(each, InvalidUsage)), None)
        if bad is not None and not good:
            return bad
        command = Settle(principal.tenant, principal.scope_uid, reservation_id, good, final)
        answer = await self._submit(command)
        if isinstance(answer, Settled):
            if bad is None:
                return answer
            rest = iter(answer.results)
            results: list[RecordResult] = [
                each if isinstance(each, InvalidUsage) else next(rest) for each in prepared
            ]
            return replace(answer, results=tuple(results))
        if isinstance(answer, OperationConflict | InvalidUsage):
            return answer
        raise TypeError(f"a settlement was answered by a {type(answer).__name__}")

    async def stream(self, principal: Principal, fields: Mapping[str, Any]) -> StreamResult:
        """Bill a chunk of a stream, and say what to do. ``fields`` are the words of ``StreamInput``."""
        command = stream_command(principal, fields)
        if isinstance(command, InvalidUsage):
            return command
        answer = await self._submit(command)
        if not isinstance(answer, Streamed | StreamShrank | OperationConflict | InvalidUsage):
            raise TypeError(f"a stream was answered by a {type(answer).__name__}")
        return answer

    async def extend(self, principal: Principal, fields: Mapping[str, Any]) -> ReserveResult:
        """Hold for longer, perhaps more. ``fields`` are the words of ``ExtendInput``."""
        said = parsed(ExtendInput, fields)
        command = Extend(
            principal.tenant,
            principal.scope_uid,
            said.reservation_id,
            said.idempotency_key,
            said.ttl_seconds,
            _nano(said.add_amount, "add_amount") or 0,
        )
        return self._told(await self._submit(command))

    async def release(self, principal: Principal, reservation_id: str) -> Reservation:
        """Give back all that is held."""
        answer = await self._submit(Release(principal.tenant, principal.scope_uid, reservation_id))
        if not isinstance(answer, Reservation):
            raise TypeError(f"a release was answered by a {type(answer).__name__}")
        return answer

    def _told(self, answer: object, *, dry_run: bool = False) -> ReserveResult:
        result = _reserved(answer)
        if self._refused is not None and not isinstance(result, Reservation) and not dry_run:
            self._refused(result.code)
        return result

    async def adjust(self, command: Adjust) -> Adjusted:
        """Book a refund, a credit or a correction."""
        answer = await self._submit(command)
        if not isinstance(answer, Adjusted):
            raise TypeError(f"an adjustment was answered by a {type(answer).__name__}")
        return answer

    async def sweep(self, tenant: str) -> int:
        """Release the tenant's holds that have expired; how many they were."""
        answer = await self._submit(Sweep(tenant))
        if not isinstance(answer, Swept):
            raise TypeError(f"a sweep was answered by a {type(answer).__name__}")
        return answer.released

    async def _submit(self, command: Reserving | Adjust | Sweep) -> object:
        (answer,) = await self._committer.submit([command])
        if isinstance(answer, LedgerError):
            raise answer
        return answer

    def _bound(self, said: ReserveInput) -> Bound:
        try:
            return self._bounds.bound(
                at_us=time.time_ns() // 1_000,
                provider=said.provider,
                model_id=said.model_id,
                prompt_tokens=said.prompt_tokens,
                max_completion_tokens=said.max_completion_tokens,
            )
        except PricingError as error:
            raise _invalid(error, "prompt_tokens") from error


def stream_command(principal: Principal, fields: Mapping[str, Any]) -> Stream | InvalidUsage:
    """A chunk as the ledger decides it. Raises ``InvalidInput``."""
    said = parsed(StreamInput, fields)
    final = said.usage or {}
    unknown = sorted(set(final) - _OF_FINAL_USAGE)
    if unknown:
        field = f"usage.{unknown[0]}"
        raise InvalidInput(f"{field}: a stream's final usage has counts, mode and cost", field=field)
    if said.usage is not None and not _SAYS_HOW_MUCH & set(final):
        raise InvalidInput("usage: it does not say how much was used", field="usage")
    words: dict[str, Any] = {
        "operation_id": said.operation_id or stream_operation_id(said.reservation_id),
        # In its place only: a stream's agent is its reservation's, which the ledger knows.
        "agent_id": "stream",
        "capability_type": said.capability_type,
        "model_id": said.model,
        "provider": said.provider,
        "session_id": said.session_id,
        "parent_operation_id": said.parent_operation_id,
    }
    usage = parse_usage({**{name: word for name, word in words.items() if word is not None}, **final})
    if isinstance(usage, InvalidUsage):
        return usage
    return Stream(
        principal.tenant,
        principal.scope_uid,
        said.reservation_id,
        usage,
        said.operation_id,
        said.token_count,
        said.total_tokens,
        said.chunk,
        said.usage is not None,
        said.final or said.usage is not None,
        said.processing_time_ms,
    )


def parsed(model: type[M], fields: Mapping[str, Any]) -> M:
    """What a caller sent, as it must be. Raises ``InvalidInput`` that names the field."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        message = str(first["msg"]).removeprefix("Value error, ")
        raise InvalidInput(f"{field}: {message}", field=field) from error


def _nano(amount: Decimal | None, field: str) -> int | None:
    if amount is None:
        return None
    try:
        return to_nano_exact(amount, field)
    except PricingError as error:
        raise _invalid(error, field) from error


def _invalid(error: PricingError, field: str) -> LedgerError:
    kind = OutOfRange if isinstance(error, AmountOutOfRange) else InvalidInput
    return kind(error.message, field=error.field or field)


def _reserved(answer: object) -> ReserveResult:
    if not isinstance(answer, Reservation | BudgetExceeded | Throttled | PriceUnknown):
        raise TypeError(f"a reservation was answered by a {type(answer).__name__}")
    return answer
