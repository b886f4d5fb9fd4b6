"""Reservations by id, and how many are open on budgets: one query each, however many are asked for."""

from ledger.expiry import as_of
from ledger.reserve import reservation_in
from ledger.results import Reservation
from resolvers.request import Request


async def load_reservations(request: Request, uids: list[str]) -> list[Reservation | None]:
    """Each reservation as it is now; None where there is none that the caller may see."""
    view, now_us = await request.load_view(), request.services.clock()
    found = await request.read(request.services.reservations.holds, uids)
    shown = {uid: as_of(hold, now_us) for uid, hold in found.items() if view.sees(hold.path.leaf_uid)}
    return [
        reservation_in(view.tree, shown[uid], view.scope_uid, duplicate=False) if uid in shown else None
        for uid in uids
    ]


async def load_open_reservations(request: Request, budget_uids: list[str]) -> list[int]:
    """How many reservations hold money on each of some visible budgets."""
    open_by_budget, now_us = request.services.reservations.open_by_budget, request.services.clock()
    counts = await request.read(open_by_budget, request.principal.tenant, now_us)
    return [counts.get(uid, 0) for uid in budget_uids]
