"""Holding money, and what becomes of it: the ledger decides."""

import strawberry

from ledger.access import Permission
from ledger.commands import USAGES_MAX
from resolvers.info import Info
from schema.access import guarded
from schema.recording import words_of
from schema.reservation import (
    Reservation,
    ReserveResult,
    SettleResult,
    StreamResult,
    reserve_result,
    settle_result,
    stream_result,
)
from schema.reservation_inputs import ExtendInput, ReserveInput, SettleInput, StreamInput


@strawberry.type
class ReservationMutations:
    """What can be done with reservations."""

    @guarded(
        Permission.RECORD,
        description="Hold an upper bound of what an operation will cost, on every limit that it counts in, "
        "or on none. Asked again with the same key, the answer is the reservation as it now is.",
    )
    async def reserve(self, info: Info, input: ReserveInput) -> ReserveResult:
        """A reservation, or why there is none."""
        info.context.renew()
        reserving, principal = info.context.services.reserving, info.context.principal
        return reserve_result(await reserving.reserve(principal, words_of(input)))

    @guarded(
        Permission.RECORD,
        description=f"Charge up to {USAGES_MAX} usages to a reservation. What was spent is charged in any "
        "case: beyond what is held, and after it has ended. Repeat it at will.",
    )
    async def settle(self, info: Info, input: SettleInput) -> SettleResult:
        """What a settlement charged."""
        info.context.renew()
        rows = [words_of(each) for each in input.usages]
        reserving, principal = info.context.services.reserving, info.context.principal
        return settle_result(await reserving.settle(principal, input.reservation_id, rows, final=input.final))

    @guarded(
        Permission.RECORD,
        description="Bill a reservation's stream as it flows, and ask whether to go on, slow down or stop. "
        "What was reported is charged whatever becomes of its caller.",
    )
    async def stream(self, info: Info, input: StreamInput) -> StreamResult:
        """Where a stream stands."""
        info.context.renew()
        reserving, principal = info.context.services.reserving, info.context.principal
        return stream_result(await reserving.stream(principal, input.words()))

    @guarded(
        Permission.RECORD,
        description="Hold for longer, perhaps more: the heartbeat of a lease. A refusal leaves it as it was.",
    )
    async def extend(self, info: Info, input: ExtendInput) -> ReserveResult:
        """An extended reservation, or why it is not."""
        info.context.renew()
        reserving, principal = info.context.services.reserving, info.context.principal
        return reserve_result(await reserving.extend(principal, words_of(input)))

    @guarded(
        Permission.RECORD, description="Give back all that is held. What has ended is answered as it is."
    )
    async def release(self, info: Info, reservation_id: strawberry.ID) -> Reservation:
        """A released reservation."""
        info.context.renew()
        reserving, principal = info.context.services.reserving, info.context.principal
        return Reservation.of(await reserving.release(principal, reservation_id))
