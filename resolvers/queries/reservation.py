"""Reservations."""

import strawberry

from ledger.access import Permission
from ledger.model import uid_of
from resolvers.info import Info
from schema.access import guarded
from schema.reservation import Reservation


@strawberry.type
class ReservationQueries:
    """What can be asked of reservations."""

    @guarded(
        Permission.READ, description="The reservation with that id; null where there is none for this key."
    )
    async def reservation(self, info: Info, reservation_id: strawberry.ID) -> Reservation | None:
        """One reservation, as it is now."""
        row = await info.context.reservation(uid_of(info.context.principal.tenant, reservation_id))
        return None if row is None else Reservation.of(row)
